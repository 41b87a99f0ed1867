    // A thread has its sums to itself.
    for (var r = 0u; r < 8u; r++) {
        let row = first_row + 4u * (r / 4u * DOWN + down) + r % 4u;
        var a = select(select(a0, a1, r == 1u), select(a2, a3, r == 3u), r >= 2u);
        var b = select(select(b0, b1, r == 1u), select(b2, b3, r == 3u), r >= 2u);
        if (r >= 4u) {
            a = select(select(a4, a5, r == 5u), select(a6, a7, r == 7u), r >= 6u);
            b = select(select(b4, b5, r == 5u), select(b6, b7, r == 7u), r >= 6u);
        }
        if (row < parameters.n) {
            finish(row, group.x, across, a, b);
        }
    }
