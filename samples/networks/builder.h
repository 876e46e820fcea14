#pragma once
// Blocks of which networks are described: each method appends layers as PyTorch's exporter writes them, with seeded
// random weights, follows the shapes, and counts the multiply-adds of convolutions and products.

#include <optional>

#include "compute/onnx/model_writer.h"

namespace sac::networks {

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}
    float uniform(float low, float high) {
        state_ += 0x9e3779b97f4a7c15ull;
        uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        z ^= z >> 31;
        return low + (high - low) * static_cast<float>(z >> 40) * 0x1p-24f;
    }

private:
    uint64_t state_;
};

/// A value of the network that is being built.
struct Tensor {
    std::string name;
    Shape shape;  ///< images are batch x channels x height x width, token lists batch x tokens x channels
    int64_t channels() const { return shape[1]; }
};

enum class Act { none, relu, relu6, leaky_relu, silu, hard_swish, sigmoid, hard_sigmoid, gelu };

/// What a convolution is, beside its input.
struct Conv {
    int64_t to, kernel = 1, stride = 1, groups = 1;
    Act act = Act::none;
    int64_t padding = -1;  ///< on every side; -1: half the kernel
    bool norm = false;     ///< without a bias and followed by BatchNormalization; exporters mostly fold it
};

class Builder {
public:
    using Attributes = onnx::ModelWriter::Attributes;

    /// `size`: height and width of the input "image" [1, 3, size, size]. Without a seed there are no weights, and the
    /// model is good for counting alone.
    Builder(std::optional<uint64_t> seed, int64_t opset, int64_t size);

    const Tensor &image() const { return image_; }
    int64_t opset() const { return opset_; }
    void output(const std::string &name, const Tensor &x);

    Tensor conv(const Tensor &x, const Conv &c);
    /// A convolution of each channel by itself.
    Tensor depthwise(const Tensor &x, int64_t kernel, int64_t stride, Act act = Act::none, bool norm = false);
    /// x [n, from] -> [n, to], weights as torch.nn.Linear keeps them.
    Tensor gemm(const Tensor &x, int64_t to);
    /// x [..., from] -> [..., to]: a product, then the bias.
    Tensor linear(const Tensor &x, int64_t to);
    /// a [..., m, k] by b [..., k, n]
    Tensor matmul(const Tensor &a, const Tensor &b);
    Tensor activate(Act act, const Tensor &x);
    Tensor max_pool(const Tensor &x, int64_t kernel, int64_t stride, int64_t padding, bool ceil = false);
    Tensor average_pool(const Tensor &x, int64_t kernel, int64_t stride, int64_t padding);
    Tensor global_average(const Tensor &x);
    Tensor add(const Tensor &a, const Tensor &b);
    Tensor concat(const std::vector<Tensor> &parts, int64_t axis = 1);
    std::vector<Tensor> split(const Tensor &x, const std::vector<int64_t> &sizes, int64_t axis = 1);
    Tensor reshape(const Tensor &x, const Shape &shape);
    Tensor transpose(const Tensor &x, const std::vector<int64_t> &axes);
    Tensor flatten(const Tensor &x);
    /// The slice `index` of an axis, which goes away.
    Tensor gather(const Tensor &x, int64_t index, int64_t axis);
    Tensor softmax(const Tensor &x, int64_t axis);
    /// Height and width times `scale`, bilinear (half_pixel) or nearest (asymmetric, floor).
    Tensor resize(const Tensor &x, float scale, bool linear);
    /// Over the last axis: one operator from opset 17 on, before that the nine it is made of.
    Tensor layer_norm(const Tensor &x, float epsilon = 1e-6f);
    /// x with a number, "Mul" and its like.
    Tensor scalar(const std::string &type, const Tensor &x, float value);
    /// A weight, uniform in [low, high).
    Tensor weight(const Shape &shape, float low, float high);
    /// Mean over height and width, two 1x1 convolutions, and the product with x (Hu et al. 2018).
    Tensor squeeze_excite(const Tensor &x, int64_t squeezed, Act inner, Act outer);

    double multiply_adds() const { return multiply_adds_; }
    onnx::ModelWriter &model() { return model_; }

private:
    std::string fresh(const std::string &stem) { return stem + "_" + std::to_string(count_++); }
    Tensor node(const std::string &type, const std::vector<std::string> &inputs, Shape shape,
                const Attributes &attributes = {});
    /// A small constant, as exporters write them: a node.
    std::string constant(HostTensor value);
    std::string ints(const std::vector<int64_t> &values);
    std::string number(float value);

    onnx::ModelWriter model_;
    std::optional<Random> random_;
    int64_t opset_;
    Tensor image_;
    double multiply_adds_ = 0;
    int count_ = 0;
};

}  // namespace sac::networks
