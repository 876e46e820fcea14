#pragma once
// Frames that the plugin has, so that an answer can be shown on the picture that it is about.

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "engine/io/frame.h"

namespace sac::webcam {

class HandedOver {
public:
    void add(uint64_t id, const engine::Frame &frame) {
        // Of what is not answered the plugin has two frames at most; which ones it has dropped is not known here.
        constexpr size_t most = 16;
        if (frames_.size() == most) frames_.pop_front();
        frames_.emplace_back(id, frame);
    }
    /// The frame of that id, if it is there; those before it are not needed any more. It stays: it may be answered
    /// again.
    std::optional<engine::Frame> find(uint64_t id) {
        while (!frames_.empty() && frames_.front().first < id) frames_.pop_front();
        if (frames_.empty() || frames_.front().first != id) return std::nullopt;
        return frames_.front().second;
    }
    void clear() { frames_.clear(); }

private:
    std::deque<std::pair<uint64_t, engine::Frame>> frames_;
};

}  // namespace sac::webcam
