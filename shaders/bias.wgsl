// out = act(x + bias), or the sum alone: x and out [n, width], bias [width] or longer.

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> bias: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
// width; 0 without an activation, 1 for SiLU, 2 for GELU, 3 for its tanh form; where x has a part of each half of the bias's columns, those
// of a half before it, and those that it leaves out
@group(0) @binding(3) var<uniform> parameters: vec4<u32>;

{{ activation }}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let width = parameters.x;
    let column = group.x * 64u + thread;
    if (column < width) {
        let at = group.y * width + column;
        let skipped = parameters.z + select(0u, parameters.w, column >= width / 2u);
        var value = vec4<f32>(x[at] + bias[column + skipped]);
        if (parameters.y > 0u) {
            value = activate(value, parameters.y == 2u, parameters.y == 3u);
        }
        out[at] = value.x;
    }
}
