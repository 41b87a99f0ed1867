// Activations as bytes: one step for each group of 32 columns of a row, largest = 127 steps, halves to even numbers.
//
// A buffer of them has words of four neighbouring columns, [rows, levels, k / 4], then the bits of steps,
// [rows, levels, k / 32]. A second level has what was rounded away from the first, for a pack's self-test.

// Bits of the largest magnitude: of numbers they ascend, and what is no number has the highest.
fn largest_bits(values: vec4<f32>) -> u32 {
    let bits = bitcast<vec4<u32>>(values) & vec4<u32>(0x7fffffffu);
    return max(max(bits.x, bits.y), max(bits.z, bits.w));
}

struct Step {
    // What values are multiplied by before they are rounded.
    inverse: f32,
    // What an integer stands for.
    size: f32,
    // The bits of size: no number where the largest is none, which a shader may not compute with.
    bits: u32,
}

fn step_of(largest: u32) -> Step {
    // What has no finite inverse counts as zero.
    if (largest >= 0x7f800000u || bitcast<f32>(largest) < 3.74e-37) {
        return Step(0.0, 0.0, select(0u, 0x7fc00000u, largest >= 0x7f800000u));
    }
    let value = bitcast<f32>(largest);
    return Step(127.0 / value, value / 127.0, bitcast<u32>(value / 127.0));
}

fn packed(integers: vec4<f32>) -> u32 {
    return pack4xI8(vec4<i32>(integers));
}
