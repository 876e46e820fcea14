// Phase fuse: several operators become one dispatch. Each family of patterns is a function of its own.

#include "compute/graph/fuse.h"

namespace sac {

bool takes_epilogue(const Node &node) {
    return is_a(node, "Conv") || is_a(node, "ConvTranspose") || is_a(node, "Gemm") ||
           (node.domain == "saccade" && node.type == "Linear");
}

bool takes_gelu(const Node &node) { return is_a(node, "Gemm") || (node.domain == "saccade" && node.type == "Linear"); }

void fuse(Graph &graph) {
    split_gemms(graph);
    // What a family makes may be what another looks for. Each change removes a node or moves one towards the end, so
    // this comes to an end; the bound is for our own mistakes.
    for (int round = 0; round < 64; ++round) {
        bool changed = fuse_attention(graph);
        changed = fuse_layer_norms(graph) || changed;
        changed = fuse_gelus(graph) || changed;
        changed = fuse_linears(graph) || changed;
        changed = fuse_transpositions(graph) || changed;
        changed = fuse_channel_gathers(graph) || changed;
        changed = fuse_pixel_shuffles(graph) || changed;
        changed = fuse_gathered_weights(graph) || changed;
        changed = fuse_unpooling(graph) || changed;
        changed = fuse_means(graph) || changed;
        changed = fuse_pads(graph) || changed;
        changed = fuse_affine(graph) || changed;
        changed = fuse_residuals(graph) || changed;
        changed = fuse_activations(graph) || changed;
        remove_dead(graph);
        if (!changed) break;
    }
    if (fuse_matmuls(graph)) remove_dead(graph);
}

}  // namespace sac
