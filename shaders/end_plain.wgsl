// The end of linear.wgsl that stores the sums as they are.

// Quads of columns that W has, and which of them a tile's quad is.
fn weight_quads() -> u32 {
    return (parameters.m + 3u) / 4u;
}

fn weight_quad(group: u32, quad: u32) -> u32 {
    return min(group * COLUMN_QUADS + quad, weight_quads() - 1u);
}

fn finish(row: u32, group: u32, across: u32, a: vec4<f32>, b: vec4<f32>) {
    if (row < parameters.n) {
        let column = 4u * (group * COLUMN_QUADS + across);
        put(parameters.out_first + row, column, a);
        put(parameters.out_first + row, column + 4u * ACROSS, b);
    }
}
