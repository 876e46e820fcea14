#include "plugins/vision/snapshot.h"

#include <algorithm>
#include <new>

#include "compute/base/format.h"

namespace sac::vision {

struct SnapshotPool::Slot {
    sac_snapshot fields = {};
    sac_slices slices = {};
    sac_detection *detections = nullptr;  ///< max_detections_limit of them
    std::shared_ptr<const Labels> labels;
    uint32_t references = 0;
};

namespace {

constexpr size_t alignment = 64;

// A network's NaN becomes 0.
float clip(float value, uint32_t size) { return value > 0 ? std::min(value, static_cast<float>(size)) : 0.0f; }

}  // namespace

Result<std::unique_ptr<SnapshotPool>> SnapshotPool::create(const Host &host, uint32_t count) {
    std::unique_ptr<SnapshotPool> self(new SnapshotPool(host));
    const size_t slots = count + 2;
    const size_t slot_bytes = (slots * sizeof(Slot) + alignment - 1) / alignment * alignment;
    const size_t bytes = slot_bytes + slots * max_detections_limit * sizeof(sac_detection);
    self->memory_ = host.allocate(bytes, alignment);
    if (!self->memory_)
        return Error(Code::out_of_memory, format("no %zu bytes of host memory for %u snapshots", bytes, count));
    auto *slot = static_cast<Slot *>(self->memory_);
    self->slots_ = {slot, slots};
    auto *detections = reinterpret_cast<sac_detection *>(static_cast<char *>(self->memory_) + slot_bytes);
    for (size_t i = 0; i < slots; ++i) {
        new (slot + i) Slot();
        slot[i].detections = detections + i * max_detections_limit;
    }
    return self;
}

SnapshotPool::~SnapshotPool() {
    for (Slot &slot : slots_) slot.~Slot();
    host_.free(memory_, alignment);
}

SnapshotPool::Slot *SnapshotPool::find_free() {
    for (Slot &slot : slots_)
        if (slot.references == 0 && &slot != newest_) return &slot;
    return nullptr;
}

Status SnapshotPool::publish(const SnapshotContent &content) {
    Slot *slot = nullptr;
    {
        const std::lock_guard lock(mutex_);
        slot = find_free();
    }
    if (!slot) return Error(Code::out_of_memory, "all snapshots are held: release_result is due");
    // Nobody else sees the slot: it is neither the newest nor held, and there is one writer.
    slot->labels = content.labels;
    slot->fields = content.fields;
    size_t count = 0;
    for (size_t i = 0; i < std::min<size_t>(content.detections.size(), max_detections_limit); ++i) {
        const Detection &from = content.detections[i];
        const uint32_t track_id = i < content.track_ids.size() ? content.track_ids[i] : 0;
        if (from.score < content.least_score && track_id == 0) continue;
        sac_detection &to = slot->detections[count++];
        to = {};
        to.x1 = clip(from.x1, content.fields.width);
        to.y1 = clip(from.y1, content.fields.height);
        to.x2 = clip(from.x2, content.fields.width);
        to.y2 = clip(from.y2, content.fields.height);
        to.score = from.score;
        to.class_id = from.class_id;
        to.track_id = track_id;
        const bool named = slot->labels && from.class_id < slot->labels->size();
        to.label = named ? (*slot->labels)[from.class_id].c_str() : "";
    }
    slot->fields.type = SAC_TYPE_SNAPSHOT;
    slot->fields.size = sizeof(sac_snapshot);
    slot->slices = content.slices;
    slot->slices.type = SAC_TYPE_SLICES;
    slot->slices.size = sizeof(sac_slices);
    slot->fields.next = content.slices.count ? &slot->slices : nullptr;
    slot->fields.detection_count = static_cast<uint32_t>(count);
    slot->fields.detections = slot->detections;

    const std::lock_guard lock(mutex_);
    slot->fields.sequence = ++sequence_;
    newest_ = slot;
    return {};
}

const sac_snapshot *SnapshotPool::acquire(uint64_t after) {
    const std::lock_guard lock(mutex_);
    if (!newest_ || newest_->fields.sequence <= after) return nullptr;
    ++newest_->references;
    return &newest_->fields;
}

Status SnapshotPool::release(const sac_snapshot *snapshot) {
    const std::lock_guard lock(mutex_);
    const auto slot = std::find_if(slots_.begin(), slots_.end(), [&](const Slot &s) { return &s.fields == snapshot; });
    if (slot == slots_.end()) return Error(Code::invalid_argument, "snapshot is not one that this context has given");
    if (slot->references == 0)
        return Error(Code::invalid_argument, "snapshot is not held: it was released as often as it was acquired");
    --slot->references;
    return {};
}

uint64_t SnapshotPool::newest_sequence() const {
    const std::lock_guard lock(mutex_);
    return sequence_;
}

uint32_t SnapshotPool::held() const {
    const std::lock_guard lock(mutex_);
    return static_cast<uint32_t>(
        std::count_if(slots_.begin(), slots_.end(), [](const Slot &slot) { return slot.references > 0; }));
}

}  // namespace sac::vision
