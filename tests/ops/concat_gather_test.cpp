// saccade.ConcatGather against plain loops: choices within and across the joined tensors, sizes that are no whole
// texels.
#include <doctest/doctest.h>

#include "tests/support/op_runner.h"

using namespace sac;
using namespace sac::test;

namespace {

void check(const std::vector<int64_t> &channels, int64_t start, int64_t step, int64_t count) {
    constexpr int64_t batch = 2, height = 3, width = 5;
    INFO("start ", start, ", step ", step, ", count ", count, ", of ", to_string(channels));
    std::vector<OpInput> inputs;
    for (size_t i = 0; i < channels.size(); ++i) inputs.push_back(runtime({batch, channels[i], height, width}, 10 + i));
    OpCase op{.type = "ConcatGather",
              .inputs = inputs,
              .attributes = {{"start", start}, {"step", step}, {"count", count}},
              .opset = 1,
              .domain = "saccade"};
    check_op(op, [&](const std::vector<Array> &in) {
        Array out({batch, count, height, width});
        for (int64_t n = 0; n < batch; ++n)
            for (int64_t j = 0; j < count; ++j)
                for (int64_t y = 0; y < height; ++y)
                    for (int64_t x = 0; x < width; ++x) {
                        int64_t channel = start + j * step;
                        size_t source = 0;
                        while (channel >= in[source].shape[1]) channel -= in[source++].shape[1];
                        out.at(n, j, y, x) = in[source].at(n, channel, y, x);
                    }
        return std::vector<Array>{out};
    });
}

}  // namespace

TEST_CASE("choices of channels of joined tensors") {
    check({8, 8}, 0, 2, 8);  // a shuffle's halves
    check({8, 8}, 1, 2, 8);
    check({24, 24}, 1, 2, 24);
    check({6, 6}, 1, 2, 6);  // three of each: a texel of the result from both
    check({5, 7, 3}, 0, 1, 15);
    check({5, 7, 3}, 2, 3, 4);
    check({5, 7, 3}, 13, 1, 2);  // the last alone
    check({5, 7, 3}, 0, 1, 4);   // the first alone
    check({3, 1, 3}, 1, 4, 2);   // over the middle one
}

TEST_CASE("choices that are not there") {
    OpCase op{.type = "ConcatGather",
              .inputs = {runtime({1, 4, 2, 2}, 1), runtime({1, 4, 2, 2}, 2)},
              .attributes = {{"start", int64_t{0}}, {"step", int64_t{2}}, {"count", int64_t{5}}},
              .opset = 1,
              .domain = "saccade"};
    CHECK(load_op(op).error().code == Code::invalid_file);
    op.attributes["count"] = int64_t{4};
    CHECK(load_op(op).ok());
    op.inputs[1] = runtime({1, 4, 2, 3}, 2);
    CHECK(load_op(op).error().code == Code::invalid_file);
}
