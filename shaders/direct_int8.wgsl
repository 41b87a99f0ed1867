// int8 weights as linear_direct.wgsl takes them.

fn weight_scale(column: u32, at: u32) -> vec4<f32> {
    return scales[(at / parameters.group) * weight_quads() + column];
}

// Weights of a quad of columns at four neighbours along k, one after another. Bytes are masked, not shifted, which a software adapter may do
// lane by lane: three of the four have 128 added first, so that no sign is in the way, and all become f32 exactly.
fn weights_at(column: u32, at: u32, quads: u32, scale: vec4<f32>) -> mat4x4<f32> {
    let words = weight[(at / 4u) * quads + column];
    let moved = words ^ vec4<i32>(0x00808080);
    return mat4x4<f32>(
        (vec4<f32>(moved & vec4<i32>(0xff)) - 128.0) * scale,
        (vec4<f32>(moved & vec4<i32>(0xff00)) - 32768.0) * (scale * 0x1p-8),
        (vec4<f32>(moved & vec4<i32>(0xff0000)) - 8388608.0) * (scale * 0x1p-16),
        vec4<f32>(words & vec4<i32>(-16777216)) * (scale * 0x1p-24),
    );
}
