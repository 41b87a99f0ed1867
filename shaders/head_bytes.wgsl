        // Groups of 32 columns of the head, each of which this thread has whole.
        for (var j = 0u; j < HEAD_QUADS; j++) {
            sums[j] /= sum;
        }
        let line = query * parameters.levels;
        let steps = parameters.rows * parameters.levels * width / 4u;
        for (var level = 0u; level < parameters.levels; level++) {
            let start = ((line + level) * width + column) / 4u;
            for (var first = 0u; first < HEAD_QUADS; first += 8u) {
                var bits = 0u;
                for (var j = first; j < first + 8u; j++) {
                    bits = max(bits, largest_bits(sums[j]));
                }
                let step = step_of(bits);
                for (var j = first; j < first + 8u; j++) {
                    let integers = round(sums[j] * step.inverse);
                    sums[j] -= integers * step.size;
                    out[start + j] = packed(integers);
                }
                out[steps + (start + first) / 8u] = step.bits;
            }
        }
