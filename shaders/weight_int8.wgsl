// int8 weights for linear.wgsl: a word has four neighbours along k of one column, a quad of words four columns;
// scales are quads of columns too. Both lie k by k, so that neighbouring threads read neighbouring quads.

fn bring_weights(thread: u32, group: u32, start: u32) {
    for (var i = thread; i < COLUMN_QUADS * (DEPTH / 4u); i += THREADS) {
        let quad = i % COLUMN_QUADS;
        let part = i / COLUMN_QUADS;
        let at = start + 4u * part;
        var words = vec4<i32>();
        var scale = vec4<f32>();
        if (at < parameters.k) {
            let column = weight_quad(group, quad);
            words = weight[(at / 4u) * weight_quads() + column];
            scale = scales[(at / parameters.group) * weight_quads() + column];
        }
        let to = W_START + 4u * part * W_STRIDE + quad;
        tile[to] = vec4<f32>((words << vec4<u32>(24u)) >> vec4<u32>(24u)) * scale;
        tile[to + W_STRIDE] = vec4<f32>((words << vec4<u32>(16u)) >> vec4<u32>(24u)) * scale;
        tile[to + 2u * W_STRIDE] = vec4<f32>((words << vec4<u32>(8u)) >> vec4<u32>(24u)) * scale;
        tile[to + 3u * W_STRIDE] = vec4<f32>(words >> vec4<u32>(24u)) * scale;
    }
}
