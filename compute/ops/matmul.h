#pragma once
// Products with a constant matrix, as Gemm and MatMul plan them.

#include "compute/ops/op_common.h"

namespace sac::ops {

/// y (rows x columns) = act(x (rows x depth) scale b + bias + residual): b is input 1, constant, depth x columns, or
/// columns x depth if `transposed`; `bias` is empty or a number a column. Rows of x and y begin at whole texels.
Status plan_constant_product(PlanContext &ctx, int64_t rows, int64_t depth, int64_t columns, bool transposed,
                             float scale, std::span<const float> bias);

}  // namespace sac::ops
