// What only moves elements: Transpose, Concat, Slice, Split, Gather, ChannelGather, Pad, Expand, against plain loops.
#include <doctest/doctest.h>

#include "tests/ops/indices.h"

using namespace sac;
using namespace sac::test;

namespace {

using List = std::vector<int64_t>;
using Index = std::vector<int64_t>;

// y[index] = x[source(index)]; -1 as the first index of the source stands for `fill`.
Reference moved(const Shape &y, std::function<Index(const Index &)> source, double fill = 0) {
    return [=](const std::vector<Array> &in) {
        Array out(y);
        for_each_index(y, [&](const Index &index, int64_t flat) {
            const Index from = source(index);
            out[flat] = !from.empty() && from[0] < 0 ? fill : in[0][flat_index(in[0].shape, from)];
        });
        return std::vector<Array>{out};
    };
}

void check_transpose(const Shape &x, const List &perm) {
    INFO("Transpose of ", to_string(x), " by ", to_string(perm));
    Shape y;
    for (const int64_t axis : perm) y.push_back(x[static_cast<size_t>(axis)]);
    check_op({.type = "Transpose", .inputs = {runtime(x, 1)}, .attributes = {{"perm", perm}}},
             moved(y, [=](const Index &at) {
                 Index from(at.size());
                 for (size_t i = 0; i < at.size(); ++i) from[static_cast<size_t>(perm[i])] = at[i];
                 return from;
             }));
}

void check_concat(const std::vector<OpInput> &inputs, int64_t axis) {
    const auto along = static_cast<size_t>(axis);
    Shape y = inputs[0].shape;
    for (size_t i = 1; i < inputs.size(); ++i) y[along] += inputs[i].shape[along];
    INFO("Concat to ", to_string(y), " on ", axis);
    check_op({.type = "Concat", .inputs = inputs, .attributes = {{"axis", axis}}}, [&](const std::vector<Array> &in) {
        Array out(y);
        int64_t begin = 0;
        for (const Array &part : in) {
            for_each_index(part.shape, [&](Index index, int64_t flat) {
                index[along] += begin;
                out[flat_index(y, index)] = part[flat];
            });
            begin += part.shape[along];
        }
        return std::vector<Array>{out};
    });
}

void check_slice(const Shape &x, const List &starts, const List &ends, const List &axes, const List &steps,
                 const Shape &y, const Index &first, const Index &step) {
    INFO("Slice of ", to_string(x), " from ", to_string(first), " by ", to_string(step));
    OpCase op{.type = "Slice",
              .inputs = {runtime(x, 1), integers(starts), integers(ends), integers(axes), integers(steps)}};
    check_op(op, moved(y, [&](const Index &at) {
                 Index from = at;
                 for (size_t i = 0; i < at.size(); ++i) from[i] = first[i] + at[i] * step[i];
                 return from;
             }));
}

}  // namespace

TEST_CASE("copies of rows, cut off or padded behind") {
    for (const int64_t length : {1, 2, 3, 5, 8, 13}) {
        for (const int64_t begin : {0, 3, 4}) {
            const int64_t end = begin + length;
            check_slice({7, 17}, {begin}, {end}, {1}, {1}, {7, length}, {0, begin}, {1, 1});
            check_slice({3, 5, 17}, {begin}, {end}, {2}, {1}, {3, 5, length}, {0, 0, begin}, {1, 1, 1});
        }
    }
}

TEST_CASE("transpose") {
    check_transpose({2, 5, 3, 7}, {0, 2, 3, 1});
    check_transpose({2, 8, 3, 7}, {0, 2, 3, 1});  // C4 is that already
    check_transpose({2, 3, 7, 5}, {0, 3, 1, 2});
    check_transpose({2, 3, 7, 8}, {0, 3, 1, 2});
    check_transpose({2, 5, 3, 7}, {3, 1, 0, 2});
    check_transpose({4, 9}, {1, 0});
    check_transpose({2, 3, 2, 3, 2, 3}, {5, 3, 1, 4, 2, 0});
    check_transpose({2, 1, 3, 4, 1, 2, 3}, {4, 6, 5, 3, 2, 1, 0});
    check_op({.type = "Transpose", .inputs = {runtime({2, 3, 5}, 1)}}, moved({5, 3, 2}, [](const Index &at) {
                 return Index{at[2], at[1], at[0]};
             }));
    CHECK(load_code({.type = "Transpose", .inputs = {runtime({2, 3}, 1)}, .attributes = {{"perm", List{0, 0}}}}) ==
          Code::invalid_file);
    CHECK(load_code({.type = "Transpose",
                     .inputs = {runtime({2, 3, 2, 3, 2, 3, 2}, 1)},
                     .attributes = {{"perm", List{6, 4, 2, 0, 5, 3, 1}}}}) == Code::unsupported);
}

TEST_CASE("concat") {
    check_concat({runtime({2, 8, 3, 5}, 1), runtime({2, 4, 3, 5}, 2)}, 1);
    check_concat(
        {runtime({2, 1, 3, 5}, 1), runtime({2, 4, 3, 5}, 2), runtime({2, 10, 3, 5}, 3), runtime({2, 3, 3, 5}, 4)}, 1);
    check_concat({runtime({2, 5, 3, 5}, 1), constant({2, 2, 3, 5}, 2)}, 1);
    check_concat({runtime({2, 5, 3, 5}, 1), runtime({2, 5, 2, 5}, 2)}, 2);
    check_concat({runtime({1, 5, 3, 5}, 1), runtime({3, 5, 3, 5}, 2)}, 0);
    check_concat({runtime({2, 5, 3, 1}, 1), runtime({2, 5, 3, 2}, 2), constant({2, 5, 3, 7}, 3)}, 3);
    check_concat({runtime({7}, 1), runtime({6}, 2)}, 0);
    check_concat({runtime({3, 7}, 1)}, 1);
    const auto code = [](std::vector<OpInput> inputs, int64_t axis) {
        return load_code({.type = "Concat", .inputs = std::move(inputs), .attributes = {{"axis", axis}}});
    };
    CHECK(code({runtime({2, 3}, 1), runtime({3, 3}, 2)}, 1) == Code::invalid_file);
    CHECK(code({runtime({2, 3}, 1), runtime({2, 3, 1}, 2)}, 1) == Code::invalid_file);
    CHECK(code({runtime({2, 3}, 1), runtime({2, 3}, 2)}, 2) == Code::invalid_file);
}

TEST_CASE("slice") {
    check_slice({2, 9, 5, 7}, {2}, {7}, {1}, {1}, {2, 5, 5, 7}, {0, 2, 0, 0}, {1, 1, 1, 1});
    check_slice({2, 9, 5, 7}, {8}, {-100}, {1}, {-2}, {2, 5, 5, 7}, {0, 8, 0, 0}, {1, -2, 1, 1});
    check_slice({2, 9, 5, 7}, {1, -3}, {4, 100}, {2, 3}, {2, 1}, {2, 9, 2, 3}, {0, 0, 1, 4}, {1, 1, 2, 1});
    check_slice({2, 9, 5, 7}, {1, 1}, {2, 4}, {0, 1}, {1, 1}, {1, 3, 5, 7}, {1, 1, 0, 0}, {1, 1, 1, 1});
    check_slice({2, 9, 5, 7}, {4, 3}, {-100, 8}, {2, 1}, {-1, 1}, {2, 5, 5, 7}, {0, 3, 4, 0}, {1, 1, -1, 1});
    check_slice({13}, {3}, {11}, {0}, {3}, {3}, {3}, {3});
    check_op({.type = "Slice",
              .inputs = {runtime({4, 6}, 1)},
              .attributes = {{"starts", List{1, 2}}, {"ends", List{3, 6}}},
              .opset = 9},
             moved({2, 4}, [](const Index &at) {
                 return Index{at[0] + 1, at[1] + 2};
             }));
    CHECK(load_code({.type = "Slice", .inputs = {runtime({4, 6}, 1), integers({5}), integers({6}), integers({0})}}) ==
          Code::unsupported);  // nothing is left
    CHECK(load_code({.type = "Slice",
                     .inputs = {runtime({4, 6}, 1), integers({0}), integers({6}), integers({0}), integers({0})}}) ==
          Code::invalid_file);
    CHECK(load_code({.type = "Slice", .inputs = {runtime({4, 6}, 1)}}) == Code::invalid_file);
}

TEST_CASE("split") {
    const auto check = [](const Shape &x, int64_t axis, const List &sizes, int opset, bool given) {
        INFO("Split of ", to_string(x), " on ", axis);
        OpCase op{.type = "Split",
                  .inputs = {runtime(x, 1)},
                  .attributes = {{"axis", axis}},
                  .opset = opset,
                  .outputs = sizes.size()};
        if (given && opset < 13) op.attributes["split"] = sizes;
        if (given && opset >= 13) op.inputs.push_back(integers(sizes));
        check_op(op, [&](const std::vector<Array> &in) {
            std::vector<Array> parts;
            int64_t begin = 0;
            for (const int64_t size : sizes) {
                Shape y = x;
                y[static_cast<size_t>(axis)] = size;
                parts.push_back(moved(y, [&](Index at) {
                    at[static_cast<size_t>(axis)] += begin;
                    return at;
                })({in[0]})[0]);
                begin += size;
            }
            return parts;
        });
    };
    check({2, 12, 3, 5}, 1, {4, 8}, 11, true);
    check({2, 12, 3, 5}, 1, {3, 7, 2}, 13, true);
    check({2, 12, 3, 5}, 1, {6, 6}, 13, false);
    check({2, 6, 3, 4}, 3, {1, 3}, 13, true);
    check({4, 6}, 0, {2, 2}, 11, false);
    CHECK(load_code({.type = "Split", .inputs = {runtime({4, 6}, 1), integers({2, 3})}, .outputs = 2}) ==
          Code::invalid_file);
    CHECK(load_code({.type = "Split", .inputs = {runtime({4, 6}, 1), integers({-2, 6})}, .outputs = 2}) ==
          Code::invalid_file);
}

TEST_CASE("gather") {
    const auto check = [](const Shape &x, int64_t axis, const List &indices, Shape indices_shape) {
        INFO("Gather of ", to_string(x), " on ", axis);
        const auto along = static_cast<size_t>(axis);
        OpInput second = integers(indices);
        second.shape = indices_shape;
        Shape y(x.begin(), x.begin() + axis);
        y.insert(y.end(), indices_shape.begin(), indices_shape.end());
        y.insert(y.end(), x.begin() + axis + 1, x.end());
        OpCase op{.type = "Gather", .inputs = {runtime(x, 1), second}, .attributes = {{"axis", axis}}};
        op.c4 = y.size() > 1;
        check_op(op, moved(y, [&](const Index &at) {
                     int64_t flat = 0;
                     for (size_t i = 0; i < indices_shape.size(); ++i) flat = flat * indices_shape[i] + at[along + i];
                     const int64_t index = indices[static_cast<size_t>(flat)];
                     Index from(at.begin(), at.begin() + axis);
                     from.push_back(index < 0 ? index + x[along] : index);
                     from.insert(from.end(), at.begin() + axis + static_cast<int64_t>(indices_shape.size()), at.end());
                     return from;
                 }));
    };
    check({2, 5, 3}, 0, {1}, {});
    check({2, 5, 3}, 1, {4, 2, 0}, {3});
    check({2, 5, 3}, 1, {-1, 0, 0, 3}, {2, 2});
    check({7, 3}, 0, {5, 1, 1, 6}, {4});
    check({7}, 0, {2}, {});
    OpInput beyond = integers({5});
    CHECK(load_code({.type = "Gather", .inputs = {runtime({2, 5}, 1), beyond}, .attributes = {{"axis", int64_t{1}}}}) ==
          Code::invalid_file);
    CHECK(load_code({.type = "Gather", .inputs = {runtime({2, 5}, 1), runtime({2}, 2)}}) == Code::invalid_file);
}

TEST_CASE("channel gather") {
    const auto check_lists = [](const Shape &x, const std::vector<List> &lists) {
        INFO("ChannelGather of ", to_string(x));
        OpCase op{.type = "ChannelGather", .inputs = {runtime(x, 1)}, .opset = 1, .domain = "saccade"};
        List channels, counts;
        for (const List &list : lists) {
            channels.insert(channels.end(), list.begin(), list.end());
            counts.push_back(static_cast<int64_t>(list.size()));
        }
        op.outputs = lists.size();
        op.attributes = {{"channels", channels}, {"counts", counts}};
        check_op(op, [&](const std::vector<Array> &in) {
            std::vector<Array> out;
            for (const List &list : lists) {
                Shape y = x;
                y[1] = static_cast<int64_t>(list.size());
                out.push_back(moved(y, [&](Index at) {
                    at[1] = list[static_cast<size_t>(at[1])];
                    return at;
                })(in)[0]);
            }
            return out;
        });
    };
    const auto check = [&](const Shape &x, int64_t start, int64_t step, int64_t count) {
        List list;
        for (int64_t j = 0; j < count; ++j) list.push_back(start + j * step);
        check_lists(x, {list});
    };
    check({2, 16, 3, 5}, 0, 2, 8);
    check({2, 16, 3, 5}, 1, 2, 8);
    check({1, 48, 7, 7}, 24, 1, 24);
    check({1, 14, 7, 7}, 8, 1, 6);
    check({1, 14, 7, 7}, 8, 1, 5);
    check({2, 12, 3, 5}, 1, 2, 6);
    check({1, 23, 3, 5}, 9, 2, 7);
    check({1, 24, 3, 5}, 8, 2, 7);
    check({1, 11, 5}, 2, 3, 3);
    check_lists({2, 11, 3, 5}, {{3, 0, 10, 3, 7, 1}});
    check_lists({1, 8, 7, 9}, {{0, 4, 1, 5}, {2, 6, 3, 7}});
    check_lists({3, 5, 2}, {{4, 3, 2, 1, 0}, {0}, {1, 2}});
    const auto code = [](const List &channels, const List &counts) {
        return load_code({.type = "ChannelGather",
                          .inputs = {runtime({1, 8, 3}, 1)},
                          .attributes = {{"channels", channels}, {"counts", counts}},
                          .opset = 1,
                          .domain = "saccade"});
    };
    CHECK(code({0, 2, 8}, {3}) == Code::invalid_file);
    CHECK(code({-1, 2}, {2}) == Code::invalid_file);
    CHECK(code({1, 2}, {3}) == Code::invalid_file);
    CHECK(code({1, 2, 3}, {2}) == Code::invalid_file);
    CHECK(code({1, 2, 3}, {2, 1}) == Code::invalid_file);
    CHECK(code({1, 2, 3}, {4, -1}) == Code::invalid_file);
}

TEST_CASE("pad") {
    const auto check = [](const Shape &x, const List &pads, float value, bool attributes = false) {
        INFO("Pad of ", to_string(x), " by ", to_string(pads));
        Shape y = x;
        for (size_t i = 0; i < x.size(); ++i) y[i] += pads[i] + pads[x.size() + i];
        OpCase op{.type = "Pad", .inputs = {runtime(x, 1)}};
        if (attributes) {
            op.opset = 7;
            op.attributes = {{"pads", pads}, {"value", value}};
        } else {
            op.inputs.push_back(integers(pads));
            op.inputs.push_back(constant_values({}, {value}));
        }
        op.c4 = value == 0 || x[1] % 4 == 0;
        check_op(op, moved(
                         y,
                         [&](Index at) {
                             for (size_t i = 0; i < at.size(); ++i) {
                                 at[i] -= pads[i];
                                 if (at[i] < 0 || at[i] >= x[i]) return Index{-1};
                             }
                             return at;
                         },
                         static_cast<double>(value)));
    };
    check({2, 5, 3, 7}, {0, 0, 1, 2, 0, 0, 3, 4}, 0);
    check({2, 8, 3, 7}, {0, 0, 1, 2, 0, 0, 3, 4}, 1.5f);
    check({2, 5, 3, 7}, {0, 0, 1, 2, 0, 0, 3, 4}, 0, true);
    check({2, 5, 3, 7}, {1, 2, 0, 0, 0, 1, 0, 1}, 0);
    check({2, 5, 6, 7}, {0, 0, -1, 2, 0, 0, -2, -3}, 0);
    check({3, 5}, {0, 1, 2, 0}, -2);
    const auto code = [](Attributes attributes, OpInput pads) {
        return load_code(
            {.type = "Pad", .inputs = {runtime({2, 3}, 1), std::move(pads)}, .attributes = std::move(attributes)});
    };
    CHECK(code({}, integers({1, 1})) == Code::invalid_file);
    CHECK(code({}, integers({0, -4, 0, 0})) == Code::invalid_file);
    CHECK(code({}, integers({0, int64_t{1} << 60, 0, 0})) == Code::invalid_file);
    CHECK(code({{"mode", std::string("reflect")}}, integers({0, 1, 0, 1})) == Code::unsupported);
}

TEST_CASE("expand") {
    const auto check = [](const Shape &x, const List &to, const Shape &y) {
        INFO("Expand of ", to_string(x), " to ", to_string(y));
        check_op({.type = "Expand", .inputs = {runtime(x, 1), integers(to)}}, moved(y, [&](const Index &at) {
                     Index from(at.end() - static_cast<int64_t>(x.size()), at.end());
                     for (size_t i = 0; i < from.size(); ++i) from[i] = x[i] == 1 ? 0 : from[i];
                     return from;
                 }));
    };
    check({2, 1, 3, 1}, {2, 5, 3, 7}, {2, 5, 3, 7});
    check({3, 1}, {2, 1, 6}, {2, 3, 6});
    check({1}, {13}, {13});
    check({5, 4}, {1, 1}, {5, 4});
    CHECK(load_code({.type = "Expand", .inputs = {runtime({2, 3}, 1), integers({2, 4})}}) == Code::invalid_file);
    CHECK(load_code({.type = "Expand", .inputs = {runtime({1, 3}, 1), integers({int64_t{1} << 40, 3})}}) ==
          Code::invalid_file);
}

TEST_CASE("copy: every variant was checked") {
    check_every_variant("ops/copy_dense.comp");
    check_every_variant("ops/copy_rows.comp");
    check_every_variant("ops/channel_gather.comp");
    check_every_variant("ops/copy_channels.comp");
}
