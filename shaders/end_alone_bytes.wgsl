    // A thread has its sums to itself.
    for (var r = 0u; r < 4u; r++) {
        let a = select(select(a0, a1, r == 1u), select(a2, a3, r == 3u), r >= 2u);
        let b = select(select(b0, b1, r == 1u), select(b2, b3, r == 3u), r >= 2u);
        finish(thread, first_row + 4u * down + r, group.x, a, b);
    }
