// saccade.Attention against plain loops: where rows lie, masks of every kind, other lengths of keys, sizes of heads,
// windows, shared heads, and what a node may not say.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/ops/indices.h"

using namespace sac;
using namespace sac::test;

namespace {

using Ints = std::vector<int64_t>;

constexpr double infinity = std::numeric_limits<double>::infinity();

// One attention: `images` times `heads`, tokens as rows of a matrix, in which a head is a range of columns.
struct Setup {
    int64_t images = 1, heads = 2, rows = 7, keys = 7, head = 16, value_head = 16;
    int64_t key_heads = 0;               // fewer than heads: each is shared by several (0: as many)
    bool joint = true;                   // q, k and v are columns of one matrix (as many keys as rows, and key heads)
    std::optional<int64_t> causal = {};  // a row sees keys up to this many further
    Shape mask = {};                     // [images, heads, rows, keys], each or 1
    std::vector<float> mask_values = {};
    bool constant_mask = false;
    bool heads_first = false;  // q, k, v and y as images x heads x tokens x columns
    double range = 1;
};

// The place of images x heads x tokens in a matrix of tokens, or heads first.
Ints place(const Setup &s, int64_t tokens, int64_t head, int64_t offset, int64_t columns, int64_t group) {
    const int64_t heads = columns / head;
    Ints steps =
        s.heads_first ? Ints{heads * tokens * head, tokens * head, head} : Ints{tokens * columns, head, columns};
    if (group > 1) {  // heads is an axis of groups and one within them
        steps.insert(steps.begin() + 2, 0);
    } else if (s.key_heads) {
        const int64_t each = s.heads / s.key_heads;
        steps.insert(steps.begin() + 1, steps[1] * each);
    }
    steps.insert(steps.begin(), offset);
    steps.push_back(1);
    return steps;
}

OpCase make_case(const Setup &s) {
    const int64_t key_heads = s.key_heads ? s.key_heads : s.heads, group = s.heads / key_heads;
    const int64_t q_columns = s.heads * s.head, k_columns = key_heads * s.head, v_columns = key_heads * s.value_head;
    OpCase op{.type = "Attention", .opset = 1, .domain = "saccade"};
    op.c4 = false;
    if (s.joint) {
        const int64_t all = q_columns + k_columns + v_columns;
        op.inputs = {runtime({s.images, s.rows, all}, 1, -s.range, s.range), same(), same()};
        const auto columns_at = [&](int64_t offset) { return Ints{offset, s.rows * all, s.head, all, 1}; };
        op.attributes["q"] = columns_at(0);
        op.attributes["k"] = columns_at(q_columns);
        op.attributes["v"] = columns_at(q_columns + k_columns);
    } else {
        op.inputs = {runtime({s.images * s.rows * q_columns}, 1, -s.range, s.range),
                     runtime({s.images * s.keys * k_columns}, 2, -s.range, s.range),
                     runtime({s.images * s.keys * v_columns}, 3, -s.range, s.range)};
        op.attributes["q"] = place(s, s.rows, s.head, 0, q_columns, 1);
        op.attributes["k"] = place(s, s.keys, s.head, 0, k_columns, group);
        op.attributes["v"] = place(s, s.keys, s.value_head, 0, v_columns, group);
    }
    op.attributes["y"] = place(s, s.rows, s.value_head, 0, s.heads * s.value_head, 1);
    op.attributes["shape"] = s.heads_first ? Shape{s.images, s.heads, s.rows, s.value_head}
                                           : Shape{s.images, s.rows, s.heads * s.value_head};
    op.attributes["batch"] = s.key_heads ? Shape{s.images, key_heads, group} : Shape{s.images, s.heads};
    op.attributes["rows"] = s.rows;
    op.attributes["keys"] = s.keys;
    op.attributes["head"] = s.head;
    op.attributes["value_head"] = s.value_head;
    op.attributes["scale"] = static_cast<float>(1 / std::sqrt(static_cast<double>(s.head)));
    if (s.causal) op.attributes["causal"] = *s.causal;
    if (!s.mask.empty()) {
        OpInput mask = s.constant_mask ? constant(s.mask, 4, -2, 2) : runtime(s.mask, 4, -2, 2);
        if (!s.mask_values.empty()) mask.values = s.mask_values;
        op.inputs.push_back(mask);
        Ints steps = {0, 0, 0, 0, 0};
        for (int64_t axis = 3, step = 1; axis >= 0; --axis) {
            const auto i = static_cast<size_t>(axis);
            if (s.mask[i] != 1) steps[i + 1] = step;
            step *= s.mask[i];
        }
        op.attributes["mask"] = steps;
    }
    return op;
}

// Runs it. The reference reads by images, heads, tokens and columns alone.
void check_attention(const Setup &s) {
    INFO("attention of ", s.images, " x ", s.heads, " x ", s.rows, " to ", s.keys, ", heads of ", s.head, " and ",
         s.value_head);
    const OpCase op = make_case(s);
    const int64_t group = s.key_heads ? s.heads / s.key_heads : 1;
    const auto element = [&](const std::vector<Array> &in, size_t which, int64_t image, int64_t head, int64_t token,
                             int64_t column) {
        const int64_t size = which == 2 ? s.value_head : s.head;
        const int64_t heads = which == 0 ? s.heads : s.heads / group, h = which == 0 ? head : head / group;
        const int64_t tokens = which == 0 ? s.rows : s.keys;
        if (s.joint) {
            const int64_t all = s.heads * (2 * s.head + s.value_head),
                          begins = static_cast<int64_t>(which) * s.heads * s.head;
            return in[0][(image * s.rows + token) * all + begins + h * size + column];
        }
        if (s.heads_first) return in[which][((image * heads + h) * tokens + token) * size + column];
        return in[which][(image * tokens + token) * heads * size + h * size + column];
    };
    check_op(op, [&](const std::vector<Array> &in) {
        Array y(std::get<std::vector<int64_t>>(op.attributes.at("shape")));
        std::vector<double> weights(static_cast<size_t>(s.keys));
        for (int64_t image = 0; image < s.images; ++image)
            for (int64_t head = 0; head < s.heads; ++head)
                for (int64_t row = 0; row < s.rows; ++row) {
                    double highest = -infinity, total = 0;
                    for (int64_t key = 0; key < s.keys; ++key) {
                        double score = 0;
                        for (int64_t i = 0; i < s.head; ++i)
                            score += element(in, 0, image, head, row, i) * element(in, 1, image, head, key, i);
                        score /= std::sqrt(static_cast<double>(s.head));
                        if (!s.mask.empty()) score += in[3][flat_index(s.mask, {image, head, row, key})];
                        if (s.causal && key > row + *s.causal) score = -infinity;
                        weights[static_cast<size_t>(key)] = score;
                        highest = std::max(highest, score);
                    }
                    for (double &w : weights) {
                        w = w == -infinity ? 0 : std::exp(w - highest);
                        total += w;
                    }
                    for (int64_t column = 0; column < s.value_head; ++column) {
                        double sum = 0;
                        for (int64_t key = 0; key < s.keys; ++key)
                            sum += weights[static_cast<size_t>(key)] * element(in, 2, image, head, key, column);
                        const int64_t at =
                            s.heads_first
                                ? ((image * s.heads + head) * s.rows + row) * s.value_head + column
                                : (image * s.rows + row) * s.heads * s.value_head + head * s.value_head + column;
                        y[at] = total == 0 ? 0 : sum / total;
                    }
                }
        return std::vector<Array>{y};
    });
}

// -inf for every so manyth key of a row, 0 otherwise; all of the rows in `whole` are -inf.
std::vector<float> holes(int64_t rows, int64_t keys, int64_t every, const Ints &whole = {}) {
    std::vector<float> values;
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t key = 0; key < keys; ++key) {
            bool hidden = (row + key) % every == 0;
            for (const int64_t w : whole) hidden = hidden || w == row;
            values.push_back(hidden ? -std::numeric_limits<float>::infinity() : 0.0f);
        }
    return values;
}

}  // namespace

TEST_CASE("attention: lengths") {
    for (const int64_t length : {1, 7, 24, 33, 64, 65}) {
        check_attention({.images = 2, .heads = 3, .rows = length, .keys = length, .head = 32, .value_head = 32});
    }
    check_attention({.heads = 2, .rows = 577, .keys = 577, .head = 64, .value_head = 64});
    check_attention({.heads = 1, .rows = 1025, .keys = 1025, .head = 16});
}

TEST_CASE("attention: sizes of heads") {
    for (const int64_t head : {4, 16, 20, 33, 36, 64, 72, 80, 96, 128, 256}) {
        check_attention({.rows = 37, .keys = 37, .head = head, .value_head = head});
    }
    check_attention({.rows = 9, .keys = 9, .head = 1, .value_head = 1});
    check_attention({.rows = 9, .keys = 21, .head = 64, .value_head = 24, .joint = false});
    check_attention({.rows = 9, .keys = 21, .head = 7, .value_head = 66, .joint = false});
}

TEST_CASE("attention: to another number of keys") {
    check_attention({.images = 2, .rows = 5, .keys = 131, .joint = false});
    check_attention({.images = 2, .rows = 131, .keys = 1, .joint = false});
    check_attention({.rows = 1, .keys = 40, .head = 64, .value_head = 64, .joint = false, .heads_first = true});
}

TEST_CASE("attention: tensors with the heads first") {
    check_attention({.images = 2,
                     .heads = 3,
                     .rows = 50,
                     .keys = 50,
                     .head = 24,
                     .value_head = 24,
                     .joint = false,
                     .heads_first = true});
    check_attention({.images = 2,
                     .heads = 3,
                     .rows = 5,
                     .keys = 6,
                     .head = 5,
                     .value_head = 3,
                     .joint = false,
                     .heads_first = true});
}

TEST_CASE("attention: causal") {
    check_attention({.rows = 70, .keys = 70, .causal = 0});
    check_attention({.images = 2, .rows = 5, .keys = 70, .joint = false, .causal = 65});
    check_attention({.rows = 70, .keys = 5, .joint = false, .causal = 0});
    // Rows before the first key have none: zeros.
    check_attention({.rows = 70, .keys = 70, .causal = -30});
    check_attention({.rows = 70, .keys = 70, .causal = -100});
}

TEST_CASE("attention: masks") {
    for (const bool constant : {false, true}) {
        CAPTURE(constant);
        Setup s{.images = 2, .heads = 3, .rows = 35, .keys = 35, .head = 16, .constant_mask = constant};
        for (const Shape &mask : {Shape{2, 3, 35, 35}, Shape{1, 3, 35, 35}, Shape{2, 1, 35, 35}, Shape{1, 1, 35, 35},
                                  Shape{2, 1, 1, 35}, Shape{1, 1, 1, 35}, Shape{2, 3, 35, 1}, Shape{1, 1, 1, 1}}) {
            s.mask = mask;
            check_attention(s);
        }
    }
    check_attention({.rows = 40, .keys = 19, .head = 64, .value_head = 64, .joint = false, .mask = {1, 2, 40, 19}});
    check_attention({.rows = 40, .keys = 40, .head = 33, .value_head = 33, .causal = 0, .mask = {1, 2, 40, 40}});
}

TEST_CASE("attention: keys that are masked out, and rows without any") {
    Setup s{.rows = 45, .keys = 45, .mask = {1, 1, 45, 45}, .mask_values = holes(45, 45, 3, {0, 24, 44})};
    check_attention(s);
    s.mask_values = holes(45, 45, 1);
    check_attention(s);
    // Whole blocks of keys, before and after those that are there.
    s = {.rows = 3, .keys = 200, .joint = false, .mask = {1, 1, 1, 200}, .mask_values = holes(1, 200, 200)};
    for (size_t key = 0; key < 200; ++key)
        if (key < 90 || key > 101) s.mask_values[key] = -std::numeric_limits<float>::infinity();
    check_attention(s);
    // What is as low as a number can be is still a weight.
    s.head = s.value_head = 1;
    const auto mean = [&](const std::vector<Array> &in) {
        Array y({1, 3, 2});
        if (in[3][0] == -infinity) return std::vector<Array>{y};
        for (int64_t row = 0; row < 3; ++row)
            for (int64_t head = 0; head < 2; ++head)
                for (int64_t key = 0; key < 200; ++key) y[2 * row + head] += in[2][2 * key + head] / 200;
        return std::vector<Array>{y};
    };
    for (const float lowest : {-65504.0f, std::numeric_limits<float>::lowest()}) {
        s.mask_values.assign(200, lowest);
        OpCase op = make_case(s);
        op.attributes["scale"] = 0.0f;
        op.dense = true;
        // The second is infinite where it is stored as a half, whatever it was when the reference saw it: every key is
        // masked out then. The first is what tells of halves.
        if (lowest < -65504.0f) op.f16_bound = 1;
        check_op(op, mean);
    }
}

TEST_CASE("attention: scores far apart") {
    check_attention({.rows = 100, .keys = 100, .head = 64, .value_head = 64, .range = 6});
}

TEST_CASE("attention: heads that share keys") {
    check_attention({.heads = 6, .rows = 30, .keys = 30, .key_heads = 2, .joint = false});
    check_attention({.images = 2, .heads = 4, .rows = 9, .keys = 30, .key_heads = 1, .joint = false});
    check_attention({.images = 2, .heads = 4, .rows = 9, .keys = 30, .key_heads = 2, .joint = false, .mask = {}});
}

TEST_CASE("attention: windows, with a bias of each head and a mask of each window") {
    // Batches of 2 images, 4 windows and 3 heads: the bias and the mask as one mask of windows and heads.
    const int64_t images = 2, windows = 4, heads = 3, rows = 49, head = 32, columns = heads * head;
    OpCase op{.type = "Attention", .opset = 1, .domain = "saccade"};
    op.c4 = false;
    op.inputs = {runtime({images * windows, rows, 3 * columns}, 1), same(), same(),
                 constant({windows, heads, rows, rows}, 2, -3, 3)};
    const auto place = [&](int64_t offset, int64_t all) {
        return Ints{offset, windows * rows * all, rows * all, head, all, 1};
    };
    op.attributes = {{"batch", Ints{images, windows, heads}},
                     {"rows", rows},
                     {"keys", rows},
                     {"head", head},
                     {"value_head", head},
                     {"q", place(0, 3 * columns)},
                     {"k", place(columns, 3 * columns)},
                     {"v", place(2 * columns, 3 * columns)},
                     {"y", place(0, columns)},
                     {"mask", Ints{0, 0, heads * rows * rows, rows * rows, rows, 1}},
                     {"shape", Shape{images * windows, rows, columns}},
                     {"scale", 0.25f}};
    check_op(op, [&](const std::vector<Array> &in) {
        Array y({images * windows, rows, columns});
        for (int64_t w = 0; w < images * windows; ++w)
            for (int64_t h = 0; h < heads; ++h)
                for (int64_t row = 0; row < rows; ++row) {
                    const auto at = [&](int64_t token, int64_t which, int64_t i) {
                        return in[0][(w * rows + token) * 3 * columns + which * columns + h * head + i];
                    };
                    double total = 0;
                    std::vector<double> sums(static_cast<size_t>(head), 0);
                    for (int64_t key = 0; key < rows; ++key) {
                        double score = 0;
                        for (int64_t i = 0; i < head; ++i) score += 0.25 * at(row, 0, i) * at(key, 1, i);
                        const double weight =
                            std::exp(score + in[3][((w % windows * heads + h) * rows + row) * rows + key]);
                        total += weight;
                        for (int64_t i = 0; i < head; ++i) sums[static_cast<size_t>(i)] += weight * at(key, 2, i);
                    }
                    for (int64_t i = 0; i < head; ++i)
                        y[(w * rows + row) * columns + h * head + i] = sums[static_cast<size_t>(i)] / total;
                }
        return std::vector<Array>{y};
    });
}

TEST_CASE("attention: tokens one after another in each column, as images lie") {
    const int64_t images = 2, heads = 3, tokens = 35, head = 8, value_head = 12;
    const int64_t each = 2 * head + value_head, columns = heads * each;
    OpCase op{.type = "Attention", .opset = 1, .domain = "saccade"};
    op.c4 = false;
    op.inputs = {runtime({images, columns, tokens}, 1), same(), same()};
    const auto place = [&](int64_t column) {
        return Ints{column * tokens, columns * tokens, each * tokens, 1, tokens};
    };
    op.attributes = {{"batch", Ints{images, heads}},
                     {"rows", tokens},
                     {"keys", tokens},
                     {"head", head},
                     {"value_head", value_head},
                     {"q", place(0)},
                     {"k", place(head)},
                     {"v", place(2 * head)},
                     {"y", Ints{0, heads * value_head * tokens, value_head * tokens, 1, tokens}},
                     {"shape", Shape{images, heads * value_head, tokens}},
                     {"scale", 0.5f}};
    check_op(op, [&](const std::vector<Array> &in) {
        Array y({images, heads * value_head, tokens});
        for (int64_t n = 0; n < images; ++n)
            for (int64_t h = 0; h < heads; ++h)
                for (int64_t row = 0; row < tokens; ++row) {
                    const auto at = [&](int64_t column, int64_t token) {
                        return in[0][(n * columns + h * each + column) * tokens + token];
                    };
                    std::vector<double> weights;
                    double total = 0;
                    for (int64_t key = 0; key < tokens; ++key) {
                        double score = 0;
                        for (int64_t i = 0; i < head; ++i) score += 0.5 * at(i, row) * at(head + i, key);
                        weights.push_back(std::exp(score));
                        total += weights.back();
                    }
                    for (int64_t i = 0; i < value_head; ++i) {
                        double sum = 0;
                        for (int64_t key = 0; key < tokens; ++key)
                            sum += weights[static_cast<size_t>(key)] / total * at(2 * head + i, key);
                        y[(n * heads * value_head + h * value_head + i) * tokens + row] = sum;
                    }
                }
        return std::vector<Array>{y};
    });
}

TEST_CASE("attention: many keys") {
    check_attention({.heads = 1, .rows = 2, .keys = 330'001, .head = 4, .value_head = 4, .joint = false, .range = 3});
    const OpCase most = make_case({.heads = 1, .rows = 1, .keys = 400'000, .head = 4, .value_head = 4, .joint = false});
    CHECK(load_code(most) == Code::unsupported);
}

TEST_CASE("attention: what a node may not say") {
    const OpCase good = make_case({.joint = false, .mask = {1, 2, 7, 7}});
    REQUIRE(load_code(good) == Code::ok);
    const auto refused = [&](const char *key, Attribute value) {
        CAPTURE(key);
        OpCase bad = good;
        bad.attributes[key] = std::move(value);
        CHECK(load_code(bad) == Code::invalid_file);
    };
    for (const char *key : {"q", "k", "v", "y"}) {
        refused(key, Ints{1, 224, 16, 32, 1});   // one element further
        refused(key, Ints{0, 224, 16, 33, 1});   // a step too large
        refused(key, Ints{0, 224, 16, -32, 1});  // backwards
        refused(key, Ints{0, 224, 16, int64_t{1} << 62, 1});
        refused(key, Ints{0, 224, 16, 32, 0});  // columns over each other
        refused(key, Ints{0, 224, 16, 0, 1});
        refused(key, Ints{0, 224, 16, 32});
    }
    refused("y", Ints{0, 224, 16, 16, 1});  // rows over each other
    refused("y", Ints{0, 224, 7, 14, 1});
    refused("mask", Ints{0, 0, 49, 7, 2});
    refused("mask", Ints{0, 0, 49, 7});
    for (const char *key : {"rows", "keys", "head", "value_head"}) {
        refused(key, int64_t{0});
        refused(key, int64_t{-1});
        refused(key, int64_t{1} << 40);
    }
    refused("batch", Ints{1, 3});
    refused("batch", Ints{2});
    refused("shape", Shape{1, 7, 31});
    refused("shape", Shape{1, 7, 64});
    refused("shape", Shape{-1, 7, -32});
    refused("shape", Shape{int64_t{1} << 40, int64_t{1} << 40});
    refused("scale", std::numeric_limits<float>::infinity());
}

TEST_CASE("attention: every variant was checked") { check_every_variant("ops/attention.comp"); }
