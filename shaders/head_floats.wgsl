        for (var j = 0u; j < QUADS; j++) {
            put(query * width + column, 4u * j, sums[j] / sum);
            put(query * width + column + HALF, 4u * j, sums[j + QUADS] / sum);
        }
