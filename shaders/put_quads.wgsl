fn put(start: u32, j: u32, value: vec4<f32>) {
    out[(start + j) / 4u] = value;
}
