fn put(start: u32, j: u32, value: vec4<f32>) {
    out[start + j] = value.x;
    if (j + 1u < HALF) { out[start + j + 1u] = value.y; }
    if (j + 2u < HALF) { out[start + j + 2u] = value.z; }
    if (j + 3u < HALF) { out[start + j + 3u] = value.w; }
}
