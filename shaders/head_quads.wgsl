// Heads whose halves are a multiple of 4 wide, four values at a time, for attention.wgsl.

fn q_quad(start: u32, j: u32) -> vec4<f32> {
    return q[(start + j) / 4u];
}

fn kv_quad(start: u32, j: u32) -> vec4<f32> {
    return kv[(start + j) / 4u];
}

fn rope_quad(start: u32, j: u32) -> vec4<f32> {
    return rope[(start + j) / 4u];
}
