// Rows of any width, for linear.wgsl; what lies past a row's end counts as zero.

fn x_quad(row: u32, at: u32) -> vec4<f32> {
    let start = row * parameters.k + at;
    let left = parameters.k - at;
    var quad = vec4<f32>(x[start], 0.0, 0.0, 0.0);
    if (left > 1u) { quad.y = x[start + 1u]; }
    if (left > 2u) { quad.z = x[start + 2u]; }
    if (left > 3u) { quad.w = x[start + 3u]; }
    return quad;
}

fn put(row: u32, column: u32, value: vec4<f32>) {
    let to = row * parameters.m + column;
    if (column < parameters.m) { out[to] = value.x; }
    if (column + 1u < parameters.m) { out[to + 1u] = value.y; }
    if (column + 2u < parameters.m) { out[to + 2u] = value.z; }
    if (column + 3u < parameters.m) { out[to + 3u] = value.w; }
}
