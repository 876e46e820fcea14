// Vision transformers (Dosovitskiy et al. 2020). Attention is written as the two families of source code write it: from
// opset 17 on one product gives queries, keys and values, which a split of axes takes apart, and the queries are
// scaled; before that three products, and the scores are divided.
#include <cmath>

#include "samples/networks/families.h"

namespace sac::networks {
namespace {

struct Vit {
    int64_t patch, width, heads, layers;
};

// Queries, keys and values: each batch x heads x tokens x width of a head.
struct Heads {
    Tensor q, k, v;
};

Heads split_heads(Builder &b, const Tensor &x, int64_t heads) {
    const int64_t tokens = x.shape[1], width = x.shape[2], head = width / heads;
    if (b.opset() >= 17) {
        const Tensor qkv = b.reshape(b.linear(x, 3 * width), {1, tokens, 3, heads, head});
        const Tensor turned = b.transpose(qkv, {2, 0, 3, 1, 4});
        const Tensor q = b.gather(turned, 0, 0), k = b.gather(turned, 1, 0);
        return {q, k, b.gather(turned, 2, 0)};
    }
    const auto part = [&] {
        return b.transpose(b.reshape(b.linear(x, width), {1, tokens, heads, head}), {0, 2, 1, 3});
    };
    const Tensor q = part(), k = part();
    return {q, k, part()};
}

Tensor attention(Builder &b, const Tensor &x, int64_t heads) {
    const Heads h = split_heads(b, x, heads);
    const float root = std::sqrt(static_cast<float>(x.shape[2] / heads));
    const Tensor keys = b.transpose(h.k, {0, 1, 3, 2});
    const Tensor scores =
        b.opset() >= 17 ? b.matmul(b.scalar("Mul", h.q, 1 / root), keys) : b.scalar("Div", b.matmul(h.q, keys), root);
    const Tensor mixed = b.transpose(b.matmul(b.softmax(scores, -1), h.v), {0, 2, 1, 3});
    return b.linear(b.reshape(mixed, x.shape), x.shape[2]);
}

void vit(Builder &b, const Vit &v) {
    Tensor x = b.conv(b.image(), {.to = v.width, .kernel = v.patch, .stride = v.patch, .padding = 0});
    const int64_t patches = x.shape[2] * x.shape[3];
    x = b.transpose(b.reshape(x, {1, v.width, patches}), {0, 2, 1});
    x = b.concat({b.weight({1, 1, v.width}, -0.5f, 0.5f), x}, 1);
    x = b.add(x, b.weight({1, patches + 1, v.width}, -0.5f, 0.5f));
    for (int64_t i = 0; i < v.layers; ++i) {
        x = b.add(x, attention(b, b.layer_norm(x), v.heads));
        const Tensor hidden = b.activate(Act::gelu, b.linear(b.layer_norm(x), 4 * v.width));
        x = b.add(x, b.linear(hidden, v.width));
    }
    b.output("output", b.gemm(b.gather(b.layer_norm(x), 0, 1), 1000));
}

}  // namespace

void vit_b32(Builder &b) { vit(b, {.patch = 32, .width = 768, .heads = 12, .layers = 12}); }
void vit_b16(Builder &b) { vit(b, {.patch = 16, .width = 768, .heads = 12, .layers = 12}); }
void vit_tiny(Builder &b) { vit(b, {.patch = 16, .width = 192, .heads = 3, .layers = 12}); }

}  // namespace sac::networks
