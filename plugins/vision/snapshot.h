#pragma once
// Results on their way to the host: a fixed set of slots, written by one thread, read by any number.

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "plugins/vision/heads/detection_head.h"
#include "plugins/vision/host.h"

namespace sac::vision {

using Labels = std::vector<std::string>;

/// Everything of a snapshot but the sequence, which publishing gives it.
struct SnapshotContent {
    sac_snapshot fields = {};  ///< detections and detection_count are filled from the next two
    std::span<const Detection> detections;
    std::span<const uint32_t> track_ids;  ///< of each detection; empty: none
    float least_score = 0;                ///< weaker ones are left out, unless they have a track
    std::shared_ptr<const Labels> labels;
    sac_slices slices = {};  ///< hung on the fields if there are any
};

/// [thread] any; one mutex, held for a few instructions (publish: for the copying of the detections before it, it is
/// not held). No heap allocation after creation.
class SnapshotPool {
public:
    /// `count` snapshots can be held and there is still one to write and one that is newest. Memory is the host's.
    static Result<std::unique_ptr<SnapshotPool>> create(const Host &host, uint32_t count);
    ~SnapshotPool();
    SnapshotPool(const SnapshotPool &) = delete;
    SnapshotPool &operator=(const SnapshotPool &) = delete;

    /// Makes the content the newest snapshot. Boxes are clipped to the frame. Error out_of_memory: all are held. One
    /// writer at a time.
    Status publish(const SnapshotContent &content);

    /// The newest one with a sequence above `after`, held once more; null if there is none.
    const sac_snapshot *acquire(uint64_t after);
    /// Error invalid_argument: not one of this pool's, or not held.
    Status release(const sac_snapshot *snapshot);

    uint64_t newest_sequence() const;
    uint32_t held() const;  ///< snapshots that are acquired and not released

private:
    struct Slot;
    explicit SnapshotPool(const Host &host) : host_(host) {}
    Slot *find_free();

    const Host &host_;
    void *memory_ = nullptr;
    std::span<Slot> slots_;
    mutable std::mutex mutex_;
    Slot *newest_ = nullptr;
    uint64_t sequence_ = 0;
};

}  // namespace sac::vision
