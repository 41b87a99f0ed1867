// int8 weights on their way to workgroup memory, for linear.wgsl.

fn bring_weights(thread: u32, group: u32, start: u32) {
    let all = weight_quads();
    for (var i = thread; i < COLUMN_QUADS * PARTS; i += THREADS) {
        let quad = i % COLUMN_QUADS;
        let part = i / COLUMN_QUADS;
        let at = start + 4u * part;
        var words = vec4<i32>();
        var scale = vec4<f32>();
        if (at < parameters.k) {
            let column = weight_column(group, quad);
            words = weight[(at / 4u) * all + column];
            scale = scales[(at / parameters.group) * all + column];
        }
        for (var c = 0u; c < 4u; c++) {
            let bytes = (words << vec4<u32>(24u - 8u * c)) >> vec4<u32>(24u);
            tile[W_START + (4u * part + c) * W_STRIDE + quad] = vec4<f32>(bytes) * scale;
        }
    }
}
