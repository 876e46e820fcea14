#pragma once
// Walking over the elements of tensors of any rank, for references in plain loops.

#include <vector>

#include "tests/support/op_runner.h"

namespace sac::test {

/// Calls f(index, flat) for every element of the shape in row-major order.
template <class F>
void for_each_index(const Shape &shape, const F &f) {
    std::vector<int64_t> index(shape.size(), 0);
    const int64_t count = element_count(shape);
    for (int64_t flat = 0; flat < count; ++flat) {
        f(index, flat);
        for (size_t axis = shape.size(); axis-- > 0;) {
            if (++index[axis] < shape[axis]) break;
            index[axis] = 0;
        }
    }
}

/// Where an index lies in a tensor of that shape, whose axes of size 1 broadcast and whose missing leading axes do too.
inline int64_t flat_index(const Shape &shape, const std::vector<int64_t> &index) {
    int64_t flat = 0;
    const size_t missing = index.size() - shape.size();
    for (size_t axis = 0; axis < shape.size(); ++axis) {
        flat = flat * shape[axis] + (shape[axis] == 1 ? 0 : index[missing + axis]);
    }
    return flat;
}

}  // namespace sac::test
