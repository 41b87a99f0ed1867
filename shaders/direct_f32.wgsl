// f32 weights as linear_direct.wgsl takes them.

fn weight_column(group: u32, quad: u32) -> u32 {
    return group * COLUMN_QUADS + quad;
}

fn weight_quads() -> u32 {
    return 0u;
}

fn weight_scale(column: u32, at: u32) -> vec4<f32> {
    return vec4<f32>(1.0);
}

// Weights of a quad of columns at four neighbours along k, one after another.
fn weights_at(column: u32, at: u32, quads: u32, scale: vec4<f32>) -> mat4x4<f32> {
    let first = 4u * column;
    return transpose(mat4x4<f32>(
        weight_at(first, at), weight_at(first + 1u, at), weight_at(first + 2u, at), weight_at(first + 3u, at),
    ));
}
