// f32 weights on their way to workgroup memory, for linear.wgsl.

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
