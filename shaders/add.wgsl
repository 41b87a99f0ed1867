// out = x + y, all [n, width].

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
// width
@group(0) @binding(3) var<uniform> parameters: vec4<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let width = parameters.x;
    let column = group.x * 64u + thread;
    if (column < width) {
        let at = group.y * width + column;
        out[at] = x[at] + y[at];
    }
}
