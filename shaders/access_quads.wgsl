// Rows whose width is a multiple of 4, four values at a time, for linear.wgsl.

fn x_quad(row: u32, at: u32) -> vec4<f32> {
    return x[(row * parameters.k + at) / 4u];
}

fn put(row: u32, column: u32, value: vec4<f32>) {
    if (column < parameters.m) {
        out[(row * parameters.m + column) / 4u] = value;
    }
}
