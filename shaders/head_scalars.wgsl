// Heads of any width, for attention.wgsl; what lies past the end of a half counts as zero.

fn q_quad(start: u32, j: u32) -> vec4<f32> {
    var quad = vec4<f32>(q[start + j], 0.0, 0.0, 0.0);
    if (j + 1u < HALF) { quad.y = q[start + j + 1u]; }
    if (j + 2u < HALF) { quad.z = q[start + j + 2u]; }
    if (j + 3u < HALF) { quad.w = q[start + j + 3u]; }
    return quad;
}

fn kv_quad(start: u32, j: u32) -> vec4<f32> {
    var quad = vec4<f32>(kv[start + j], 0.0, 0.0, 0.0);
    if (j + 1u < HALF) { quad.y = kv[start + j + 1u]; }
    if (j + 2u < HALF) { quad.z = kv[start + j + 2u]; }
    if (j + 3u < HALF) { quad.w = kv[start + j + 3u]; }
    return quad;
}

fn rope_quad(start: u32, j: u32) -> vec4<f32> {
    var quad = vec4<f32>(rope[start + j], 0.0, 0.0, 0.0);
    if (j + 1u < HALF) { quad.y = rope[start + j + 1u]; }
    if (j + 2u < HALF) { quad.z = rope[start + j + 2u]; }
    if (j + 3u < HALF) { quad.w = rope[start + j + 3u]; }
    return quad;
}
