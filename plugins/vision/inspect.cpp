#include "plugins/vision/inspect.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "compute/base/format.h"
#include "plugins/vision/no_throw.h"
#include "plugins/vision/structs.h"

namespace sac::vision {
namespace {

constexpr uint32_t known_flags = uint32_t{SAC_INSPECT_PROFILE} | uint32_t{SAC_INSPECT_HOLD};

const Layer *find_layer(const Model &model, std::string_view name) {
    const auto &layers = model.layers();
    const auto found = std::find_if(layers.begin(), layers.end(), [&](const Layer &l) { return l.name == name; });
    return found == layers.end() ? nullptr : &*found;
}

Status check_tensor(const ActiveModel &active, const std::string &name) {
    const Layer *layer = find_layer(*active.model, name);
    if (!layer)
        return Error(Code::not_found, format("inspection.tensors: the model %s has no tensor '%s'",
                                             active.model->card().name.c_str(), name.c_str()));
    if (layer->fused)
        return Error(Code::unsupported,
                     format("inspection.tensors: '%s' is never made: it was fused into another", name.c_str()));
    return {};
}

}  // namespace

Status Inspector::set(const sac_inspection *given, const ActiveModel *active) {
    Wish wish;
    if (given) {
        sac_inspection inspection = {};
        SAC_TRY(read_struct(given, SAC_TYPE_INSPECTION, "inspection", inspection));
        if (inspection.flags & ~known_flags)
            return Error(Code::unsupported,
                         format("inspection.flags is 0x%x, of which not all bits are known", inspection.flags));
        if ((inspection.flags & SAC_INSPECT_PROFILE) && !runtime_.device.caps().timestamps)
            return Error(Code::unsupported, "inspection.flags: the device has no timestamps to profile with");
        if ((inspection.flags & SAC_INSPECT_HOLD) && !may_hold_)
            return Error(Code::unsupported,
                         "inspection.flags: frames cannot be held in SAC_MODE_HOST_COMMANDS, as what would run them "
                         "again is the host's");
        if (inspection.tensor_count > SAC_MAX_WATCHED)
            return Error(Code::invalid_argument, format("inspection.tensor_count is %u; at most %u are allowed",
                                                        inspection.tensor_count, SAC_MAX_WATCHED));
        if (inspection.tensor_count && !inspection.tensors)
            return Error(Code::invalid_argument, "inspection.tensors is null");
        wish.flags = inspection.flags;
        for (uint32_t i = 0; i < inspection.tensor_count; ++i) {
            if (!inspection.tensors[i])
                return Error(Code::invalid_argument, format("inspection.tensors[%u] is null", i));
            const std::string name = inspection.tensors[i];
            if (active) SAC_TRY(check_tensor(*active, name));
            if (std::find(wish.tensors.begin(), wish.tensors.end(), name) == wish.tensors.end())
                wish.tensors.push_back(name);
        }
    }
    const std::lock_guard lock(mutex_);
    holds_ = (wish.flags & SAC_INSPECT_HOLD) != 0;
    std::swap(wish_, wish);
    ++wished_;
    return {};
}

Inspector::Reading::Reading(Inspector &inspector, std::shared_ptr<Watched> watched)
    : inspector_(&inspector), watched_(std::move(watched)), picture_(watched_->newest) {
    ++watched_->pictures[picture_].readers;
}

Inspector::Reading::Reading(Reading &&other) noexcept
    : inspector_(other.inspector_), watched_(std::move(other.watched_)), picture_(other.picture_) {}

Inspector::Reading::~Reading() {
    if (!watched_) return;
    const std::lock_guard lock(inspector_->mutex_);
    --watched_->pictures[picture_].readers;
}

Result<Inspector::Reading> Inspector::read(const char *name) {
    if (!name) return Error(Code::invalid_argument, "tensor is null");
    const std::lock_guard lock(mutex_);
    if (std::find(wish_.tensors.begin(), wish_.tensors.end(), name) == wish_.tensors.end())
        return Error(Code::not_found, format("tensor '%s' is not watched: name it in set_inspection", name));
    for (const std::shared_ptr<Watched> &watched : watched_)
        if (watched->layer.name == name) return watched->newest == Watched::none ? Reading() : Reading(*this, watched);
    if (seen_wish_ == wished_)
        return Error(Code::not_found, format("tensor '%s' is not one of the model in use, or could not be had", name));
    return Reading();
}

uint32_t Inspector::times(uint32_t model, float *microseconds, uint32_t capacity, uint64_t &sequence) const {
    const std::lock_guard lock(mutex_);
    if (times_model_ != model || times_sequence_ == 0) return sequence = 0, 0;
    sequence = times_sequence_;
    if (!microseconds) return static_cast<uint32_t>(times_.size());
    const size_t count = std::min<size_t>(capacity, times_.size());
    std::copy_n(times_.begin(), count, microseconds);
    return static_cast<uint32_t>(count);
}

void Inspector::follow(const ActiveModel &active) {
    const uint64_t wished = wished_;
    if (wished == followed_ && active.id == model_) return;
    followed_ = wished;
    model_ = active.id;
    ++generation_;
    clear();
    const Status status = no_throw([&]() -> Status {
        Wish wish;
        {
            const std::lock_guard lock(mutex_);
            wish = wish_;
        }
        return prepare(active, wish);
    });
    if (!status.ok()) {
        clear();
        host_.write(LogLevel::error, status.error().message);
    }
    const std::lock_guard lock(mutex_);
    seen_wish_ = wished;
}

void Inspector::clear() {
    observation_ = {};
    copies_.clear();
    targets_.clear();
    stamps_ = {};
    stamps_ns_.clear();
    watched_bytes_ = 0;
    const std::lock_guard lock(mutex_);
    watched_.clear();
    times_sequence_ = 0;
}

Status Inspector::prepare(const ActiveModel &active, const Wish &wish) {
    const Model &model = *active.model;
    std::vector<std::shared_ptr<Watched>> watched;
    uint64_t bytes = 0;
    for (const std::string &name : wish.tensors) {
        const Layer *layer = find_layer(model, name);
        if (!layer || layer->fused) continue;
        Target target;
        target.watched = std::make_shared<Watched>();
        target.watched->layer = *layer;
        target.watched->model = active.id;
        for (Watched::Picture &picture : target.watched->pictures)
            picture.bytes.resize(static_cast<size_t>(layer->bytes));
        SAC_ASSIGN(target.buffer,
                   vk::Buffer::create(runtime_.device, runtime_.memory, layer->bytes, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                                      vk::MemoryUse::readback, "watched tensor"));
        bytes += target.buffer.size();
        watched.push_back(target.watched);
        targets_.push_back(std::move(target));
    }
    std::stable_sort(targets_.begin(), targets_.end(),
                     [](const Target &a, const Target &b) { return a.watched->layer.after < b.watched->layer.after; });
    for (const Target &target : targets_)
        copies_.push_back({target.watched->layer.storage, target.watched->layer.after, target.buffer.handle()});
    observation_.copies = copies_;
    std::vector<float> times;
    if (wish.flags & SAC_INSPECT_PROFILE) {
        const uint32_t dispatches = model.session().dispatch_count();
        SAC_ASSIGN(stamps_, vk::Timestamps::create(runtime_.device, dispatches + 1));
        stamps_ns_.resize(size_t{dispatches} + 1);
        times.resize(dispatches);
        observation_.stamps = &stamps_;
    }
    watched_bytes_ = bytes;
    const std::lock_guard lock(mutex_);
    watched_.swap(watched);
    times_.swap(times);
    times_model_ = active.id;
    return {};
}

void Inspector::begin(VkCommandBuffer commands) {
    if (observation_.stamps) stamps_.reset(commands);
}

void Inspector::begin_slices() { std::fill(stamps_ns_.begin(), stamps_ns_.end(), 0.0); }

void Inspector::add(uint32_t first, std::span<const double> stamps) {
    for (size_t i = 1; i < stamps.size() && first + i < stamps_ns_.size(); ++i)
        stamps_ns_[first + i] += stamps[i] - stamps[i - 1];
}

Status Inspector::collect(bool sliced) {
    for (Target &target : targets_) {
        Watched &watched = *target.watched;
        target.writing = Watched::none;
        {
            const std::lock_guard lock(mutex_);
            for (uint32_t i = 0; i < watched.pictures.size(); ++i)
                if (i != watched.newest && watched.pictures[i].readers == 0) target.writing = i;
        }
        if (target.writing == Watched::none) continue;  // all are being read: they have what there is
        std::vector<std::byte> &bytes = watched.pictures[target.writing].bytes;
        std::memcpy(bytes.data(), target.buffer.mapped(), bytes.size());
    }
    if (sliced)
        std::partial_sum(stamps_ns_.begin(), stamps_ns_.end(), stamps_ns_.begin());
    else if (!stamps_ns_.empty())
        SAC_TRY(stamps_.read(stamps_ns_));
    return {};
}

void Inspector::announce(const sac_frame_timing &timing) {
    log_.put(timing);
    if (targets_.empty() && stamps_ns_.empty()) return;
    const std::lock_guard lock(mutex_);
    for (const Target &target : targets_) {
        if (target.writing == Watched::none) continue;
        target.watched->newest = target.writing;
        target.watched->pictures[target.writing].sequence = timing.sequence;
    }
    if (stamps_ns_.empty()) return;
    for (size_t i = 0; i < times_.size(); ++i)
        times_[i] = static_cast<float>((stamps_ns_[i + 1] - stamps_ns_[i]) * 1e-3);
    times_sequence_ = timing.sequence;
}

void Inspector::take_back() {
    const std::lock_guard lock(mutex_);
    for (const Target &target : targets_) target.watched->newest = Watched::none;
    times_sequence_ = 0;
}

}  // namespace sac::vision
