    // Layer norm of the rows of x on their way: every thread takes the moments of its four rows over the quads of k that
    // it brings, one component at a time by Welford's update; then those of a row meet by Chan's.
    var means = vec4<f32>();
    var factors = vec4<f32>(1.0);
    if (has(NORM)) {
        if (quad < 2u * DOWN) {
            for (var r = 0u; r < 4u; r++) {
                var mean = vec4<f32>();
                var spread = vec4<f32>();
                var count = 0.0;
                for (var at = 4u * part; at < parameters.k; at += DEPTH) {
                    let value = x_quad(source[r], at);
                    let off = value - mean;
                    count += 1.0;
                    mean += off * (1.0 / count);
                    spread += off * (value - mean);
                }
                let middle = dot(mean, vec4<f32>(0.25));
                let apart = mean - middle;
                let distance = dot(spread, vec4<f32>(1.0)) + count * dot(apart, apart);
                tile[(4u * quad + r) * PARTS + part] = vec4<f32>(middle, distance, 4.0 * count, 0.0);
            }
        }
        workgroupBarrier();
        if (quad < 2u * DOWN) {
            for (var r = 0u; r < 4u; r++) {
                let pieces = (4u * quad + r) * PARTS;
                var mean = 0.0;
                for (var i = 0u; i < PARTS; i++) {
                    mean += tile[pieces + i].x * tile[pieces + i].z;
                }
                mean /= f32(parameters.k);
                var spread = 0.0;
                for (var i = 0u; i < PARTS; i++) {
                    let piece = tile[pieces + i];
                    spread += piece.y + piece.z * (piece.x - mean) * (piece.x - mean);
                }
                means[r] = mean;
                factors[r] = 1.0 / sqrt(spread / f32(parameters.k) + parameters.eps);
            }
        }
        workgroupBarrier();
    }
