var<workgroup> parts: array<f32, 64>;

// Sums one value of each thread; every thread gets the sum.
fn total(thread: u32, value: f32) -> f32 {
    parts[thread] = value;
    workgroupBarrier();
    for (var step = 32u; step > 0u; step /= 2u) {
        if (thread < step) {
            parts[thread] += parts[thread + step];
        }
        workgroupBarrier();
    }
    let sum = parts[0];
    workgroupBarrier();
    return sum;
}
