// Layer norm of the rows of a tile, on their way into linear.wgsl. Four threads take the moments of a row, each of every
// fourth quad: one component at a time by Welford's update, then all together by Chan's.

// Mean and sum of squared distances from it.
var<workgroup> pieces: array<vec2<f32>, ROWS * 4u>;
// Mean and one over the deviation.
var<workgroup> moments: array<vec2<f32>, ROWS>;

fn measure(first_row: u32, thread: u32) {
    for (var i = thread; i < ROWS * 4u; i += THREADS) {
        let source = x_row(min(first_row + i / 4u, parameters.n - 1u));
        var mean = vec4<f32>();
        var spread = vec4<f32>();
        var count = 0.0;
        for (var at = 4u * (i % 4u); at < parameters.k; at += 16u) {
            let value = x_quad(source, at);
            let off = value - mean;
            count += 1.0;
            mean += off * (1.0 / count);
            spread += off * (value - mean);
        }
        let middle = dot(mean, vec4<f32>(0.25));
        let apart = mean - middle;
        pieces[i] = vec2<f32>(middle, dot(spread, vec4<f32>(1.0)) + count * dot(apart, apart));
    }
    workgroupBarrier();
    for (var row = thread; row < ROWS; row += THREADS) {
        let quads = parameters.k / 4u;
        // Quads that each of the four threads had.
        let counts = vec4<f32>((vec4<u32>(quads + 3u) - vec4<u32>(0u, 1u, 2u, 3u)) / vec4<u32>(4u));
        let p0 = pieces[row * 4u];
        let p1 = pieces[row * 4u + 1u];
        let p2 = pieces[row * 4u + 2u];
        let p3 = pieces[row * 4u + 3u];
        let means = vec4<f32>(p0.x, p1.x, p2.x, p3.x);
        let mean = dot(means, counts) / f32(quads);
        let apart = means - mean;
        let spread = p0.y + p1.y + p2.y + p3.y + 4.0 * dot(apart * apart, counts);
        moments[row] = vec2<f32>(mean, 1.0 / sqrt(spread / f32(parameters.k) + parameters.eps));
    }
    workgroupBarrier();
}
