// out = act(u[:, ..inner]) * u[:, inner..]: u [n, 2 * inner], out [n, inner].

@group(0) @binding(0) var<storage, read_write> u: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
// inner; 1 for GELU, 0 for SiLU
@group(0) @binding(2) var<uniform> parameters: vec4<u32>;

{{ activation }}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let inner = parameters.x;
    let column = group.x * 64u + thread;
    if (column < inner) {
        let row = group.y * 2u * inner;
        let value = activate(vec4<f32>(u[row + column]), parameters.y == 1u, false);
        out[group.y * inner + column] = value.x * u[row + inner + column];
    }
}
