// int8 weights [m, k], four to a word, with one scale for each group of k, for linear.wgsl.

@group(0) @binding(1) var<storage, read_write> weight: array<i32>;
@group(0) @binding(2) var<storage, read_write> scales: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
// n, k, m, group
@group(0) @binding(4) var<storage, read_write> parameters: array<u32>;

fn weight_at(column: u32, at: u32) -> f32 {
    let index = column * parameters[1] + at;
    let value = extractBits(weight[index / 4u], (index % 4u) * 8u, 8u);
    return f32(value) * scales[index / parameters[3]];
}
