    // Layer norm of the rows of x on their way: each thread takes the mean of a row and the factor that its deviation gives.
    let is_normed = has(NORM);
    if (is_normed) {
        let row = x_row(min(first_row + thread, parameters.n - 1u));
        var sum = 0.0;
        for (var at = 0u; at < parameters.k; at += 4u) {
            sum += dot(x_quad(row, at), vec4<f32>(1.0));
        }
        let mean = sum / f32(parameters.k);
        sum = 0.0;
        for (var at = 0u; at < parameters.k; at += 4u) {
            let off = x_quad(row, at) - mean;
            sum += dot(off, off);
        }
        moments[thread] = vec2<f32>(mean, 1.0 / sqrt(sum / f32(parameters.k) + parameters.eps));
        workgroupBarrier();
    }
    let moment0 = moments[0];
    let moment1 = moments[1];
    let moment2 = moments[2];
    let moment3 = moments[3];
    let moment4 = moments[4];
    let moment5 = moments[5];
    let moment6 = moments[6];
    let moment7 = moments[7];
