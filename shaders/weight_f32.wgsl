// f32 weights [m, k] of any size for linear.wgsl.

fn weight_at(column: u32, at: u32) -> vec4<f32> {
    let start = min(column, parameters.m - 1u) * parameters.k + at;
    let left = parameters.k - at;
    var quad = vec4<f32>(weight[start], 0.0, 0.0, 0.0);
    if (left > 1u) { quad.y = weight[start + 1u]; }
    if (left > 2u) { quad.z = weight[start + 2u]; }
    if (left > 3u) { quad.w = weight[start + 3u]; }
    return quad;
}

fn bring_weights(thread: u32, group: u32, start: u32) {
    for (var i = thread; i < COLUMN_QUADS * (DEPTH / 4u); i += THREADS) {
        let part = i % (DEPTH / 4u);
        let quad = i / (DEPTH / 4u);
        let at = start + 4u * part;
        var c0 = vec4<f32>();
        var c1 = vec4<f32>();
        var c2 = vec4<f32>();
        var c3 = vec4<f32>();
        if (at < parameters.k) {
            let column = 4u * weight_quad(group, quad);
            c0 = weight_at(column, at);
            c1 = weight_at(column + 1u, at);
            c2 = weight_at(column + 2u, at);
            c3 = weight_at(column + 3u, at);
        }
        let to = W_START + 4u * part * W_STRIDE + quad;
        tile[to] = vec4<f32>(c0.x, c1.x, c2.x, c3.x);
        tile[to + W_STRIDE] = vec4<f32>(c0.y, c1.y, c2.y, c3.y);
        tile[to + 2u * W_STRIDE] = vec4<f32>(c0.z, c1.z, c2.z, c3.z);
        tile[to + 3u * W_STRIDE] = vec4<f32>(c0.w, c1.w, c2.w, c3.w);
    }
}
