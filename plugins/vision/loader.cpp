#include "plugins/vision/loader.h"

#include <algorithm>
#include <chrono>

#include "compute/base/format.h"
#include "plugins/vision/no_throw.h"
#include "plugins/vision/structs.h"

namespace sac::vision {

Loader::Loader(Runtime &runtime, std::mutex &runtime_mutex, const Host &host, Health &health, uint32_t slots)
    : runtime_(runtime), runtime_mutex_(runtime_mutex), host_(host), health_(health), slots_(slots) {
    thread_ = std::thread([this] { run(); });
}

Loader::~Loader() {
    cancel();
    thread_.join();
}

void Loader::cancel() {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    changed_.notify_all();
}

void Loader::fail(Record &record, Error error) {
    record.info.state = SAC_MODEL_FAILED;
    record.info.result = static_cast<sac_result>(error.code);
    copy_text(record.info.error, error.message);
    record.error = std::move(error);
    record.waiting = false;
}

uint32_t Loader::request(ModelSource source) {
    Error overtaken(Code::cancelled, "a newer model was asked for before this one began");
    const std::lock_guard lock(mutex_);
    records_.emplace_back();  // what can fail comes before what is changed
    const auto earlier = std::find_if(records_.begin(), records_.end(), [](const Record &r) { return r.waiting; });
    if (earlier != records_.end()) fail(*earlier, std::move(overtaken));  // there is one at most
    // Those that are remembered are the newest; what is in use or being loaded stays.
    if (records_.size() > remembered) {
        const auto gone = std::find_if(records_.begin(), records_.end(), [](const Record &record) {
            return record.info.state == SAC_MODEL_FAILED || record.info.state == SAC_MODEL_REPLACED;
        });
        if (gone != records_.end()) records_.erase(gone);
    }
    Record &record = records_.back();
    record.info.id = next_id_++;
    record.info.state = SAC_MODEL_LOADING;
    record.source = std::move(source);
    record.requested_ns = now_ns();
    record.waiting = true;
    changed_.notify_all();
    return record.info.id;
}

void Loader::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        const auto next = [&] {
            return std::find_if(records_.begin(), records_.end(), [](const Record &r) { return r.waiting; });
        };
        changed_.wait(lock, [&] { return stop_ || next() != records_.end(); });
        if (stop_) break;
        Record &record = *next();
        record.waiting = false;
        const uint32_t id = record.info.id;
        const ModelSource source = std::move(record.source);
        lock.unlock();
        finish(id, no_throw([&] { return load(id, source); }));
        lock.lock();
    }
}

Result<std::shared_ptr<ActiveModel>> Loader::load(uint32_t id, const ModelSource &source) {
    SAC_TRY(health_.status());
    const std::shared_ptr<ActiveModel> before = current();
    auto active = std::make_shared<ActiveModel>();
    active->id = id;
    active->fp16 = source.fp16;
    const std::lock_guard lock(runtime_mutex_);
    SAC_ASSIGN(active->model, Model::load(runtime_, host_, source, slots_));
    if (before) SAC_TRY(active->model->prepare_as(*before->model));
    active->ready = format("model %s is ready", active->model->card().name.c_str());
    runtime_.kernels->save_cache();  // with those before and after the network
    return active;
}

// Takes no memory, so that a load that had none ends as well as any other.
void Loader::finish(uint32_t id, Result<std::shared_ptr<ActiveModel>> loaded) {
    if (!loaded.ok()) {
        health_.report(loaded.error());
        host_.write(LogLevel::error, loaded.error().message);
        const std::lock_guard lock(mutex_);
        fail(*find(id), std::move(loaded).error());
        changed_.notify_all();
        return;
    }
    std::shared_ptr<ActiveModel> active = std::move(loaded).value();
    const std::string message = std::move(active->ready);
    const Card &card = active->model->card();
    {
        const std::lock_guard lock(mutex_);
        Record &record = *find(id);
        sac_model_info &info = record.info;
        info.input_width = card.input.width;
        info.input_height = card.input.height;
        info.label_count = static_cast<uint32_t>(card.labels.size());
        info.dispatch_count = active->model->session().dispatch_count();
        info.score_threshold = card.score_threshold;
        info.iou_threshold = card.nms_iou;
        copy_text(info.name, card.name);
        copy_text(info.task, card.task);
        info.load_ms = static_cast<float>(now_ns() - record.requested_ns) * 1e-6f;
        info.state = SAC_MODEL_READY;
        if (current_)
            if (Record *before = find(current_->id)) before->info.state = SAC_MODEL_REPLACED;
        current_.swap(active);
        changed_.notify_all();
    }
    host_.write(LogLevel::info, message);
    // The model before this one goes here, or at the end of the frame that still uses it.
    active.reset();
    runtime_.retire->collect();
}

std::shared_ptr<ActiveModel> Loader::current() const {
    const std::lock_guard lock(mutex_);
    return current_;
}

Result<bool> Loader::usable() const {
    const std::lock_guard lock(mutex_);
    if (current_) return true;
    if (records_.empty())
        return Error(Code::invalid_state, "no model was asked for: call load_model before submit_frame");
    const Record &newest = records_.back();
    if (newest.info.state == SAC_MODEL_LOADING) return false;
    return Error(Code::invalid_state, "no model could be loaded: " + newest.error->message);
}

const Loader::Record *Loader::find(uint32_t id) const {
    if (id == 0) return records_.empty() ? nullptr : &records_.back();
    const auto record =
        std::find_if(records_.begin(), records_.end(), [&](const Record &r) { return r.info.id == id; });
    return record == records_.end() ? nullptr : &*record;
}

Result<sac_model_info> Loader::info(uint32_t id) const {
    const std::lock_guard lock(mutex_);
    const Record *record = find(id);
    if (!record) return Error(Code::not_found, format("there is no model with the id %u, or it is too long ago", id));
    return record->info;
}

Result<bool> Loader::wait(uint32_t id, uint32_t timeout_ms) const {
    std::unique_lock lock(mutex_);
    const Record *record = find(id);
    if (!record) return Error(Code::not_found, format("there is no model with the id %u, or it is too long ago", id));
    id = record->info.id;
    const auto done = [&] {
        record = find(id);
        return stop_ || !record || record->info.state != SAC_MODEL_LOADING;
    };
    if (!changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), done)) return false;
    if (record && record->error) return *record->error;
    if (record && record->info.state != SAC_MODEL_LOADING) return true;
    if (stop_) return Error(Code::cancelled, "the context is being destroyed");
    return Error(Code::not_found, format("the model with the id %u is too long ago", id));
}

uint32_t Loader::loading() const {
    const std::lock_guard lock(mutex_);
    return static_cast<uint32_t>(std::count_if(
        records_.begin(), records_.end(), [](const Record &record) { return record.info.state == SAC_MODEL_LOADING; }));
}

}  // namespace sac::vision
