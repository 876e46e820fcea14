#pragma once
// The families of patterns that fuse() looks for. Each goes over the graph once and returns whether it changed it.

#include "compute/graph/rewrite.h"

namespace sac {

/// True for nodes whose kernels take an Epilogue.
bool takes_epilogue(const Node &node);

/// True for those of them that can end with GELU.
bool takes_gelu(const Node &node);

/// softmax(scale q k' + mask) v with all that moves, splits or scales q, k, v and the result, in the exporters'
/// spellings
/// -> saccade.Attention (compute/ops/attention.cpp).
bool fuse_attention(Graph &graph);

/// The mean, the variance and what else a layer normalisation is spelled with -> LayerNormalization.
bool fuse_layer_norms(Graph &graph);

/// x (1 + erf(x / sqrt 2)) / 2, or the same by tanh, in any order of its factors -> Gelu.
bool fuse_gelus(Graph &graph);

/// MatMul of three axes and more by a constant matrix, whose rows are whole texels, and its bias -> saccade.Linear,
/// which takes an epilogue.
bool fuse_linears(Graph &graph);

/// Gemm by a computed matrix, as it is or transposed -> saccade.MatMul, and an Add of what it adds. First: an Add and
/// activations after it are then the others' to find.
bool split_gemms(Graph &graph);

/// MatMul by a transposed tensor -> saccade.MatMul, whose attribute perm is the transposition's. Hides attention: last.
bool fuse_matmuls(Graph &graph);

/// Chains of Reshape, Flatten, Squeeze, Unsqueeze, Transpose: joined, cancelled, or moved past Pad and Softmax, so that
/// channels stay the second axis. A transposition of axes of size 1 alone becomes a Reshape.
bool fuse_transpositions(Graph &graph);

/// Chains of views that keep the pixels and choose or shuffle channels (a ShuffleNet's Reshape-Transpose-Reshape before
/// a Gather, a Split or alone) -> saccade.ChannelGather with the attributes channels and counts: the outputs, one after
/// another, are x[:, channels[j]], `counts` of them each.
bool fuse_channel_gathers(Graph &graph);

/// Reshape-Transpose-Reshape that moves blocks of channels to blocks of pixels, or back (PyTorch's pixel shuffles) ->
/// DepthToSpace or SpaceToDepth, the latter with DepthToSpace's attribute mode.
bool fuse_pixel_shuffles(Graph &graph);

/// A choice of channels into the weights of the Conv of single pixels that alone reads it: those left out become zeros,
/// where the planner finds them (at most two runs of channels are read).
bool fuse_gathered_weights(Graph &graph);

/// MaxPool whose indices all go to MaxUnpools of the same window -> saccade.MaxPoolTaps and saccade.MaxUnpoolTaps,
/// which pass on where in its window each maximum was; a second output that nobody reads is dropped.
bool fuse_unpooling(Graph &graph);

/// The mean over all spatial axes, kept as axes of size 1 -> GlobalAveragePool.
bool fuse_means(Graph &graph);

/// A Pad of zeros into the Conv or AveragePool after it.
bool fuse_pads(Graph &graph);

/// BatchNormalization and arithmetic with a constant for each channel into the weights and bias of the Conv,
/// ConvTranspose or Gemm before it; MatMul with a constant matrix and a bias -> Gemm.
bool fuse_affine(Graph &graph);

/// Add of a value of the same shape into the epilogue of one of its two writers.
bool fuse_residuals(Graph &graph);

/// Activations, also those spelled out (x sigmoid(x), hard swish of Add, Clip, Mul), into the epilogue before them.
bool fuse_activations(Graph &graph);

}  // namespace sac
