// A frame's work in slices: preprocessing, parts of the network, the head.

#include <algorithm>
#include <cmath>

#include "plugins/vision/model.h"

namespace sac::vision {

using Part = FramePlace::Part;

void Model::PartCost::learn(uint64_t what, double took) {
    constexpr double gain = 0.25;
    const double before = known(what);
    ns = std::max(before > 0 ? before + gain * (took - before) : took, 1.0);
    of = what;
}

// Frames of a kind and size take the same time.
uint64_t Model::frames_like(const FrameSource &source) const {
    const uint64_t size = uint64_t{source.layout.width} << 20 | source.layout.height;
    return size << 8 | preprocess_.kind_of(source);
}

FrameSlice Model::slice(const FrameSource &source, const FramePlace &first, double budget_ns, bool every_dispatch) {
    constexpr double worth_beginning = 1.0 / 8;  // of the budget
    DispatchCosts &costs = session_->costs();
    const bool all = std::isinf(budget_ns);
    FrameSlice slice;
    FramePlace at = first;
    const auto left = [&] { return budget_ns - slice.expected_ns; };
    // Parts that lie in one slice can be told apart by timestamps alone.
    const auto goes_on = [&](double known_ns) {
        return all || (timestamps_ && known_ns > 0 && left() > worth_beginning * budget_ns);
    };
    bool next = true;
    if (at.part == Part::preprocess) {
        const double known = preprocess_cost_.known(frames_like(source));
        slice.preprocess = true;
        slice.expected_ns = known;
        at = {Part::network, {}};
        next = goes_on(known);
    }
    if (at.part == Part::network && next) {
        slice.network_first = at.network;
        slice.network_last = all ? session_->end() : costs.slice_end(at.network, left());
        slice.by_dispatch = slice.network() && timestamps_ &&
                            (costs.wants_stamps(slice.network_first, slice.network_last) || every_dispatch);
        slice.expected_ns += costs.expected(slice.network_first, slice.network_last);
        at.network = slice.network_last;
        if (at.network == session_->end()) at = {Part::head, {}};
        next = false;
    }
    if (at.part == Part::head) {
        const double known = head_cost_.known(0);
        const bool first_of_slice = !slice.preprocess && !slice.network();
        if (next || first_of_slice || all || (timestamps_ && known > 0 && known <= left())) {
            slice.head = true;
            slice.expected_ns += known;
            at = {Part::end, {}};
        }
    }
    slice.end = at;
    return slice;
}

Status Model::record(VkCommandBuffer commands, uint32_t slot, const FrameSource &source,
                     const DetectionThresholds &thresholds, vk::Timestamps &stamps, const FrameSlice &slice,
                     std::span<const Observation::Copy> copies) {
    uint32_t stamp = 0;
    stamps.write(commands, stamp++);
    if (slice.preprocess) {
        SAC_ASSIGN(transforms_[slot], preprocess_.record(commands, slot, source));
        stamps.write(commands, stamp++);
    }
    if (slice.network()) {
        Observation observation;
        observation.copies = copies;
        observation.stamps = slice.by_dispatch ? &stamps : nullptr;
        observation.first_stamp = stamp;
        SAC_TRY(session_->record(commands, slice.network_first, slice.network_last, observation));
        if (slice.by_dispatch)
            stamp += slice.pieces() + 1;
        else
            stamps.write(commands, stamp++);
    }
    if (slice.head) {
        SAC_TRY(head_.record(commands, slot, transforms_[slot], thresholds));
        stamps.write(commands, stamp++);
    }
    return {};
}

Result<SliceTimes> Model::learn(const FrameSource &source, const FrameSlice &slice, const vk::Timestamps &stamps,
                                double wall_ns) {
    const std::span ns(slice_ns_.data(), slice.stamp_count());
    SAC_ASSIGN(const bool stamped, stamps.read(ns));
    SliceTimes times;
    times.total = stamped ? ns.back() : wall_ns;
    const int parts = slice.preprocess + slice.network() + slice.head;
    if (!stamped && parts != 1) return times;  // which of them took how long is not known
    size_t before = 0;
    const auto until = [&](size_t stamp) { return stamped ? ns[stamp] - ns[std::exchange(before, stamp)] : wall_ns; };
    size_t stamp = 0;
    if (slice.preprocess) {
        times.preprocess = until(++stamp);
        preprocess_cost_.learn(frames_like(source), times.preprocess);
    }
    if (slice.network()) {
        DispatchCosts &costs = session_->costs();
        if (slice.by_dispatch) times.stamps = ns.subspan(stamp + 1, size_t{slice.pieces()} + 1);
        stamp += slice.by_dispatch ? slice.pieces() + 1 : 1;
        times.network = until(stamp);
        if (slice.by_dispatch)
            costs.learn(slice.network_first, slice.network_last, times.stamps);
        else
            costs.learn(slice.network_first, slice.network_last, times.network);
    }
    if (slice.head) {
        times.head = until(++stamp);
        head_cost_.learn(0, times.head);
    }
    return times;
}

}  // namespace sac::vision
