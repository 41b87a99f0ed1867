    // Sums of all slices of k meet in workgroup memory, those of four rows of a thread at a time.
    for (var half = 0u; half < 2u; half++) {
        let lower = half == 1u;
        tile[thread] = select(a0, a4, lower);
        tile[THREADS + thread] = select(b0, b4, lower);
        tile[2u * THREADS + thread] = select(a1, a5, lower);
        tile[3u * THREADS + thread] = select(b1, b5, lower);
        tile[4u * THREADS + thread] = select(a2, a6, lower);
        tile[5u * THREADS + thread] = select(b2, b6, lower);
        tile[6u * THREADS + thread] = select(a3, a7, lower);
        tile[7u * THREADS + thread] = select(b3, b7, lower);
        workgroupBarrier();
        for (var i = thread; i < 4u * PLACES; i += THREADS) {
            let r = i / PLACES;
            let place = i % PLACES;
            var a = vec4<f32>();
            var b = vec4<f32>();
            for (var s = 0u; s < SLICES; s++) {
                a += tile[2u * r * THREADS + s * PLACES + place];
                b += tile[(2u * r + 1u) * THREADS + s * PLACES + place];
            }
            let row = first_row + 4u * (half * DOWN + place / ACROSS) + r;
            if (row < parameters.n) {
                finish(row, group.x, place % ACROSS, a, b);
            }
        }
        workgroupBarrier();
    }
