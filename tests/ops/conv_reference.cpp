#include "tests/ops/conv_reference.h"

#include <doctest/doctest.h>

namespace sac::test {

OpCase conv_case(const ConvSizes &s, bool bias, const Epilogue &epilogue) {
    OpCase op;
    op.type = "Conv";
    op.inputs = {runtime({s.n, s.channels, s.h, s.w}, 1),
                 constant({s.out_channels, s.channels / s.group, s.kernel_h, s.kernel_w}, 2)};
    if (bias) op.inputs.push_back(constant({s.out_channels}, 3));
    if (epilogue.residual)
        op.inputs.push_back(with_nan(runtime({s.n, s.out_channels, s.out_h(), s.out_w()}, 4, -2, 2)));
    op.epilogue = epilogue;
    using List = std::vector<int64_t>;
    op.attributes = {{"group", s.group},
                     {"kernel_shape", List{s.kernel_h, s.kernel_w}},
                     {"strides", List{s.stride_y, s.stride_x}},
                     {"dilations", List{s.dilation_y, s.dilation_x}},
                     {"pads", List{s.pad_top, s.pad_left, s.pad_bottom, s.pad_right}}};
    return op;
}

Reference conv_reference(const ConvSizes &s, bool bias, const Epilogue &epilogue) {
    return [=](const std::vector<Array> &in) {
        const Array &x = in[0], &w = in[1];
        Array y({s.n, s.out_channels, s.out_h(), s.out_w()});
        const int64_t in_group = s.channels / s.group, out_group = s.out_channels / s.group;
        for (int64_t n = 0; n < s.n; ++n)
            for (int64_t m = 0; m < s.out_channels; ++m)
                for (int64_t oy = 0; oy < s.out_h(); ++oy)
                    for (int64_t ox = 0; ox < s.out_w(); ++ox) {
                        double sum = bias ? in[2][m] : 0;
                        for (int64_t c = 0; c < in_group; ++c)
                            for (int64_t ky = 0; ky < s.kernel_h; ++ky)
                                for (int64_t kx = 0; kx < s.kernel_w; ++kx) {
                                    const int64_t iy = oy * s.stride_y + ky * s.dilation_y - s.pad_top;
                                    const int64_t ix = ox * s.stride_x + kx * s.dilation_x - s.pad_left;
                                    if (iy < 0 || ix < 0 || iy >= s.h || ix >= s.w) continue;
                                    sum += x.at(n, m / out_group * in_group + c, iy, ix) * w.at(m, c, ky, kx);
                                }
                        y.at(n, m, oy, ox) =
                            activate(epilogue, sum, epilogue.residual ? in.back().at(n, m, oy, ox) : 0);
                    }
        return std::vector<Array>{y};
    };
}

void check_conv(const ConvSizes &s, bool bias, const Epilogue &epilogue) {
    INFO("input " << s.n << " x " << s.channels << " x " << s.h << " x " << s.w << ", weights " << s.out_channels
                  << " x " << s.kernel_h << " x " << s.kernel_w << ", group " << s.group << ", activation "
                  << static_cast<uint32_t>(epilogue.activation)
                  << std::string(epilogue.residual ? " with residual" : ""));
    check_op(conv_case(s, bias, epilogue), conv_reference(s, bias, epilogue));
}

std::vector<Epilogue> all_epilogues() {
    std::vector<Epilogue> all;
    for (const bool residual : {false, true}) {
        all.push_back({Activation::none, 0, 0, residual});
        all.push_back({Activation::relu, 0, 0, residual});
        all.push_back({Activation::clip, -0.5f, 1.25f, residual});
        all.push_back({Activation::leaky_relu, 0.1f, 0, residual});
        all.push_back({Activation::leaky_relu, 1.5f, 0, residual});
        all.push_back({Activation::leaky_relu, -0.25f, 0, residual});
        all.push_back({Activation::sigmoid, 0, 0, residual});
        all.push_back({Activation::hard_sigmoid, 0.2f, 0.5f, residual});
        all.push_back({Activation::hard_swish, 0, 0, residual});
        all.push_back({Activation::silu, 0, 0, residual});
        all.push_back({Activation::tanh, 0, 0, residual});
    }
    return all;
}

}  // namespace sac::test
