                if (has(NORM)) {
                    let g = gain[at / 4u];
                    r0 = (r0 - means.x) * factors.x * g;
                    r1 = (r1 - means.y) * factors.y * g;
                    r2 = (r2 - means.z) * factors.z * g;
                    r3 = (r3 - means.w) * factors.w * g;
                }
