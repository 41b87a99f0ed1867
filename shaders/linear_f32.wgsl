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

fn bring_weights(thread: u32, group: u32, start: u32) {
    for (var i = thread; i < COLUMN_QUADS * PARTS; i += THREADS) {
        let part = i % PARTS;
        let quad = i / PARTS;
        let at = start + 4u * part;
        var c0 = vec4<f32>();
        var c1 = vec4<f32>();
        var c2 = vec4<f32>();
        var c3 = vec4<f32>();
        if (at < parameters.k) {
            let column = 4u * (group * COLUMN_QUADS + quad);
            c0 = weight_at(column, at);
            c1 = weight_at(column + 1u, at);
            c2 = weight_at(column + 2u, at);
            c3 = weight_at(column + 3u, at);
        }
        for (var c = 0u; c < 4u; c++) {
            tile[W_START + (4u * part + c) * W_STRIDE + quad] = vec4<f32>(c0[c], c1[c], c2[c], c3[c]);
        }
    }
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
