// The end of linear.wgsl that adds the sums to rows of another matrix [_, m].

// Quads of columns that W has, and which of them a tile's quad is.
fn weight_quads() -> u32 {
    return parameters.m / 4u;
}

fn weight_quad(group: u32, quad: u32) -> u32 {
    return min(group * COLUMN_QUADS + quad, weight_quads() - 1u);
}

fn finish(row: u32, group: u32, across: u32, a: vec4<f32>, b: vec4<f32>) {
    if (row < parameters.n) {
        let quad = group * COLUMN_QUADS + across;
        let source = ({{ residual_row }}) * weight_quads() + quad;
        if (quad < weight_quads()) {
            put(parameters.out_first + row, 4u * quad, residual[source] + a);
        }
        if (quad + ACROSS < weight_quads()) {
            put(parameters.out_first + row, 4u * (quad + ACROSS), residual[source + ACROSS] + b);
        }
    }
}
