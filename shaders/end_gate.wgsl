// The end of linear.wgsl that gates: W has 2 * m columns; the first quad of columns of a thread is of their first half,
// the second the same columns of their second half, and out = act(first) * second.

// Quads of columns that W has, and which of them a tile's quad is.
fn weight_quads() -> u32 {
    return parameters.m / 2u;
}

fn weight_quad(group: u32, quad: u32) -> u32 {
    let half = parameters.m / 4u;
    return (quad / ACROSS) * half + min(group * ACROSS + quad % ACROSS, half - 1u);
}

fn finish(row: u32, group: u32, across: u32, a: vec4<f32>, b: vec4<f32>) {
    if (row < parameters.n) {
        let value = vec4<f32>(activate(a.x), activate(a.y), activate(a.z), activate(a.w));
        put(parameters.out_first + row, 4u * (group * ACROSS + across), value * b);
    }
}
