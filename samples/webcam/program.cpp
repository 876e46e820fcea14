#include "samples/webcam/program.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <map>
#include <thread>

#include "compute/base/format.h"
#include "engine/canvas.h"
#include "engine/scene_source.h"
#include "engine/viewer.h"
#include "plugins/panel/panel.h"
#include "plugins/panel/ui/ui_textures.h"
#include "samples/cli/models.h"
#include "samples/cli/source.h"
#include "samples/cli/statistics.h"
#include "samples/webcam/handed_over.h"

namespace sac::webcam {

namespace {

using Clock = std::chrono::steady_clock;

// The folders of models that have their weights, the one in use first.
std::vector<std::string> find_models(const std::string &in_use) {
    std::vector<std::string> found = {in_use};
    std::error_code error;
    for (const auto &entry :
         std::filesystem::directory_iterator(std::filesystem::path(cli::assets_directory()) / "models", error)) {
        const std::string folder = entry.path().string();
        if (std::filesystem::exists(entry.path() / "model.onnx", error) && folder != in_use) found.push_back(folder);
    }
    std::sort(found.begin() + 1, found.end());
    return found;
}

// What a list shows: of a path the last name, of all else the whole.
std::string short_name(const std::string &name) {
    const std::string last = std::filesystem::path(name).filename().string();
    return last.empty() || name.find("://") != std::string::npos ? name : last;
}

class Program {
public:
    explicit Program(const cli::Arguments &arguments) : arguments_(arguments) {}

    Status run() {
        for (const char *option : {"--screenshot", "--out"})
            if (arguments_.has(option) && !engine::can_write_image(arguments_.text(option)))
                return Error(Code::invalid_argument,
                             std::string(option) + " wants a .png or .jpg, not " + arguments_.text(option));
        SAC_ASSIGN(source_options_, cli::read_source_options(arguments_));
        for (const std::string &name : arguments_.others()) {
            SAC_TRY(engine::SourceName::parse(name));
            names_.push_back(name);
        }
        for (const char *name : {"camera", "screen", "scene"})
            if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.emplace_back(name);
        for (const std::string &name : names_) host_.sources.push_back(short_name(name));
        SAC_ASSIGN(model_, cli::choose_model(arguments_));
        SAC_ASSIGN(vision_, cli::Vision::create(arguments_.text("--device")));
        SAC_TRY(vision_->load(model_.choice));
        if (arguments_.has("--track")) SAC_TRY(vision_->track());
        folders_ = find_models(model_.choice.folder);
        for (const std::string &folder : folders_) host_.models.push_back(short_name(folder));
        host_.model = 0;
        model_ids_[vision_->model().id] = 0;
        // Without a name on the command line the scene: it is there on every machine.
        const auto scene = std::find(names_.begin(), names_.end(), "scene") - names_.begin();
        SAC_TRY(open_source(arguments_.others().empty() ? static_cast<int>(scene) : 0));

        most_ = arguments_.count("--frames", UINT64_MAX);
        if (arguments_.has("--out") && arguments_.has("--frames") && !arguments_.has("--screenshot"))
            return run_without_window();
        SAC_TRY(open_window());
        const Status status = run_in_window();
        panel_.reset();  // before the textures and the window that they are in
        return status;
    }

private:
    Status open_source(int index) {
        SAC_ASSIGN(const engine::SourceName name, engine::SourceName::parse(names_[static_cast<size_t>(index)]));
        feed_ = engine::Feed::start(name, source_options_);
        host_.source = index;
        still_ = false;
        opened_ = Clock::now();
        answered_ = {};
        first_id_ = submitted_ + 1;
        handed_over_.clear();
        overlay_ = {};
        if (viewer_ && shown_.source != feed_->name()) viewer_->hide_picture();  // not where a video begins anew
        return {};
    }

    // Another frame to look at, if one is due. What ends begins anew; a still picture is looked at again and again.
    std::optional<engine::Frame> next_frame() {
        const engine::Feed::Status status = feed_->status();
        std::optional<engine::Frame> frame = feed_->poll();
        for (const std::string &message : feed_->take_messages()) std::fprintf(stderr, "webcam: %s\n", message.c_str());
        host_.message = status.state == engine::Feed::State::failed ? status.error.message : status.text(feed_->name());
        const Clock::time_point now = Clock::now();
        if (frame) {
            still_ = engine::is_still(feed_->status().kind);
            again_ = now + std::chrono::milliseconds(33);
            return frame;
        }
        if (status.state == engine::Feed::State::ended && !still_) {
            if (now - opened_ < std::chrono::milliseconds(500)) return std::nullopt;  // as good as empty: no hurry
            if (const Status opened = open_source(host_.source); !opened.ok()) host_.message = opened.error().message;
        } else if (still_ && shown_.width > 0 && now >= again_) {
            again_ = now + std::chrono::milliseconds(33);
            return shown_;
        }
        return std::nullopt;
    }

    Status look_at(const engine::Frame &frame) {
        if (frame.source != shown_.source) {  // a stranger is not to get the id of someone seen elsewhere
            if (panel_)
                panel_->forget_tracks();
            else if (arguments_.has("--track"))
                SAC_TRY(vision_->track());
        }
        shown_ = frame;
        const Clock::time_point before = Clock::now();
        const Status status = vision_->submit(shown_, ++submitted_);
        if (viewer_) handed_over_.add(submitted_, shown_);
        constexpr size_t most = 10000;  // the newest: memory does not grow with time
        if (submit_us_.size() < most) submit_us_.resize(submit_us_.size() + 1);
        submit_us_[(submitted_ - 1) % submit_us_.size()] =
            std::chrono::duration<double, std::micro>(Clock::now() - before).count();
        return status;
    }

    Result<bool> take_answer() {
        SAC_ASSIGN(auto answer, vision_->poll(answer_.sequence));
        if (!answer) return false;
        answer_ = std::move(*answer);
        overlay_ = cli::to_overlay(answer_.detections);
        last_answer_ = Clock::now();
        if (++answers_ == 1) first_answer_ = last_answer_;
        return true;
    }

    Status run_without_window() {
        while (answers_ < most_) {
            if (const auto frame = next_frame()) SAC_TRY(look_at(*frame));
            SAC_TRY(check_source());
            SAC_ASSIGN(const bool answered, take_answer());
            if (!answered) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        if (answer_.frame_id != submitted_) {
            SAC_ASSIGN(answer_, vision_->wait(submitted_));
            overlay_ = cli::to_overlay(answer_.detections);
        }
        vk::DeviceOptions options;
        options.which = arguments_.text("--device");
        options.validation = cli::validation_wanted();
        SAC_ASSIGN(const auto device, vk::Device::create(options));
        vk::Memory memory(*device);
        {
            SAC_ASSIGN(const auto canvas, engine::Canvas::create(*device, memory));
            SAC_TRY(save_annotated(*canvas));
        }
        tell();
        return vision_->validation_status();
    }

    Status save_annotated(engine::Canvas &canvas) {
        SAC_ASSIGN(const engine::Image image, canvas.draw(shown_, overlay_));
        return engine::write_image(arguments_.text("--out"), image);
    }

    void tell() const {
        const double seconds = std::chrono::duration<double>(last_answer_ - first_answer_).count();
        const sac_statistics counted = vision_->statistics();
        std::fprintf(
            stderr,
            "webcam: %llu frames submitted, %llu answers, %llu dropped for newer ones; %s\n"
            "webcam: %.1f answers a second, the newest %.1f ms after its frame; submit p50 %.0f us, p99 %.0f us\n",
            static_cast<unsigned long long>(counted.submitted), static_cast<unsigned long long>(counted.finished),
            static_cast<unsigned long long>(counted.dropped_newer), vision_->model_in_use().name,
            answers_ > 1 ? static_cast<double>(answers_ - 1) / seconds : 0, answer_.latency_ms,
            cli::percentile(submit_us_, 0.5), cli::percentile(submit_us_, 0.99));
    }

    Status open_window() {
        engine::WindowOptions window;
        window.width = 1280;
        window.height = 800;
        window.title = "Saccade";
        SAC_TRY(cli::read_size(arguments_, "--size", 320, 16384, window.width, window.height));
        vk::DeviceOptions device;
        device.which = arguments_.text("--device");
        device.validation = cli::validation_wanted();
        device.on_validation_message = [this](const char *message) {
            std::fprintf(stderr, "webcam: %s\n", message);
            ++validation_messages_;
        };
        SAC_ASSIGN(viewer_, engine::Viewer::create(window, device));
        SAC_ASSIGN(ui_, viewer_->ui());
        panel::apply_style(std::max(1.0f, viewer_->window().content_scale()));
        ImGui::GetIO().FontGlobalScale = std::max(1.0f, viewer_->window().content_scale());
        textures_ = std::make_unique<panel::UiTextures>(*ui_);
        panel_ = std::make_unique<panel::Panel>(vision_->api(), vision_->context(), *textures_,
                                                arguments_.text("--presets"));
        panel_->set_budget(static_cast<float>(arguments_.number("--budget", 33.3)));
        panel_->set_tracks(arguments_.has("--track"));
        panel_->open_part(arguments_.text("--part", "Overview"));
        panel_shown_ = !arguments_.has("--no-panel");
        if (arguments_.has("--full-screen")) viewer_->window().set_full_screen(true);
        viewer_->window().on_key([this](engine::Key key) {
            engine::Window &w = viewer_->window();
            if (key == engine::Key::f11) w.set_full_screen(!w.full_screen());
            if (key == engine::Key::f1) panel_shown_ = !panel_shown_;
            if (ui_->wants_keyboard()) return;  // someone is writing into a field
            if (key == engine::Key::escape || key == engine::Key::q) w.close();
        });
        return {};
    }

    void draw_panel(float seconds) {
        const VkExtent2D size = viewer_->window().framebuffer_size();
        ui_->begin(size, seconds);
        const auto width = static_cast<float>(size.width), height = static_cast<float>(size.height);
        if (!panel_shown_ || size.width == 0) {
            panel_->hide();
            viewer_->set_picture_area({});
            return;
        }
        const float side = std::min(width, std::max(480 * ImGui::GetIO().FontGlobalScale, width * 0.3f));
        host_.frame_ms = seconds * 1000;
        const auto in_use = model_ids_.find(vision_->statistics().model_id);
        if (in_use != model_ids_.end()) host_.model = in_use->second;
        viewer_->set_picture_area({0, 0, std::max(width - side, 1.0f), height});
        const panel::Wishes wishes = panel_->draw({width - side, 0, side, height}, host_);
        if (wishes.source >= 0) {
            if (const Status opened = open_source(wishes.source); !opened.ok()) host_.message = opened.error().message;
        }
        if (wishes.model >= 0) load(wishes.model);
    }

    // In the background: the model before goes on meanwhile, and if this one fails.
    void load(int index) {
        const std::string &folder = folders_[static_cast<size_t>(index)];
        sac_model_desc desc = {};
        desc.type = SAC_TYPE_MODEL_DESC;
        desc.size = sizeof desc;
        desc.folder = folder.c_str();
        if (folder == model_.choice.folder && !model_.choice.weights.empty())
            desc.weights = model_.choice.weights.c_str();
        desc.flags = model_.choice.half ? SAC_MODEL_FP16 : 0;
        uint32_t id = 0;
        if (vision_->api().load_model(vision_->context(), &desc, &id) == SAC_OK) model_ids_[id] = index;
    }

    // Whether to draw. Where the GPU is the CPU, each drawing is time that the network does not get: a new picture is
    // drawn, and what the user does for as long as it may take effect.
    bool due(bool picture, Clock::time_point now, Clock::time_point drawn) {
        using std::chrono::milliseconds;
        if (ui_->events() != events_) {
            events_ = ui_->events();
            busy_until_ = now + milliseconds(250);
        }
        const auto since = now - drawn;
        return picture || (now < busy_until_ && since >= milliseconds(16)) || since >= milliseconds(250);
    }

    // What to show from now on: the picture that a new answer is about, so that boxes lie where they were found, also
    // while the panel holds a frame; where no answers come, the source's pictures as they are.
    std::optional<engine::Frame> choose_picture(const std::optional<engine::Frame> &frame, bool answered,
                                                Clock::time_point now) {
        if (answered) {
            if (answer_.frame_id < first_id_) {  // of the source before
                overlay_.boxes.clear();
                return std::nullopt;
            }
            answered_ = now;
            const auto own = handed_over_.find(answer_.frame_id);
            return own ? own : shown_;
        }
        if (!frame || now - answered_ < std::chrono::seconds(1) || is_held()) return std::nullopt;
        overlay_.boxes.clear();
        return frame;
    }

    bool is_held() const {
        const auto debug = vision_->debug();
        sac_run_state state = {};
        state.type = SAC_TYPE_RUN_STATE;
        state.size = sizeof state;
        return debug && (*debug)->get_run_state(vision_->context(), &state) == SAC_OK && state.mode != SAC_RUN_LIVE;
    }

    // Where so many answers are asked for, nobody may be there to see that none can come.
    Status check_source() const {
        if (!arguments_.has("--frames")) return {};
        const engine::Feed::Status status = feed_->status();
        if (status.state == engine::Feed::State::failed) return status.error;
        constexpr std::chrono::seconds patience{15};
        if (submitted_ < first_id_ && Clock::now() - opened_ > patience)
            return Error(Code::io_error, format("%s: no picture came for %d seconds", feed_->name().c_str(),
                                                static_cast<int>(patience.count())));
        return {};
    }

    Status run_in_window() {
        Clock::time_point before = Clock::now();
        bool end = false;
        while (!end) {
            viewer_->window().poll();
            end = viewer_->window().should_close() || answers_ >= most_;
            const std::optional<engine::Frame> frame = next_frame();
            if (frame) SAC_TRY(look_at(*frame));
            SAC_ASSIGN(const bool answered, take_answer());
            const Clock::time_point now = Clock::now();
            SAC_TRY(check_source());
            const std::optional<engine::Frame> picture = choose_picture(frame, answered, now);
            if (!due(picture.has_value(), now, before) && !end) {
                viewer_->window().wait(0.004);
                continue;
            }
            draw_panel(std::chrono::duration<float>(now - before).count());
            overlay_.status.assign(host_.message.empty() ? 0 : 1, host_.message);
            before = now;
            engine::Image capture;
            const bool save = end && arguments_.has("--screenshot");
            SAC_ASSIGN(const bool shown,
                       viewer_->show(picture ? &*picture : nullptr, overlay_, save ? &capture : nullptr));
            if (save && shown) SAC_TRY(engine::write_image(arguments_.text("--screenshot"), capture));
            if (!shown) viewer_->window().wait(0.05);  // no area to draw on
        }
        if (arguments_.has("--out") && shown_.width > 0) {
            // With its own boxes; none come while the panel holds another frame.
            const Clock::time_point patience = Clock::now() + std::chrono::seconds(2);
            while (answer_.frame_id != submitted_ && Clock::now() < patience) {
                SAC_ASSIGN(const bool answered, take_answer());
                if (!answered) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
            SAC_ASSIGN(const auto canvas, engine::Canvas::create(viewer_->device(), viewer_->memory()));
            SAC_TRY(save_annotated(*canvas));
        }
        tell();
        if (validation_messages_ > 0)
            return Error(Code::internal, "the validation layer complained about the window (see above)");
        return vision_->validation_status();
    }

    const cli::Arguments &arguments_;
    cli::Model model_;
    engine::SourceOptions source_options_;
    std::unique_ptr<cli::Vision> vision_;
    std::unique_ptr<engine::Feed> feed_;
    std::atomic<uint64_t> validation_messages_ = 0;  // before the viewer, whose device reports to it until the end
    std::unique_ptr<engine::Viewer> viewer_;
    panel::Ui *ui_ = nullptr;
    std::unique_ptr<panel::UiTextures> textures_;
    std::unique_ptr<panel::Panel> panel_;
    panel::Host host_;
    std::vector<std::string> names_, folders_;  // of sources and models, as host_ has them in short
    std::map<uint32_t, int> model_ids_;         // the plugin's, to their place in folders_
    bool panel_shown_ = true;

    engine::Frame shown_;
    overlay::Overlay overlay_;
    cli::Answer answer_;
    uint64_t submitted_ = 0, answers_ = 0, most_ = UINT64_MAX, first_id_ = 1;  // the first of the source
    HandedOver handed_over_;
    Clock::time_point first_answer_, last_answer_;
    std::vector<double> submit_us_;  // that the newest calls of submit_frame took
    bool still_ = false;
    Clock::time_point opened_, answered_, again_, busy_until_;
    uint64_t events_ = 0;  // of the ui that were seen
};

}  // namespace

Status run(const cli::Arguments &arguments) { return Program(arguments).run(); }

}  // namespace sac::webcam
