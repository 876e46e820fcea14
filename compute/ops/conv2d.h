#pragma once
// A Conv node at plan time, as the three kinds of convolution read it.

#include "compute/ops/matrix_product.h"

namespace sac::ops {

struct ConvolutionNode {
    Window window;  ///< of two axes where that is enough (merge_axes); `batch` counts its images
    int64_t batch = 1, in_channels = 1, out_channels = 1, group = 1;
    HostTensor weights;       ///< f32, out_channels x in_channels / group x taps, as in the file
    std::vector<float> bias;  ///< empty: none

    /// Error: unsupported, if weights or bias are not constant, or the images have no pixels or too many for the
    /// kernels' arithmetic.
    static Result<ConvolutionNode> read(const PlanContext &ctx);

    int64_t taps() const { return window.taps(); }
    int64_t out_pixels() const { return batch * window.out_d * window.out_h * window.out_w; }
    /// `channel` counts within the output channel's group.
    float weight(int64_t out_channel, int64_t channel, int64_t tap) const {
        const auto *values = reinterpret_cast<const float *>(weights.bytes);
        return values[(out_channel * weights.shape[1] + channel) * taps() + tap];
    }
};

/// conv2d_winograd.cpp: appends what can do `product`, the whole convolution, if its window is 3 x 3 of stride 1.
void add_winograd_candidates(PlanContext &ctx, const ConvolutionNode &conv, const MatrixProduct &product,
                             std::vector<KernelCandidate> &candidates);
/// conv2d_direct.cpp: appends what can do `product`, the whole convolution, if it has at most four input channels.
void add_direct_candidate(PlanContext &ctx, const ConvolutionNode &conv, const MatrixProduct &product,
                          std::vector<KernelCandidate> &candidates);
/// A variant of a depthwise kernel, and the output pixels of one invocation.
struct DepthwiseVariant {
    std::string kernel;
    int64_t block_w = 4, block_h = 1;
};
/// conv2d_depthwise.cpp: of the kernel `stem`, the variant that is unrolled for the window's last two axes where there
/// is one, else one for any window.
DepthwiseVariant choose_depthwise(const PlanContext &ctx, std::string_view stem, const Window &w,
                                  std::initializer_list<StorageId> storages);
Status plan_depthwise(PlanContext &ctx, const ConvolutionNode &conv);    ///< conv2d_depthwise.cpp: of two axes
Status plan_depthwise3d(PlanContext &ctx, const ConvolutionNode &conv);  ///< conv3d_depthwise.cpp: of three
Status plan_grouped(PlanContext &ctx, const ConvolutionNode &conv);      ///< conv2d_grouped.cpp

}  // namespace sac::ops
