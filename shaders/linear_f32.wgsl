// f32 weights [m, k] of any size for linear.wgsl; what lies past the end of a row counts as zero.

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> parameters: Parameters;

// Where a row of x begins.
fn x_row(row: u32) -> u32 {
    return (parameters.x_first + row) * parameters.k;
}

fn x_quad(row: u32, at: u32) -> vec4<f32> {
    let left = parameters.k - at;
    var quad = vec4<f32>(x[row + at], 0.0, 0.0, 0.0);
    if (left > 1u) { quad.y = x[row + at + 1u]; }
    if (left > 2u) { quad.z = x[row + at + 2u]; }
    if (left > 3u) { quad.w = x[row + at + 3u]; }
    return quad;
}

fn weight_at(column: u32, at: u32) -> vec4<f32> {
    let kept = min(column, parameters.m - 1u);
    let skipped = parameters.half_first + select(0u, parameters.left_out, kept >= parameters.m / 2u);
    let start = (kept + skipped) * parameters.k + at;
    let left = parameters.k - at;
    var quad = vec4<f32>(weight[start], 0.0, 0.0, 0.0);
    if (left > 1u) { quad.y = weight[start + 1u]; }
    if (left > 2u) { quad.z = weight[start + 2u]; }
    if (left > 3u) { quad.w = weight[start + 3u]; }
    return quad;
}

fn put(row: u32, column: u32, value: vec4<f32>) {
    for (var c = 0u; c < 4u; c++) {
        if (column + c < parameters.m) {
            out[(parameters.out_first + row) * parameters.m + column + c] = value[c];
        }
    }
}

fn finish(row: u32, group: u32, across: u32, a: vec4<f32>, b: vec4<f32>) {
    let column = 4u * (group * COLUMN_QUADS + across);
    put(row, column, a);
    put(row, column + 4u * ACROSS, b);
}
