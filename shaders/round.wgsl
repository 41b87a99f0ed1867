// Rows of activations to bytes, with a layer norm first where parameters.norm says so: one workgroup for each row.

@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> gain: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<u32>;
@group(0) @binding(3) var<uniform> parameters: Parameters;

struct Parameters {
    rows: u32,
    k: u32,
    levels: u32,
    norm: u32,
    eps: f32,
    unused_a: u32,
    unused_b: u32,
    unused_c: u32,
}

var<workgroup> largest: array<u32, 64>;

{{ bytes }}

{{ total }}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = group.x;
    let quads = parameters.k / 4u;
    let start = row * quads;
    var mean = 0.0;
    var factor = 1.0;
    if (parameters.norm == 1u) {
        var part = 0.0;
        for (var i = thread; i < quads; i += 64u) {
            part += dot(x[start + i], vec4<f32>(1.0));
        }
        mean = total(thread, part) / f32(parameters.k);
        part = 0.0;
        for (var i = thread; i < quads; i += 64u) {
            let off = x[start + i] - mean;
            part += dot(off, off);
        }
        factor = 1.0 / sqrt(total(thread, part) / f32(parameters.k) + parameters.eps);
    }
    let steps = parameters.rows * parameters.levels * quads;
    // Eight neighbouring threads have a group.
    for (var first = 0u; first < quads; first += 64u) {
        let quad = first + thread;
        var left = vec4<f32>();
        if (quad < quads) {
            left = x[start + quad];
            if (parameters.norm == 1u) {
                left = (left - mean) * factor * gain[quad];
            }
        }
        for (var level = 0u; level < parameters.levels; level++) {
            largest[thread] = largest_bits(left);
            workgroupBarrier();
            var bits = 0u;
            for (var i = 0u; i < 8u; i++) {
                bits = max(bits, largest[thread / 8u * 8u + i]);
            }
            workgroupBarrier();
            let step = step_of(bits);
            let integers = round(left * step.inverse);
            left -= integers * step.size;
            let line = row * parameters.levels + level;
            if (quad < quads) {
                out[line * quads + quad] = packed(integers);
                if (quad % 8u == 0u) {
                    out[steps + (line * quads + quad) / 8u] = step.bits;
                }
            }
        }
    }
}
