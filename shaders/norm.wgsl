// Layer norm, with a bias where parameters.z is 1: one workgroup for each row.
//   out = (x - mean) / sqrt(variance + eps) * gain + bias

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> gain: array<f32>;
@group(0) @binding(2) var<storage, read_write> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
// width, the bits of eps, whether there is a bias
@group(0) @binding(4) var<uniform> parameters: vec4<u32>;

{{ total }}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let width = parameters.x;
    let eps = bitcast<f32>(parameters.y);
    let start = group.x * width;

    var part = 0.0;
    for (var i = thread; i < width; i += 64u) {
        part += x[start + i];
    }
    let mean = total(thread, part) / f32(width);

    part = 0.0;
    for (var i = thread; i < width; i += 64u) {
        let off = x[start + i] - mean;
        part += off * off;
    }
    let scale = 1.0 / sqrt(total(thread, part) / f32(width) + eps);

    for (var i = thread; i < width; i += 64u) {
        var value = (x[start + i] - mean) * scale * gain[i];
        if (parameters.z == 1u) {
            value += bias[i];
        }
        out[start + i] = value;
    }
}
