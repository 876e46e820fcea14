// saccade view: sources in a window, with what is found in them.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>

#include "compute/base/format.h"
#include "engine/canvas.h"
#include "engine/viewer.h"
#include "samples/cli/command.h"
#include "samples/cli/models.h"
#include "samples/cli/output.h"
#include "samples/cli/source.h"

namespace sac::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto options = with_source_options(with_model_options({
    {"--size", "WxH", "size of the window (default: the first frame's, within 1280x720)", Option::Kind::size, 16,
     16384},
    {"--frames", "N", "close after N frames were shown", Option::Kind::count, 1, 1e9},
    {"--screenshot", "FILE", "save what the window shows at the end (.png, .jpg)"},
    {"--out", "FILE", "save the last annotated frame in the source's size (.png, .jpg)"},
    {"--json", nullptr, "one line of JSON on stdout for each frame that was looked at", Option::Kind::flag},
    {"--track", nullptr, "follow objects: the same id and color in one frame after another", Option::Kind::flag},
}));

// Frames of several sources one after another: what moves at its own pace, a picture until the next is asked for.
class Player {
public:
    Player(std::vector<std::string> names, engine::SourceOptions how)
        : names_(std::move(names)), options_(std::move(how)) {}

    // The next frame if it is due; nothing if the present one stays. `patient`: a frame that will come is waited for.
    Result<std::optional<engine::Frame>> next(bool patient = false) {
        while (!finished_) {
            if (!feed_) SAC_TRY(start_next());
            if (finished_ || (is_picture() && picture_shown_)) break;
            const engine::Feed::Status status = feed_->status();
            const bool wait = patient && !feed_->is_live();
            auto frame = wait ? feed_->wait_until(Clock::time_point::max()) : feed_->poll();
            for (const std::string &message : feed_->take_messages())
                std::fprintf(stderr, "saccade view: %s\n", message.c_str());
            if (frame) {
                kind_ = feed_->status().kind;
                picture_shown_ = true;
                return frame;
            }
            if (status.state == engine::Feed::State::failed) return status.error;
            if (status.state == engine::Feed::State::ended) feed_.reset();
            if (!wait) break;
        }
        return std::optional<engine::Frame>();
    }
    // On to the next picture, or the next source.
    void skip() {
        picture_shown_ = false;
        if (feed_ && !is_picture() && at_ < names_.size()) feed_.reset();
    }
    bool is_picture() const { return feed_ && kind_ && engine::is_still(*kind_); }
    bool finished() const { return finished_; }
    // Empty while all is well.
    std::string trouble() const { return feed_ ? feed_->status().text(feed_->name()) : std::string(); }

private:
    Status start_next() {
        picture_shown_ = false;
        kind_.reset();
        finished_ = at_ == names_.size();
        if (finished_) return {};
        SAC_ASSIGN(const engine::SourceName name, engine::SourceName::parse(names_[at_++]));
        feed_ = engine::Feed::start(name, options_);
        return {};
    }

    std::vector<std::string> names_;
    engine::SourceOptions options_;
    size_t at_ = 0;
    std::unique_ptr<engine::Feed> feed_;
    std::optional<engine::Source::Kind> kind_;
    bool picture_shown_ = false, finished_ = false;
};

// Frames a second over the last second.
class Rate {
public:
    double tick(Clock::time_point now) {
        ++frames_;
        const double seconds = std::chrono::duration<double>(now - since_).count();
        if (seconds >= 1) {
            rate_ = frames_ / seconds;
            frames_ = 0;
            since_ = now;
        }
        return rate_;
    }

private:
    Clock::time_point since_ = Clock::now();
    int frames_ = 0;
    double rate_ = 0;
};

// Without a frame so far: the size that is asked for, or that of most cameras.
Result<VkExtent2D> window_size(const Arguments &arguments, const std::optional<engine::Frame> &first) {
    VkExtent2D size = {640, 480};
    if (first) size = {first->upright_width(), first->upright_height()};
    const double scale = std::min({1.0, 1280.0 / size.width, 720.0 / size.height});
    size = {std::max(16u, static_cast<uint32_t>(size.width * scale)),
            std::max(16u, static_cast<uint32_t>(size.height * scale))};
    SAC_TRY(read_size(arguments, "--size", 16, 16384, size.width, size.height));
    return size;
}

class View {
public:
    View(const Arguments &arguments, Model &model, engine::SourceOptions source)
        : arguments_(arguments), model_(model), player_(arguments.others(), std::move(source)) {}

    Status run() {
        // The first frame is read before anything is opened: a wrong path is told at once. A camera has time until the
        // model is loaded, and is not waited for.
        SAC_ASSIGN(std::optional<engine::Frame> frame, player_.next(true));
        if (player_.finished()) return Error(Code::invalid_file, arguments_.others()[0] + ": has no frames");
        SAC_TRY(window_size(arguments_, frame));
        SAC_ASSIGN(vision_, Vision::create(arguments_.text("--device")));
        SAC_TRY(vision_->load(model_.choice));
        if (!frame) { SAC_ASSIGN(frame, player_.next()); }
        SAC_ASSIGN(const VkExtent2D size, window_size(arguments_, frame));
        SAC_TRY(open_window(size));

        const uint64_t most = arguments_.count("--frames", UINT64_MAX);
        while (!viewer_->window().should_close() && viewer_->presented() + 1 < most) {
            SAC_TRY(step(frame));
            SAC_ASSIGN(frame, player_.next());
        }
        return finish(frame);
    }

private:
    Status open_window(VkExtent2D size) {
        engine::WindowOptions window;
        window.width = size.width;
        window.height = size.height;
        window.title = "Saccade: " + std::string(vision_->model().name);
        vk::DeviceOptions device;
        device.which = arguments_.text("--device");
        device.validation = validation_wanted();
        device.on_validation_message = [this](const char *message) {
            std::fprintf(stderr, "saccade: %s\n", message);
            ++validation_messages_;
        };
        SAC_ASSIGN(viewer_, engine::Viewer::create(window, device));
        viewer_->window().on_key([this](engine::Key key) {
            if (key == engine::Key::escape || key == engine::Key::q) viewer_->window().close();
            if (key == engine::Key::space) player_.skip();
        });
        return {};
    }

    Status look_at(std::optional<engine::Frame> &frame) {
        if (!frame) return {};
        if (arguments_.has("--track") && frame->source != shown_.source) SAC_TRY(vision_->track());
        shown_ = *frame;
        SAC_TRY(vision_->submit(shown_, ++submitted_));
        sources_[submitted_ % std::size(sources_)] = {shown_.source, shown_.index};
        return {};
    }

    void take(Answer answer) {
        answer_ = std::move(answer);
        overlay_ = to_overlay(answer_.detections);
        const auto &[source, index] = sources_[answer_.frame_id % std::size(sources_)];
        if (arguments_.has("--json"))
            std::printf("%s\n", json_line(source, index, answer_.detections).c_str());
        else if (player_.is_picture())
            std::printf("%s\n", text_lines(source, index, false, answer_.detections).c_str());
    }

    void write_status() {
        overlay_.status.clear();
        if (std::string trouble = player_.trouble(); !trouble.empty()) overlay_.status.push_back(std::move(trouble));
        if (model_.seeded()) overlay_.status.push_back("random weights: the boxes mean nothing");
        std::string line = vision_->model().name;
        if (answer_.sequence) line += format("  %.1f ms", answer_.gpu_ms > 0 ? answer_.gpu_ms : answer_.latency_ms);
        if (frames_a_second_ > 0) line += format("  %.0f frames/s", frames_a_second_);
        overlay_.status.push_back(line);
    }

    // One round of the window: events, a frame if there is a new one, what was found meanwhile, drawing.
    Status step(std::optional<engine::Frame> &frame) {
        viewer_->window().poll();
        SAC_TRY(look_at(frame));
        SAC_ASSIGN(std::optional<Answer> answer, vision_->poll(answer_.sequence));
        const bool news = frame || answer;
        if (answer) take(std::move(*answer));
        write_status();
        SAC_ASSIGN(const bool shown, viewer_->show(frame ? &*frame : nullptr, overlay_));
        if (shown) frames_a_second_ = rate_.tick(Clock::now());
        // Nothing moves: no need to draw all the time. Without an area there is nothing to draw on.
        const bool counting = arguments_.has("--frames");
        if (!shown || (!news && !counting)) viewer_->window().wait(0.02);
        return {};
    }

    // The last frame with its own answer, saved where that is wanted.
    Status finish(std::optional<engine::Frame> &frame) {
        SAC_TRY(look_at(frame));
        if (submitted_ > 0 && answer_.frame_id != submitted_) {
            SAC_ASSIGN(Answer answer, vision_->wait(submitted_));
            take(std::move(answer));
        }
        write_status();
        engine::Image capture;
        const bool save = arguments_.has("--screenshot");
        SAC_ASSIGN(const bool visible, viewer_->show(frame ? &*frame : nullptr, overlay_, save ? &capture : nullptr));
        if (save) {
            if (!visible)
                return Error(Code::invalid_state, "the window is minimised: there is nothing for a screenshot");
            SAC_TRY(engine::write_image(arguments_.text("--screenshot"), capture));
            std::fprintf(stderr, "saccade view: screenshot: %s\n", arguments_.text("--screenshot").c_str());
        }
        if (arguments_.has("--out") && submitted_ == 0)
            return Error(Code::io_error, arguments_.others()[0] + ": gave no frame to be saved");
        if (arguments_.has("--out")) {
            SAC_ASSIGN(const auto canvas, engine::Canvas::create(viewer_->device(), viewer_->memory()));
            SAC_ASSIGN(const engine::Image annotated, canvas->draw(shown_, to_overlay(answer_.detections)));
            SAC_TRY(engine::write_image(arguments_.text("--out"), annotated));
            std::fprintf(stderr, "saccade view: annotated frame: %s\n", arguments_.text("--out").c_str());
        }
        std::fprintf(stderr, "saccade view: %llu frames shown, %llu looked at; %s; %s\n",
                     static_cast<unsigned long long>(viewer_->presented()),
                     static_cast<unsigned long long>(answer_.sequence),
                     model_.seeded() ? "random weights, so the boxes mean nothing" : vision_->model().name,
                     vision_->info().device_name);
        if (validation_messages_ > 0)
            return Error(Code::internal, "the validation layer complained about the window (see above)");
        return vision_->validation_status();
    }

    const Arguments &arguments_;
    Model &model_;
    Player player_;
    std::unique_ptr<Vision> vision_;
    std::atomic<uint64_t> validation_messages_ = 0;  // before the viewer, whose device reports to it until the end
    std::unique_ptr<engine::Viewer> viewer_;
    engine::Frame shown_;
    uint64_t submitted_ = 0;
    Answer answer_;
    overlay::Overlay overlay_;
    std::pair<std::string, uint64_t> sources_[64];  // of the last frames, by id: an answer is never further behind
    Rate rate_;
    double frames_a_second_ = 0;
};

Status run(const Arguments &arguments) {
    for (const char *option : {"--screenshot", "--out"})
        if (arguments.has(option) && !engine::can_write_image(arguments.text(option)))
            return Error(Code::invalid_argument,
                         std::string(option) + " wants a .png or .jpg, not " + arguments.text(option));
    for (const std::string &source : arguments.others()) SAC_TRY(engine::SourceName::parse(source));
    SAC_ASSIGN(engine::SourceOptions source, read_source_options(arguments));
    SAC_ASSIGN(Model model, choose_model(arguments));
    return View(arguments, model, std::move(source)).run();
}

}  // namespace

const Command view_command = {
    "view",
    "[options] SOURCE...",
    "shows pictures, videos, cameras and more in a window with what is found in them",
    "Escape or q closes the window, the space bar goes on to the next picture or source.\n"
    "Without a display it can be run under xvfb-run, with --frames and --screenshot or --out.\n"
    "A camera, the screen or a stream that is not there, or lost, is tried again while the window is "
    "open.\n" SACCADE_SOURCE_HELP,
    options,
    1,
    SIZE_MAX,
    run};

}  // namespace sac::cli
