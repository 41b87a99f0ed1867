// int8 weights for linear.wgsl: a word has four neighbours along k of one column, a quad of words four columns;
// scales are quads of columns too. Both lie k by k, so that neighbouring threads read neighbouring quads.
//
// Bits of parameters.ways say what is done on the way. A buffer that is not read then is any other.

@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> weight: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read_write> scales: array<vec4<f32>>;
// The gain of the norm, or else the bias.
@group(0) @binding(3) var<storage, read_write> gain: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> queries: array<i32>;
@group(0) @binding(5) var<storage, read_write> residual: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(7) var<uniform> parameters: Parameters;

// The rows of x go through a layer norm first.
const NORM = 1u;
{{ ways }}

{{ activation }}

// Where a row of x begins.
fn x_row(row: u32) -> u32 {
    if (has(X_OF_QUERIES)) {
        return row_of_query(row) * (parameters.k / 4u);
    }
    return (parameters.x_first + row) * (parameters.k / 4u);
}

fn x_quad(row: u32, at: u32) -> vec4<f32> {
    return x[row + at / 4u];
}

// The quad of W's columns that a quad of a tile is. Of a gate, a thread's first quad is of the first half, and its second the same columns
// of the second.
fn weight_column(group: u32, quad: u32) -> u32 {
    let quads = parameters.m / 4u;
    if (has(GATE)) {
        return (quad / ACROSS) * quads + min(group * ACROSS + quad % ACROSS, quads - 1u);
    }
    return quad_of_weights(min(group * COLUMN_QUADS + quad, quads - 1u));
}

// Quads of W's columns.
fn weight_quads() -> u32 {
    return select(parameters.m / 4u, parameters.m / 2u, has(GATE)) + parameters.left_out / 2u;
}

fn finish(row: u32, group: u32, across: u32, a: vec4<f32>, b: vec4<f32>) {
    let quads = parameters.m / 4u;
    var value = a;
    var quad = group * COLUMN_QUADS + across;
    var last = quad + ACROSS;
    if (has(GATE)) {
        quad = group * ACROSS + across;
        last = quad;
    }
    var source = parameters.out_first + row;
    if (has(RESIDUAL_OF_QUERIES)) {
        source = row_of_query(row);
    }
    for (; quad <= last; quad += ACROSS) {
        if (quad < quads) {
            if (has(BIAS)) {
                value += gain[quad_of_weights(quad)];
            }
            if (has(GATE | ACTIVATE)) {
                value = activate(value, has(GELU), has(GELU_TANH));
            }
            if (has(GATE)) {
                value *= b;
            }
            if (has(RESIDUAL)) {
                value += residual[source * quads + quad];
            }
            out[(parameters.out_first + row) * quads + quad] = value;
        }
        value = b;
    }
}
