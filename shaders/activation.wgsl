// The activations of an MLP, four values at a time.

// Rational function of XLA's f32 erf; one to half a unit in the last place past 3.83.
fn erf(v: vec4<f32>) -> vec4<f32> {
    let t = clamp(v, vec4<f32>(-3.8325069), vec4<f32>(3.8325069));
    let s = t * t;
    let p = (((2.2905065861e-4 * s + 3.4082910107e-3) * s + 5.0955695062e-2) * s + 1.8520832240e-1) * s + 1.1283791435;
    let q = (((((-1.1791602954e-7 * s + 2.3547966471e-5) * s + 1.0179625278e-3) * s + 1.4070470171e-2) * s
        + 1.1098505178e-1) * s + 4.9746925110e-1) * s + 1.0;
    return t * p / q;
}

// GELU, its tanh form, or SiLU where it is neither. Half of 1 + tanh(u) is the sigmoid of 2 u.
fn activate(v: vec4<f32>, is_gelu: bool, is_gelu_tanh: bool) -> vec4<f32> {
    if (is_gelu) {
        return 0.5 * v * (1.0 + erf(v * 0.70710678118654752));
    }
    let twice = v * (1.5957691216057308 + 0.0713548162726 * v * v);
    return v / (1.0 + exp(-select(v, twice, is_gelu_tanh)));
}
