// Conv over three axes against plain loops: full windows, such as leave an axis alone, groups, a group for each
// channel.
#include <doctest/doctest.h>

#include "tests/ops/conv_reference.h"
#include "tests/ops/indices.h"

using namespace sac;
using namespace sac::test;

namespace {

using List = std::vector<int64_t>;

struct Sizes {
    Shape x = {1, 3, 5, 4, 6};
    int64_t out_channels = 4, group = 1;
    List kernel = {3, 3, 3}, strides = {1, 1, 1}, dilations = {1, 1, 1}, pads = {1, 1, 1, 1, 1, 1};

    Shape y() const {
        Shape shape = {x[0], out_channels};
        for (size_t i = 0; i < 3; ++i)
            shape.push_back((x[2 + i] + pads[i] + pads[3 + i] - (kernel[i] - 1) * dilations[i] - 1) / strides[i] + 1);
        return shape;
    }
};

OpCase case_of(const Sizes &s, bool bias, const Epilogue &epilogue) {
    OpCase op;
    op.type = "Conv";
    op.inputs = {runtime(s.x, 1),
                 constant({s.out_channels, s.x[1] / s.group, s.kernel[0], s.kernel[1], s.kernel[2]}, 2)};
    if (bias) op.inputs.push_back(constant({s.out_channels}, 3));
    if (epilogue.residual) op.inputs.push_back(with_nan(runtime(s.y(), 4, -2, 2)));
    op.epilogue = epilogue;
    op.attributes = {{"group", s.group},
                     {"kernel_shape", s.kernel},
                     {"strides", s.strides},
                     {"dilations", s.dilations},
                     {"pads", s.pads}};
    return op;
}

void check(const Sizes &s, bool bias = true, const Epilogue &epilogue = {}) {
    INFO("Conv of ", to_string(s.x), " to ", to_string(s.y()), ", kernel ", to_string(s.kernel), ", group ", s.group,
         ", activation ", static_cast<int>(epilogue.activation),
         std::string(epilogue.residual ? " with residual" : ""));
    check_op(case_of(s, bias, epilogue), [&](const std::vector<Array> &in) {
        Array y(s.y());
        const Shape window = {s.x[1] / s.group, s.kernel[0], s.kernel[1], s.kernel[2]};
        const int64_t out_group = s.out_channels / s.group, terms = element_count(window);
        for_each_index(y.shape, [&](const std::vector<int64_t> &at, int64_t flat) {
            double sum = bias ? in[2][at[1]] : 0;
            for_each_index(window, [&](const std::vector<int64_t> &term, int64_t flat_term) {
                int64_t from = at[0] * s.x[1] + at[1] / out_group * window[0] + term[0];
                for (size_t i = 0; i < 3; ++i) {
                    const int64_t p = at[2 + i] * s.strides[i] + term[1 + i] * s.dilations[i] - s.pads[i];
                    if (p < 0 || p >= s.x[2 + i]) return;
                    from = from * s.x[2 + i] + p;
                }
                sum += in[0][from] * in[1][at[1] * terms + flat_term];
            });
            y[flat] = activate(epilogue, sum, epilogue.residual ? in.back()[flat] : 0);
        });
        return std::vector<Array>{y};
    });
}

}  // namespace

TEST_CASE("conv3d: windows of every kind") {
    check({});
    check({.x = {2, 5, 4, 7, 3}, .out_channels = 37});
    check({.x = {1, 8, 3, 5, 7},
           .out_channels = 16,
           .kernel = {2, 3, 5},
           .strides = {2, 1, 3},
           .pads = {0, 2, 1, 1, 0, 3}});
    check({.x = {1, 3, 9, 8, 11},
           .out_channels = 6,
           .strides = {1, 2, 2},
           .dilations = {3, 1, 2},
           .pads = {3, 0, 2, 1, 2, 0}},
          false);
    check({.x = {1, 1, 1, 1, 1}, .out_channels = 1});
    check({.x = {1, 12, 6, 6, 6}, .out_channels = 64});
    check({.x = {1, 4, 3, 3, 3}, .out_channels = 5, .pads = {0, 0, 0, 0, 0, 0}});  // one output pixel
}

TEST_CASE("conv3d: windows that leave an axis alone") {
    check({.x = {2, 6, 3, 7, 5}, .out_channels = 9, .kernel = {1, 3, 3}, .pads = {0, 1, 1, 0, 1, 1}});
    check({.x = {2, 6, 3, 7, 5},
           .out_channels = 9,
           .kernel = {1, 3, 2},
           .strides = {1, 2, 2},
           .pads = {0, 1, 0, 0, 0, 1}});
    check({.x = {2, 6, 7, 3, 5},
           .out_channels = 9,
           .kernel = {3, 1, 1},
           .strides = {2, 1, 1},
           .pads = {1, 0, 0, 1, 0, 0}});
    check({.x = {1, 6, 7, 3, 5}, .out_channels = 9, .kernel = {1, 1, 1}, .pads = {0, 0, 0, 0, 0, 0}});
    check({.x = {1, 6, 7, 3, 5},
           .out_channels = 9,
           .kernel = {1, 1, 1},
           .strides = {2, 2, 2},
           .pads = {0, 0, 0, 0, 0, 0}});
    check({.x = {1, 6, 4, 3, 5}, .out_channels = 6, .group = 6, .kernel = {3, 1, 1}, .pads = {1, 0, 0, 1, 0, 0}});
    check({.x = {1, 6, 4, 5, 5}, .out_channels = 6, .group = 6, .kernel = {1, 3, 3}, .pads = {0, 1, 1, 0, 1, 1}});
}

TEST_CASE("conv3d: groups, and a group for each channel") {
    check({.x = {1, 16, 3, 4, 5}, .out_channels = 32, .group = 2});
    check({.x = {1, 9, 3, 4, 5}, .out_channels = 6, .group = 3});
    check({.x = {1, 12, 3, 4, 5}, .out_channels = 12, .group = 6, .strides = {2, 1, 2}});
    check({.x = {2, 32, 2, 3, 5}, .out_channels = 64, .group = 8});
    check({.x = {2, 7, 5, 4, 9}, .out_channels = 7, .group = 7});
    check({.x = {1, 10, 6, 7, 8},
           .out_channels = 10,
           .group = 10,
           .kernel = {2, 5, 3},
           .strides = {1, 2, 2},
           .dilations = {2, 1, 3},
           .pads = {0, 2, 3, 2, 1, 3}},
          false);
}

TEST_CASE("conv3d: a group for each channel, unrolled and not") {
    check({.x = {2, 9, 3, 13, 11}, .out_channels = 9, .group = 9});
    check({.x = {1, 6, 5, 12, 9}, .out_channels = 6, .group = 6, .strides = {1, 2, 2}});
    check({.x = {1, 5, 7, 5, 6},
           .out_channels = 5,
           .group = 5,
           .kernel = {5, 3, 3},
           .strides = {2, 1, 1},
           .dilations = {2, 1, 1},
           .pads = {4, 0, 2, 3, 1, 0}});
    check({.x = {1, 5, 3, 9, 9}, .out_channels = 5, .group = 5, .dilations = {1, 2, 2}, .pads = {1, 2, 2, 1, 2, 2}});
    const Epilogue epilogues[] = {{}, {Activation::hard_swish, 0, 0, true}, {Activation::silu, 0, 0, false}};
    for (const Epilogue &epilogue : epilogues) {
        check({.x = {1, 6, 3, 5, 6}, .out_channels = 6, .group = 6}, true, epilogue);
        check({.x = {1, 6, 3, 5, 6}, .out_channels = 6, .group = 6, .strides = {1, 2, 2}}, true, epilogue);
        check({.x = {1, 6, 3, 5, 6}, .out_channels = 6, .group = 6, .kernel = {2, 2, 2}, .pads = {1, 0, 1, 0, 1, 0}},
              true, epilogue);
    }
}

TEST_CASE("conv3d: epilogues") {
    for (const Epilogue &epilogue : all_epilogues()) {
        check({.x = {1, 5, 3, 3, 4}, .out_channels = 6}, true, epilogue);
        check({.x = {1, 6, 3, 3, 4}, .out_channels = 6, .group = 6}, true, epilogue);
    }
    check({.x = {1, 12, 3, 3, 4}, .out_channels = 70}, true, {Activation::hard_swish, 0, 0, true});
    check({.x = {1, 16, 2, 3, 4}, .out_channels = 16, .group = 8}, true, {Activation::silu, 0, 0, true});
}

TEST_CASE("conv3d: a reduction of more than 65,535 steps") {
    check({.x = {1, 2741, 1, 3, 3}, .out_channels = 2, .kernel = {2, 3, 3}, .pads = {1, 1, 1, 1, 1, 1}});
}

TEST_CASE("conv3d: every variant was checked") {
    check_every_variant("ops/conv3d.comp");
    check_every_variant("ops/conv3d_depthwise.comp");
}
