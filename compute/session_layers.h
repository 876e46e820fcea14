#pragma once
// The tensors of a plan as its file knows them, and where each can be read while the plan runs: for tools.

#include "compute/session.h"

namespace sac {

/// An input, output or activation of a plan. Activations share memory: one can be read between the dispatch that
/// completes it and the next.
struct Layer {
    std::string name;
    Shape shape;
    size_t node = SIZE_MAX;  ///< that makes it, in the planned graph; SIZE_MAX: an input, or fused
    bool fused = false;      ///< not made: its node became part of another, or nobody reads it. The rest is not valid
    bool output = false;     ///< of the graph

    StorageId storage = 0;
    uint32_t after = 0;  ///< dispatches after which it is complete (0: an input); see Observation
    uint64_t bytes = 0;  ///< of the storage
    DType dtype = DType::f32;
    Layout layout = Layout::dense;
    /// Layout c4: elements from a pixel to the next and where its channels begin in one (a tensor that was written in
    /// its place in a concatenation has the rows of that).
    size_t row = 0, begin = 0;

    /// Feature maps: axis 0 counts images, axis 1 channels; the last is the width of a map, those between its height.
    uint32_t images() const { return shape.size() < 2 ? 0 : static_cast<uint32_t>(shape[0]); }
    uint32_t channels() const { return shape.size() < 2 ? 0 : static_cast<uint32_t>(shape[1]); }
    uint32_t map_width() const { return shape.size() < 3 ? 1 : static_cast<uint32_t>(shape.back()); }
    uint32_t map_height() const;
    size_t map_size() const { return size_t{map_width()} * map_height(); }
};

/// In the order in which they are made, inputs first, those that were fused where the file had them. Constants and the
/// conversions that the layout pass put in are left out.
std::vector<Layer> layers_of(const Plan &plan);

/// Elements [first, first + values.size()) of a layer in ONNX order, from a copy of its storage.
void read_layer(const Layer &layer, const std::byte *storage, size_t first, std::span<float> values);

}  // namespace sac
