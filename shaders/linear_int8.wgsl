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

fn bring_weights(thread: u32, group: u32, start: u32) {
    let gated = has(GATE);
    // Quads of columns of out, and of W.
    let quads = parameters.m / 4u;
    let all = select(quads, 2u * quads, gated) + parameters.left_out / 2u;
    for (var i = thread; i < COLUMN_QUADS * PARTS; i += THREADS) {
        let quad = i % COLUMN_QUADS;
        let part = i / COLUMN_QUADS;
        let at = start + 4u * part;
        var words = vec4<i32>();
        var scale = vec4<f32>();
        if (at < parameters.k) {
            // Of a gate, a thread's first quad is of the first half, and its second the same columns of the second.
            let half = (quad / ACROSS) * quads + min(group * ACROSS + quad % ACROSS, quads - 1u);
            let column = select(quad_of_weights(min(group * COLUMN_QUADS + quad, quads - 1u)), half, gated);
            words = weight[(at / 4u) * all + column];
            scale = scales[(at / parameters.group) * all + column];
        }
        for (var c = 0u; c < 4u; c++) {
            let bytes = (words << vec4<u32>(24u - 8u * c)) >> vec4<u32>(24u);
            tile[W_START + (4u * part + c) * W_STRIDE + quad] = vec4<f32>(bytes) * scale;
        }
    }
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
