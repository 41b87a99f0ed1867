    // Sums of all slices of k meet in workgroup memory; then a thread has a row of a place.
    tile[thread] = bitcast<vec4<u32>>(a0);
    tile[THREADS + thread] = bitcast<vec4<u32>>(b0);
    tile[2u * THREADS + thread] = bitcast<vec4<u32>>(a1);
    tile[3u * THREADS + thread] = bitcast<vec4<u32>>(b1);
    tile[4u * THREADS + thread] = bitcast<vec4<u32>>(a2);
    tile[5u * THREADS + thread] = bitcast<vec4<u32>>(b2);
    tile[6u * THREADS + thread] = bitcast<vec4<u32>>(a3);
    tile[7u * THREADS + thread] = bitcast<vec4<u32>>(b3);
    workgroupBarrier();
    let place = thread % PLACES;
    for (var i = 0u; i < 4u; i += SLICES) {
        let r = i + thread / PLACES;
        var a = vec4<f32>();
        var b = vec4<f32>();
        for (var s = 0u; s < SLICES; s++) {
            a += bitcast<vec4<f32>>(tile[2u * r * THREADS + s * PLACES + place]);
            b += bitcast<vec4<f32>>(tile[(2u * r + 1u) * THREADS + s * PLACES + place]);
        }
        finish(thread, first_row + 4u * down + r, group.x, a, b);
    }
