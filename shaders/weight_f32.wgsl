// f32 weights [m, k] for linear.wgsl.

@group(0) @binding(1) var<storage, read_write> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
// n, k, m, k again
@group(0) @binding(3) var<storage, read_write> parameters: array<u32>;

fn weight_at(column: u32, at: u32) -> f32 {
    return weight[column * parameters[1] + at];
}
