        if (is_normed) {
            let g = gain[at / 4u];
            x0 = (x0 - moment0.x) * moment0.y * g;
            x1 = (x1 - moment1.x) * moment1.y * g;
            x2 = (x2 - moment2.x) * moment2.y * g;
            x3 = (x3 - moment3.x) * moment3.y * g;
            x4 = (x4 - moment4.x) * moment4.y * g;
            x5 = (x5 - moment5.x) * moment5.y * g;
            x6 = (x6 - moment6.x) * moment6.y * g;
            x7 = (x7 - moment7.x) * moment7.y * g;
        }
