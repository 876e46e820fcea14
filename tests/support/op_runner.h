#pragma once
// One operator as a network of one node, run on the device and compared with plain loops in double precision:
// on the device as it is and on one capped to the minimum profile, stored as f32 and as f16, between dense and
// between C4 tensors.

#include <functional>

#include "compute/base/result.h"
#include "compute/graph/graph.h"
#include "tests/support/ref.h"

namespace sac::test {

/// A tensor of a reference, row-major.
struct Array {
    Shape shape;
    std::vector<double> values;

    explicit Array(Shape s = {}) : shape(std::move(s)), values(static_cast<size_t>(element_count(shape))) {}
    double &operator[](int64_t i) { return values[static_cast<size_t>(i)]; }
    double operator[](int64_t i) const { return values[static_cast<size_t>(i)]; }
    /// The element at (n, c, y, x) of four axes.
    double &at(int64_t n, int64_t c, int64_t y, int64_t x) { return (*this)[index(n, c, y, x)]; }
    double at(int64_t n, int64_t c, int64_t y, int64_t x) const { return (*this)[index(n, c, y, x)]; }

private:
    int64_t index(int64_t n, int64_t c, int64_t y, int64_t x) const {
        return ((n * shape[1] + c) * shape[2] + y) * shape[3] + x;
    }
};

/// An input of the node.
struct OpInput {
    enum class Kind { runtime, constant, integers, same, absent } kind = Kind::absent;
    Shape shape;
    std::vector<float> values;  ///< runtime and constant
    std::vector<int64_t> integers;
};
OpInput runtime(Shape shape, uint64_t seed, double low = -1, double high = 1);
OpInput constant(Shape shape, uint64_t seed, double low = -1, double high = 1);
OpInput constant_values(Shape shape, std::vector<float> values);
OpInput with_nan(OpInput input);  ///< with a NaN for its middle element: a residual's must come through every epilogue
OpInput integers(std::vector<int64_t> values);
OpInput same();  ///< the tensor before it once more
OpInput absent();

using Attributes = std::map<std::string, Attribute, std::less<>>;

struct OpCase {
    std::string type;
    std::vector<OpInput> inputs = {};
    Attributes attributes = {};
    int opset = 13;
    std::string domain = "";
    Epilogue epilogue = {};  ///< with a residual, it is the last of the inputs
    size_t outputs = 1;
    bool dense = true, c4 = true;  ///< which surroundings to run between (C4 only if all ranks are 2 and more)
    double f32_bound = 1e-5, f16_bound = 2e-3;  ///< norm-wise, of each output
};

/// From the node's inputs (as stored: rounded to halves for f16; constants of integers as doubles) to its outputs.
using Reference = std::function<std::vector<Array>(const std::vector<Array> &)>;

/// Runs the case in all its ways. Each output begins as NaN and must agree with the reference in shape and values; pad
/// lanes of C4 outputs must be exactly zero; inputs, and what lies behind any tensor, must be left as they were, and
/// what lies there must not be used.
void check_op(const OpCase &op, const Reference &reference);

/// Copies a tensor of that shape between every two layouts and storage types, by an Identity.
void check_conversions(const Shape &shape);

/// What loading the one-node network says: its error's code and text (ok if it loads).
Status load_op(const OpCase &op);
Code load_code(const OpCase &op);

/// act(x + residual) as kernels do it.
double activate(const Epilogue &epilogue, double x, double residual = 0);

/// Fails for every variant of the shader file that the device has and that check_op dispatched in no plan of this run.
/// Each operator's test file ends with it.
void check_every_variant(const char *source);

}  // namespace sac::test
