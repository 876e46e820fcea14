// labels: no_asan
// More rows of pixels than a quotient of floats is exact for: kernels that find their place by dividing.
#include <doctest/doctest.h>

#include "tests/support/op_runner.h"

using namespace sac;
using namespace sac::test;

namespace {

constexpr int64_t many = (int64_t{1} << 21) + 5;

}  // namespace

TEST_CASE("an activation of many pixels") {
    const OpCase op{.type = "Neg", .inputs = {runtime({1, 1, many, 1}, 1)}, .dense = false};
    check_op(op, [](const std::vector<Array> &in) {
        Array out = in[0];
        for (double &value : out.values) value = -value;
        return std::vector<Array>{out};
    });
}

TEST_CASE("convolutions of many pixels: of one group, of several, of one for each channel") {
    struct Case {
        int64_t in, out, group;
    };
    for (const Case &shape : {Case{2, 3, 1}, Case{5, 10, 5}, Case{2, 2, 2}}) {
        const int64_t in = shape.in, out = shape.out, group = shape.group;
        CAPTURE(group);
        OpCase op{.type = "Conv",
                  .inputs = {runtime({1, in, many, 1}, 1), constant({out, in / group, 2, 1}, 2)},
                  .attributes = {{"group", group}},
                  .dense = false};
        const int64_t inner = in / group, outer = out / group;
        check_op(op, [&](const std::vector<Array> &x) {
            Array y({1, out, many - 1, 1});
            for (int64_t m = 0; m < out; ++m)
                for (int64_t c = 0; c < inner; ++c)
                    for (int64_t k = 0; k < 2; ++k)
                        for (int64_t row = 0; row < many - 1; ++row)
                            y.at(0, m, row, 0) += x[0].at(0, m / outer * inner + c, row + k, 0) * x[1].at(m, c, k, 0);
            return std::vector<Array>{y};
        });
    }
}

TEST_CASE("many small products") {
    OpCase op{.type = "MatMul", .inputs = {runtime({many, 1, 1}, 1), runtime({many, 1, 4}, 2)}, .c4 = false};
    check_op(op, [](const std::vector<Array> &in) {
        Array out({many, 1, 4});
        for (int64_t i = 0; i < 4 * many; ++i) out[i] = in[0][i / 4] * in[1][i];
        return std::vector<Array>{out};
    });
}
