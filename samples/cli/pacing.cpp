// saccade pacing: what a renderer's frames take beside the plugin, which shares its device and queue.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>

#include <nlohmann/json.hpp>

#include "compute/base/format.h"
#include "engine/scene/scene_renderer.h"
#include "engine/scene/truth.h"
#include "samples/cli/command.h"
#include "samples/cli/models.h"
#include "samples/cli/progress.h"
#include "samples/cli/source.h"
#include "samples/cli/statistics.h"

namespace sac::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr Option own_options[] = {
    {"--budget", "US", "microseconds of GPU time a host frame (may be repeated; default 2000, 4000, 8000)",
     Option::Kind::count, 50, 1e6, true},
    {"--rate", "R", "host frames a second (default 60)", Option::Kind::count, 1, 1000},
    {"--seconds", "S", "that each setting is measured for, after as long again up to 3 (default 5)",
     Option::Kind::number, 0.1, 3600},
    {"--size", "WxH", "of the scene that is drawn (default 320x240)", Option::Kind::size, 16, 4096},
    {"--no-governor", nullptr, "budgets stay as they are, whatever frames take", Option::Kind::flag},
    {"--json", nullptr, "one line of JSON a setting", Option::Kind::flag},
};
constexpr auto options = with_model_options(own_options);

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

/// A renderer with a device of its own, and the plugin on that device and its queue.
class Host {
public:
    static Result<std::unique_ptr<Host>> create(const Arguments &arguments, uint32_t width, uint32_t height);
    ~Host() {
        if (context_.id) api.destroy_context(context_);
    }
    Host(const Host &) = delete;
    Host &operator=(const Host &) = delete;

    Status check(sac_result result) const {
        if (result >= 0) return {};
        char text[1024] = "";
        api.get_last_error(context_, text, sizeof text);
        return Error(static_cast<Code>(result), text);
    }
    /// Draws the scene at a time, and waits for it as presenting would.
    Status draw(double seconds) { return renderer_->render(scene_.at(seconds), &picture, nullptr); }
    sac_context context() const { return context_; }
    Status validation_status() const {
        if (!validation_messages_) return {};
        return Error(Code::internal, "the validation layer complained; its messages are above");
    }
    const std::string &device_name() const { return device_->caps().name; }

    sac_api api = {.size = sizeof(sac_api)};
    engine::Image picture;

private:
    Host() = default;

    std::atomic<uint64_t> validation_messages_ = 0;
    std::mutex queue_;
    std::unique_ptr<vk::Device> owner_, device_;
    std::unique_ptr<vk::Memory> memory_;
    std::unique_ptr<engine::SceneRenderer> renderer_;
    engine::Scene scene_;
    sac_host table_ = {};
    sac_context context_ = {};
};

Result<std::unique_ptr<Host>> Host::create(const Arguments &arguments, uint32_t width, uint32_t height) {
    std::unique_ptr<Host> self(new Host);
    vk::DeviceOptions wanted;
    wanted.which = arguments.text("--device");
    wanted.validation = validation_wanted();
    wanted.on_validation_message = [host = self.get()](const char *message) {
        ++host->validation_messages_;
        std::fprintf(stderr, "saccade: %s\n", message);
    };
    SAC_ASSIGN(self->owner_, vk::Device::create(wanted));
    // The same device once more, with a queue lock that the plugin can take as well.
    const vk::Device &owner = *self->owner_;
    VkPhysicalDeviceVulkan12Features timeline = {};
    timeline.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
    timeline.timelineSemaphore = VK_TRUE;
    VkPhysicalDeviceFeatures2 features = {};
    features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    features.pNext = &timeline;
    vk::HostDevice host;
    SAC_ASSIGN(host.get_instance_proc_addr, vk::open_system_loader());
    host.instance = owner.instance();
    host.physical_device = owner.physical_device();
    host.device = owner.handle();
    host.enabled_features = &features;
    host.queue = owner.queue();
    host.queue_family = owner.queue_family();
    host.queue_lock = {[](void *user) { static_cast<std::mutex *>(user)->lock(); },
                       [](void *user) { static_cast<std::mutex *>(user)->unlock(); }, &self->queue_};
    SAC_ASSIGN(self->device_, vk::Device::adopt(host));
    self->memory_ = std::make_unique<vk::Memory>(*self->device_);
    engine::SceneRendererOptions size = {width, height};
    size.smooth_edges = !owner.caps().is_cpu;
    SAC_ASSIGN(self->renderer_, engine::SceneRenderer::create(*self->device_, *self->memory_, size));
    SAC_ASSIGN(self->scene_, engine::make_clear_scene(7, size, *self->renderer_));
    SAC_TRY(self->draw(0));

    if (sac_get_api(SAC_MAJOR, &self->api) != SAC_OK || !self->api.set_budget)
        return Error(Code::unsupported, "the plugin is of another version than this program");
    self->table_.type = SAC_TYPE_HOST;
    self->table_.size = sizeof(sac_host);
    self->table_.user = &self->queue_;
    self->table_.log = [](void *, int32_t level, const char *message) {
        if (level >= SAC_LOG_WARNING) std::fprintf(stderr, "saccade: %s\n", message);
    };
    self->table_.lock_queue = host.queue_lock.lock;
    self->table_.unlock_queue = host.queue_lock.unlock;
    sac_vk_device shared = {.type = SAC_TYPE_VK_DEVICE, .size = sizeof shared};
    shared.mode = SAC_MODE_SHARED_QUEUE;
    shared.vulkan_version = VK_API_VERSION_1_2;
    shared.get_instance_proc_addr = reinterpret_cast<sac_proc>(host.get_instance_proc_addr);
    shared.instance = host.instance;
    shared.physical_device = host.physical_device;
    shared.device = host.device;
    shared.enabled_features = &features;
    shared.queue_family = shared.own_queue_family = host.queue_family;
    shared.own_queue_index = SAC_NO_QUEUE;
    sac_context_desc desc = {.type = SAC_TYPE_CONTEXT_DESC, .size = sizeof desc};
    desc.host = &self->table_;
    desc.device = &shared;
    SAC_TRY(self->check(self->api.create_context(&desc, &self->context_)));
    return self;
}

Status load(const Host &host, const ModelChoice &choice) {
    const Waiting waiting("loading the model");
    sac_model_desc model = {.type = SAC_TYPE_MODEL_DESC, .size = sizeof model};
    model.folder = choice.folder.c_str();
    model.weights = choice.weights.empty() ? nullptr : choice.weights.c_str();
    model.flags = choice.half ? uint32_t{SAC_MODEL_FP16} : 0;
    uint32_t id = 0;
    SAC_TRY(host.check(host.api.load_model(host.context(), &model, &id)));
    const sac_result loaded = host.api.wait_model(host.context(), id, 120'000);
    return loaded == SAC_TIMEOUT ? Error(Code::cancelled, "the model is not loaded after two minutes")
                                 : host.check(loaded);
}

struct Setting {
    std::string name;
    bool vision = true;
    uint32_t budget_us = 0;
};

/// Times in milliseconds; `over` is slice / granted - 1, by what was granted when the slice began.
struct Measured {
    std::vector<double> frames, answers, over;
    uint64_t late = 0;
    double seconds = 0, slices = 0;
};

Result<Measured> measure(Host &host, const Setting &setting, const Arguments &arguments) {
    const auto rate = static_cast<double>(arguments.count("--rate", 60));
    const double seconds = arguments.number("--seconds", 5), warm_up = std::min(seconds, 3.0);
    const Clock::duration period = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / rate));
    sac_budget budget = {.type = SAC_TYPE_BUDGET, .size = sizeof budget};
    budget.budget_us = setting.budget_us;
    budget.least_us = arguments.has("--no-governor") ? setting.budget_us : 0;
    budget.host_frame_us = static_cast<uint32_t>(1e6 / rate);
    SAC_TRY(host.check(host.api.set_budget(host.context(), &budget)));

    Measured measured;
    sac_budget_state state = {.type = SAC_TYPE_BUDGET_STATE, .size = sizeof state};
    uint64_t seen = 0, slices = 0;
    double granted = setting.budget_us;
    const Clock::time_point begun = Clock::now(), counted = begun + std::chrono::duration_cast<Clock::duration>(
                                                                        std::chrono::duration<double>(warm_up));
    Clock::time_point next = begun;
    for (uint64_t frame = 0;; ++frame) {
        std::this_thread::sleep_until(next);
        const Clock::time_point start = Clock::now();
        if (start > counted + std::chrono::duration<double>(seconds) && !measured.frames.empty()) break;
        const bool counts = start >= counted;
        SAC_TRY(host.check(host.api.get_budget_state(host.context(), &state)));
        const bool finished = state.slices > slices, idle = state.slices == 0;
        if (setting.budget_us && finished && counts)
            measured.over.push_back(static_cast<double>(state.slice_us) / granted - 1);
        slices = state.slices;
        SAC_TRY(host.check(host.api.host_frame(host.context(), 0)));
        // The next slice begins with what this frame leaves it; one that still runs keeps what it began with.
        SAC_TRY(host.check(host.api.get_budget_state(host.context(), &state)));
        if (finished || idle) granted = state.granted_us;
        SAC_TRY(host.draw(static_cast<double>(frame) / rate));
        const Clock::time_point done = Clock::now();
        if (setting.vision) {
            sac_frame given = {.type = SAC_TYPE_FRAME, .size = sizeof given};
            given.frame_id = frame;
            given.width = host.picture.width;
            given.height = host.picture.height;
            given.format = SAC_FORMAT_RGBA8;
            given.planes[0] = host.picture.pixels.data();
            given.strides[0] = 4 * host.picture.width;
            SAC_TRY(host.check(host.api.submit_frame(host.context(), &given)));
            const sac_snapshot *snapshot = nullptr;
            SAC_TRY(host.check(host.api.acquire_result(host.context(), seen, &snapshot)));
            if (snapshot) {
                seen = snapshot->sequence;
                const auto *in_slices = static_cast<const sac_slices *>(snapshot->next);
                if (counts) {
                    measured.answers.push_back(static_cast<double>(snapshot->finished_ns - snapshot->submitted_ns) *
                                               1e-6);
                    measured.slices += in_slices ? in_slices->count : 1;
                }
                SAC_TRY(host.check(host.api.release_result(host.context(), snapshot)));
            }
        }
        if (counts) {
            measured.frames.push_back(milliseconds(done - start));
            if (done - start > period) ++measured.late;
        }
        // As with a display: a frame that is late is shown a whole period later.
        do next += period;
        while (next < done);
    }
    measured.seconds = seconds;
    budget.budget_us = budget.least_us = 0;  // what is under way ends at once
    SAC_TRY(host.check(host.api.set_budget(host.context(), &budget)));
    for (sac_statistics now = {.type = SAC_TYPE_STATISTICS, .size = sizeof now};;) {
        SAC_TRY(host.check(host.api.get_statistics(host.context(), &now)));
        if (now.finished + now.dropped_newer + now.dropped_failed == now.submitted) return measured;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void print(const Setting &setting, const Measured &m, const std::string &device, bool json) {
    const double share = m.frames.empty() ? 0 : static_cast<double>(m.late) / static_cast<double>(m.frames.size());
    const double answers = static_cast<double>(m.answers.size()) / m.seconds;
    const double slices = m.answers.empty() ? 0 : m.slices / static_cast<double>(m.answers.size());
    if (json) {
        const nlohmann::ordered_json line = {{"setting", setting.name},
                                             {"device", device},
                                             {"budget_us", setting.budget_us},
                                             {"frames", m.frames.size()},
                                             {"frame_median_ms", median(m.frames)},
                                             {"frame_p99_ms", percentile(m.frames, 0.99)},
                                             {"frame_max_ms", percentile(m.frames, 1)},
                                             {"late", share},
                                             {"answers_a_second", answers},
                                             {"latency_median_ms", median(m.answers)},
                                             {"slices_a_frame", slices},
                                             {"slices", m.over.size()},
                                             {"over_budget_median", median(m.over)},
                                             {"over_budget_p99", percentile(m.over, 0.99)}};
        std::printf("%s\n", line.dump().c_str());
        return;
    }
    std::printf("%-14s %8.2f %8.2f %8.2f %6.1f%% %9.1f %9.1f", setting.name.c_str(), median(m.frames),
                percentile(m.frames, 0.99), percentile(m.frames, 1), 100 * share, answers, median(m.answers));
    if (setting.budget_us)
        std::printf(" %8.1f %+8.0f%% %+8.0f%%", slices, 100 * median(m.over), 100 * percentile(m.over, 0.99));
    std::printf("\n");
    std::fflush(stdout);
}

Status run(const Arguments &arguments) {
    uint32_t width = 320, height = 240;
    SAC_TRY(read_size(arguments, "--size", 16, 4096, width, height));
    SAC_ASSIGN(const Model model, choose_model(arguments));
    SAC_ASSIGN(const std::unique_ptr<Host> host, Host::create(arguments, width, height));
    SAC_TRY(load(*host, model.choice));
    std::vector<Setting> settings = {{"off", false, 0}};
    std::vector<std::string> budgets = arguments.all("--budget");
    if (budgets.empty()) budgets = {"2000", "4000", "8000"};
    for (const std::string &budget : budgets)
        settings.push_back({budget + " us", true, static_cast<uint32_t>(std::stoul(budget))});
    settings.push_back({"whole network", true, 0});
    const bool json = arguments.has("--json");
    if (!json)
        std::printf(
            "%s; a scene of %u x %u drawn %llu times a second, the network on the same queue\n"
            "%-14s %8s %8s %8s %7s %9s %9s %8s %9s %9s\n",
            host->device_name().c_str(), width, height, static_cast<unsigned long long>(arguments.count("--rate", 60)),
            "plugin", "frame", "p99", "max", "late", "answers/s", "latency", "slices", "over", "p99");
    for (const Setting &setting : settings) {
        SAC_ASSIGN(const Measured measured, measure(*host, setting, arguments));
        print(setting, measured, host->device_name(), json);
    }
    return host->validation_status();
}

}  // namespace

const Command pacing_command = {
    "pacing",
    "[options]",
    "measures a renderer's frame times beside the plugin",
    "Without the plugin, with each budget, and with the network submitted at once. Frame times in milliseconds from "
    "the\n"
    "beginning of a host frame until it is drawn; late ones take longer than a period. Slices: how many an answer "
    "took,\n"
    "and how far they were over what they were granted, in the median and at the 99th percentile.\n",
    options,
    0,
    0,
    run};

}  // namespace sac::cli
