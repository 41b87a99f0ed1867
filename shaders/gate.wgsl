// out = act(u[:, ..inner]) * u[:, inner..]: u [n, 2 * inner], out [n, inner].

@group(0) @binding(0) var<storage, read_write> u: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
// inner
@group(0) @binding(2) var<storage, read_write> parameters: array<u32>;

fn silu(v: f32) -> f32 {
    return v / (1.0 + exp(-v));
}

// Rational function of XLA's f32 erf; one to half a unit in the last place past 3.83.
fn erf(v: f32) -> f32 {
    let t = clamp(v, -3.8325069, 3.8325069);
    let s = t * t;
    let p = (((2.2905065861e-4 * s + 3.4082910107e-3) * s + 5.0955695062e-2) * s + 1.8520832240e-1) * s + 1.1283791435;
    let q = (((((-1.1791602954e-7 * s + 2.3547966471e-5) * s + 1.0179625278e-3) * s + 1.4070470171e-2) * s
        + 1.1098505178e-1) * s + 4.9746925110e-1) * s + 1.0;
    return t * p / q;
}

fn gelu(v: f32) -> f32 {
    return 0.5 * v * (1.0 + erf(v * 0.70710678118654752));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let inner = parameters[0];
    let column = group.x * 64u + thread;
    if (column < inner) {
        let row = group.y * 2u * inner;
        out[group.y * inner + column] = {{ act }}(u[row + column]) * u[row + inner + column];
    }
}
