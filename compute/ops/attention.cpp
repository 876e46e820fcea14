// saccade.Attention, which fusion makes: y = softmax(scale q k' + mask) v for every batch (an image or a window, a
// head). Inputs: q, k, v (which may be one tensor), optionally a mask that is added. Where their rows lie is told in
// elements:
//   batch   sizes of the batch axes
//   rows, keys, head, value_head   rows of q and y, rows of k and v, columns of q and k, columns of v and y
//   q, k, v, y   where the first row begins, and what one more of each batch axis, of rows and of columns adds
//   mask    the same, with keys for columns (0: broadcast)
//   shape   of y, all of whose elements are written
//   scale; causal (left out: all keys): row r takes part in keys up to r + causal
// A row whose keys are all masked by -inf gives zeros (NaN by the formula).
#include <algorithm>

#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

constexpr int64_t not_causal = 1 << 30;

// Where the elements of an operand lie: steps of the batch axes, of rows and of columns (in a mask: keys).
struct Place {
    int64_t offset = 0;
    std::vector<int64_t> steps;

    bool operator==(const Place &) const = default;
};

struct Attention {
    Shape batch;
    int64_t rows = 0, keys = 0, head = 0, value_head = 0;
    Place q, k, v, y, mask;
    bool masked = false;
    float scale = 1;
    int64_t causal = not_causal;
    Shape shape;
};

Result<Place> read_place(const Node &node, const char *key, size_t steps) {
    const std::vector<int64_t> list = node.ints_or(key, {});
    if (list.size() != steps + 1 || std::any_of(list.begin(), list.end(), [](int64_t i) { return i < 0; }))
        return Error(Code::invalid_file, format("attribute %s is %s", key, to_string(list).c_str()));
    return Place{list[0], {list.begin() + 1, list.end()}};
}

Result<Attention> read(const Node &node) {
    Attention a;
    a.batch = node.ints_or("batch", {});
    a.shape = node.ints_or("shape", {});
    const std::pair<const char *, int64_t Attention::*> sizes[] = {{"rows", &Attention::rows},
                                                                   {"keys", &Attention::keys},
                                                                   {"head", &Attention::head},
                                                                   {"value_head", &Attention::value_head}};
    for (const auto &[key, size] : sizes) a.*size = node.int_or(key, 0);
    Shape all = a.batch;
    all.insert(all.end(), {a.rows, a.keys, a.head, a.value_head});
    constexpr int64_t most = 1 << 30;
    for (const int64_t size : all)
        if (size < 1 || size > most) return Error(Code::invalid_file, "a size of " + std::to_string(size));
    const size_t axes = a.batch.size();
    const std::pair<const char *, Place Attention::*> places[] = {
        {"q", &Attention::q}, {"k", &Attention::k}, {"v", &Attention::v}, {"y", &Attention::y}};
    for (const auto &[key, place] : places) { SAC_ASSIGN(a.*place, read_place(node, key, axes + 2)); }
    a.masked = node.inputs.size() > 3 && node.inputs[3] != no_value;
    if (a.masked) { SAC_ASSIGN(a.mask, read_place(node, "mask", axes + 2)); }
    a.scale = node.float_or("scale", 1);
    if (!std::isfinite(a.scale)) return Error(Code::invalid_file, "attribute scale is not finite");
    a.causal = std::clamp<int64_t>(node.int_or("causal", not_causal), -most, most);
    return a;
}

// Sizes that belong to the steps of a place, and the columns of a row.
Shape sizes_of(const Attention &a, int64_t rows, int64_t columns) {
    Shape sizes = a.batch;
    sizes.insert(sizes.end(), {rows, columns});
    return sizes;
}

// True if every element of the place lies within `count`.
bool is_within(const Place &place, const Shape &sizes, int64_t count) {
    int64_t last = place.offset;
    for (size_t i = 0; i < sizes.size(); ++i) {
        if (place.steps[i] > count) return false;
        last += (sizes[i] - 1) * place.steps[i];
        if (last >= count) return false;
    }
    return true;
}

// The axes of a place that fills a dense tensor, from the largest step to the smallest; nothing if it does not.
std::optional<std::vector<size_t>> dense_order(const Place &place, const Shape &sizes) {
    std::vector<size_t> order;
    for (size_t i = 0; i < sizes.size(); ++i) order.push_back(i);
    const auto step = [&](size_t i) { return place.steps[i]; };
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t i, size_t j) { return step(i) != step(j) ? step(i) > step(j) : sizes[i] > sizes[j]; });
    int64_t expected = 1;
    for (size_t i = order.size(); i-- > 0;) {
        if (sizes[order[i]] != 1 && step(order[i]) != expected) return std::nullopt;
        expected *= sizes[order[i]];
    }
    return place.offset == 0 ? std::optional(order) : std::nullopt;
}

// True if the shape has elements, and not more than a device may address.
bool is_moderate(const Shape &shape) {
    int64_t count = 1;
    for (const int64_t size : shape) {
        if (size < 1 || size > (int64_t{1} << 31) / count) return false;
        count *= size;
    }
    return true;
}

Status infer(InferContext &ctx) {
    auto read_node = read(ctx.node());
    if (!read_node.ok()) return ctx.error(read_node.error().message);
    const Attention &a = *read_node;
    const auto inside = [&](size_t input, const Place &place, const Shape &sizes) {
        const size_t last = sizes.size() - 1;  // rows, and columns but of a mask, are not repeated
        if (input < 3 &&
            ((sizes[last] > 1 && place.steps[last] == 0) || (sizes[last - 1] > 1 && place.steps[last - 1] == 0)))
            return false;
        return is_within(place, sizes, element_count(ctx.shape(input)));
    };
    if (!inside(0, a.q, sizes_of(a, a.rows, a.head)) || !inside(1, a.k, sizes_of(a, a.keys, a.head)) ||
        !inside(2, a.v, sizes_of(a, a.keys, a.value_head)) ||
        (a.masked && !inside(3, a.mask, sizes_of(a, a.rows, a.keys))))
        return ctx.error("reads beyond an input");
    const Shape sizes = sizes_of(a, a.rows, a.value_head);
    if (!is_moderate(a.shape) || !is_within(a.y, sizes, element_count(a.shape)) || !dense_order(a.y, sizes) ||
        element_count(sizes) != element_count(a.shape))
        return ctx.error("does not fill an output of shape " + to_string(a.shape));
    ctx.set_output(0, ctx.input(0).dtype, a.shape);
    return {};
}

bool is_aligned(const Place &place, int64_t columns) {
    return columns % 4 == 0 && place.offset % 4 == 0 && place.steps.back() == 1 &&
           std::all_of(place.steps.begin(), place.steps.end() - 1, [](int64_t step) { return step % 4 == 0; });
}

// Rows one after another, batch after batch, each padded to whole texels.
Place packed_place(const Attention &a, int64_t rows, int64_t columns) {
    const Shape sizes = sizes_of(a, rows, round_up(columns, 4));
    Place place{0, std::vector<int64_t>(sizes.size())};
    int64_t step = 1;
    for (size_t i = sizes.size(); i-- > 0; step *= sizes[i]) place.steps[i] = step;
    return place;
}

// The operand where its rows begin at whole texels: itself, or a copy.
Result<StorageId> align(PlanContext &ctx, const Attention &a, size_t input, Place &place, int64_t rows,
                        int64_t columns) {
    const StorageId source = ctx.input_storage(input);
    if (is_aligned(place, columns)) return source;
    Shape shape = sizes_of(a, rows, round_up(columns, 4));
    if (!is_moderate(shape)) return ctx.unsupported("a copy of shape " + to_string(shape));
    const StorageId copied = ctx.temporary(ctx.node().name + ".rows" + std::to_string(input), element_count(shape));
    BoxCopy copy = {source,      copied,       shape, std::vector<int64_t>(shape.size(), 0), sizes_of(a, rows, columns),
                    place.steps, place.offset, 0.0f};
    SAC_TRY(dispatch_copy(ctx, std::move(copy)));
    place = packed_place(a, rows, columns);
    return copied;
}

// Fewer batch axes for the same places: those of size 1 go, and axes that step as one are joined.
void merge_batches(Attention &a) {
    std::vector<Place *> places = {&a.q, &a.k, &a.v, &a.y};
    if (a.masked) places.push_back(&a.mask);
    const auto erase = [&](size_t axis) {
        const auto at = static_cast<std::ptrdiff_t>(axis);
        a.batch.erase(a.batch.begin() + at);
        for (Place *place : places) place->steps.erase(place->steps.begin() + at);
    };
    for (size_t axis = a.batch.size(); axis-- > 0;)
        if (a.batch[axis] == 1) erase(axis);
    for (size_t axis = a.batch.size(); axis-- > 1;) {
        const bool joins = std::all_of(places.begin(), places.end(), [&](const Place *place) {
            return place->steps[axis - 1] == place->steps[axis] * a.batch[axis];
        });
        if (!joins) continue;
        a.batch[axis] *= a.batch[axis - 1];
        erase(axis - 1);
    }
}

struct Variant {
    std::string kernel;
    int64_t tile_rows = 32, value_quads = 2;  // of a workgroup, and of each of its invocations
    bool texel = false;
};

Variant choose_variant(const PlanContext &ctx, const Attention &a, std::initializer_list<StorageId> storages) {
    Variant variant;
    variant.value_quads = a.value_head <= 32 ? 1 : 2;
    const std::string stem = a.masked ? "attention_masked" : "attention";
    const std::string columns = variant.value_quads == 1 ? "_v1" : "_v2";
    variant.kernel = kernel_name(ctx, stem, columns + "_s");
    if (ctx.available(variant.kernel, storages)) {
        variant.tile_rows = 24;
        variant.texel = true;
        return variant;
    }
    variant.kernel = kernel_name(ctx, stem, columns);
    return variant;
}

// k and v in one storage, as kernels with few bindings read them.
Result<StorageId> join(PlanContext &ctx, const Attention &a, StorageId k, StorageId v, Place &v_place) {
    if (k == v) return k;
    const auto extent = [&](const Place &place, int64_t columns) {
        int64_t end = place.offset + 1;
        const Shape sizes = sizes_of(a, a.keys, columns);
        for (size_t i = 0; i < place.steps.size(); ++i) end += (sizes[i] - 1) * place.steps[i];
        return round_up(end, 4);
    };
    const int64_t k_size = extent(a.k, a.head), v_size = extent(a.v, a.value_head), all = k_size + v_size;
    const StorageId joined = ctx.temporary(ctx.node().name + ".keys_and_values", all);
    SAC_TRY(dispatch_copy(ctx, {k, joined, {all}, {0}, {k_size}, {1}, 0, std::nullopt}));
    SAC_TRY(dispatch_copy(ctx, {v, joined, {all}, {k_size}, {v_size}, {1}, 0, std::nullopt}));
    v_place.offset += k_size;
    return joined;
}

// All batches of the last two axes.
void dispatch_attention(PlanContext &ctx, const Attention &a, const Variant &variant, std::vector<Binding> bindings) {
    const int64_t row_tiles = (a.rows + variant.tile_rows - 1) / variant.tile_rows;
    const int64_t quads = quads_of(a.head), value_quads = quads_of(a.value_head);
    const int64_t value_blocks = (value_quads + 8 * variant.value_quads - 1) / (8 * variant.value_quads);
    Dispatch dispatch;
    dispatch.kernel = variant.kernel;
    dispatch.bindings = std::move(bindings);
    dispatch.push_words({word(row_tiles), word(value_blocks), word(a.batch[1]), word(a.rows), word(a.keys), word(quads),
                         word(value_quads)});
    for (const Place *place : {&a.q, &a.k, &a.v, &a.y}) {
        dispatch.push_words({word(place->offset / 4)});
        for (size_t i = 0; i < 3; ++i) dispatch.push_words({word(place->steps[i] / 4)});
    }
    dispatch.push_words({word(a.mask.offset)});
    for (size_t i = 0; i < 4; ++i) dispatch.push_words({a.masked ? word(a.mask.steps[i]) : 0});
    dispatch.push_float(a.scale);
    dispatch.push_words({word(a.causal)});
    const int64_t batches = a.batch[0] * a.batch[1];
    dispatch.groups = {word(batches * value_blocks * row_tiles), 1, 1};
    dispatch.flops =
        2.0 * static_cast<double>(batches * a.rows) * static_cast<double>(a.keys * (a.head + a.value_head));
    ctx.dispatch(std::move(dispatch));
}

Status plan(PlanContext &ctx) {
    SAC_ASSIGN(Attention a, read(ctx.node()));
    const Shape sizes = sizes_of(a, a.rows, a.value_head);
    SAC_ASSIGN(const StorageId q, align(ctx, a, 0, a.q, a.rows, a.head));
    SAC_ASSIGN(StorageId k, align(ctx, a, 1, a.k, a.keys, a.head));
    SAC_ASSIGN(StorageId v, align(ctx, a, 2, a.v, a.keys, a.value_head));
    const StorageId mask = a.masked ? ctx.input_storage(3) : q;
    const Place y_place = a.y;
    const bool direct = is_aligned(a.y, a.value_head);
    StorageId y = direct ? ctx.output_storage() : 0;
    if (!direct) {
        a.y = packed_place(a, a.rows, a.value_head);
        y = ctx.temporary(ctx.node().name + ".y", element_count(sizes_of(a, a.rows, round_up(a.value_head, 4))));
    }
    const Shape batch = a.batch;
    const Variant variant = choose_variant(ctx, a, {q, k, v, mask});
    if ((a.keys + 31) / 32 * (quads_of(a.head) + 5) >= 65'535)  // turns of a kernel's loops
        return ctx.unsupported("attention to " + std::to_string(a.keys) + " keys");
    const bool joined = a.masked && !variant.texel;
    if (joined) { SAC_ASSIGN(k, join(ctx, a, k, v, a.v)); }
    std::vector<Binding> bindings = {reads(q), reads(k)};
    if (!joined) bindings.push_back(reads(v));
    if (a.masked) bindings.push_back(reads(mask));
    bindings.push_back(writes(y));

    Attention merged = a;
    merge_batches(merged);
    // The kernel knows two batch axes; more are dispatches of their own.
    std::vector<Attention> parts = {merged};
    while (parts[0].batch.size() > 2) {
        std::vector<Attention> next;
        for (const Attention &part : parts) {
            if (parts.size() * static_cast<size_t>(part.batch[0]) > 1024)
                return ctx.unsupported("batches " + to_string(batch) + " of which most need a dispatch of their own");
            for (int64_t i = 0; i < part.batch[0]; ++i) {
                Attention one = part;
                one.batch.erase(one.batch.begin());
                for (Place *place : {&one.q, &one.k, &one.v, &one.y, &one.mask}) {
                    if (place->steps.empty()) continue;
                    place->offset += i * place->steps[0];
                    place->steps.erase(place->steps.begin());
                }
                next.push_back(std::move(one));
            }
        }
        parts = std::move(next);
    }
    bindings.back().part = parts.size() > 1;
    for (Attention &part : parts) {
        for (; part.batch.size() < 2; part.batch.insert(part.batch.begin(), 1))
            for (Place *place : {&part.q, &part.k, &part.v, &part.y, &part.mask})
                place->steps.insert(place->steps.begin(), 0);
        dispatch_attention(ctx, part, variant, bindings);
    }
    if (direct) return {};
    // From packed rows to y, whose axes follow each other in another order.
    const auto order = *dense_order(y_place, sizes);
    BoxCopy copy = {y, ctx.output_storage(), {}, std::vector<int64_t>(sizes.size(), 0), {}, {}, 0, std::nullopt};
    for (const size_t axis : order) {
        copy.shape.push_back(sizes[axis]);
        copy.stride.push_back(a.y.steps[axis]);
    }
    copy.size = copy.shape;
    return dispatch_copy(ctx, std::move(copy));
}

}  // namespace

SAC_OPERATOR(attention) = {.type = "Attention", .domain = "saccade", .min_inputs = 3, .infer = infer, .plan = plan};

}  // namespace sac::ops
