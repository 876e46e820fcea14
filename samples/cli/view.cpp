// saccade view: pictures and videos in a window, with what is found in them.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>

#include "compute/base/format.h"
#include "engine/canvas.h"
#include "engine/io/source.h"
#include "engine/viewer.h"
#include "samples/cli/command.h"
#include "samples/cli/models.h"
#include "samples/cli/output.h"

namespace sac::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto options = with_model_options({
    {"--size", "WxH", "size of the window (default: the first picture's, within 1280x720)"},
    {"--frames", "N", "close after N frames were shown", Option::Kind::count, 1, 1e9},
    {"--screenshot", "FILE", "save what the window shows at the end (.png, .jpg)"},
    {"--out", "FILE", "save the last annotated frame in the source's size (.png, .jpg)"},
    {"--json", nullptr, "one line of JSON on stdout for each frame that was looked at", Option::Kind::flag},
});

// Frames of several sources one after another: videos at their own pace, a picture until the next is asked for.
class Player {
public:
    explicit Player(std::vector<std::string> paths) : paths_(std::move(paths)) {}

    // The next frame if it is due; nothing if the present one stays.
    Result<std::optional<engine::Frame>> next(Clock::time_point now) {
        if (!source_ && !finished_) SAC_TRY(open_next());
        if (finished_ || (is_picture() && picture_shown_)) return std::optional<engine::Frame>();
        if (!waiting_) {
            SAC_ASSIGN(waiting_, source_->next());
            if (!waiting_) {
                if (const std::string remark = source_->remark(); !remark.empty())
                    std::fprintf(stderr, "saccade view: %s\n", remark.c_str());
                source_.reset();
                return std::optional<engine::Frame>();
            }
        }
        if (!started_) {
            started_ = now;
            first_timestamp_ = waiting_->timestamp_ns;
        }
        if (now < *started_ + std::chrono::nanoseconds(waiting_->timestamp_ns - first_timestamp_))
            return std::optional<engine::Frame>();
        picture_shown_ = true;
        return std::exchange(waiting_, std::nullopt);
    }
    // On to the next picture, or the next source.
    void skip() {
        picture_shown_ = false;
        if (source_ && source_->kind() == engine::Source::Kind::video && at_ < paths_.size()) source_.reset();
    }
    bool is_picture() const { return source_ && source_->kind() != engine::Source::Kind::video; }
    bool finished() const { return finished_; }

private:
    Status open_next() {
        waiting_.reset();
        started_.reset();
        picture_shown_ = false;
        finished_ = at_ == paths_.size();
        if (finished_) return {};
        SAC_ASSIGN(source_, engine::Source::open(paths_[at_++]));
        return {};
    }

    std::vector<std::string> paths_;
    size_t at_ = 0;
    std::unique_ptr<engine::Source> source_;
    std::optional<engine::Frame> waiting_;
    std::optional<Clock::time_point> started_;
    int64_t first_timestamp_ = 0;
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

Result<VkExtent2D> window_size(const Arguments &arguments, const engine::Frame &first) {
    if (arguments.has("--size")) {
        unsigned width = 0, height = 0;
        char rest = 0;
        const std::string text = arguments.text("--size");
        if (std::sscanf(text.c_str(), "%ux%u%c", &width, &height, &rest) != 2 || width < 16 || height < 16 ||
            width > 16384 || height > 16384)
            return Error(Code::invalid_argument, "--size wants WIDTHxHEIGHT, such as 1280x720, not '" + text + "'");
        return VkExtent2D{width, height};
    }
    const double scale = std::min({1.0, 1280.0 / first.width, 720.0 / first.height});
    return VkExtent2D{std::max(16u, static_cast<uint32_t>(first.width * scale)),
                      std::max(16u, static_cast<uint32_t>(first.height * scale))};
}

class View {
public:
    View(const Arguments &arguments, Model &model)
        : arguments_(arguments), model_(model), player_(arguments.others()) {}

    Status run() {
        // The first frame is read before anything is opened: a wrong path is told at once.
        SAC_ASSIGN(std::optional<engine::Frame> frame, player_.next(Clock::now()));
        if (!frame) return Error(Code::invalid_file, arguments_.others()[0] + ": has no frames");
        SAC_ASSIGN(const VkExtent2D size, window_size(arguments_, *frame));
        SAC_ASSIGN(vision_, Vision::create(arguments_.text("--device")));
        SAC_TRY(vision_->load(model_.choice));
        SAC_TRY(open_window(size));

        const uint64_t most = arguments_.count("--frames", UINT64_MAX);
        while (!viewer_->window().should_close() && viewer_->presented() + 1 < most) {
            SAC_TRY(step(frame));
            SAC_ASSIGN(frame, player_.next(Clock::now()));
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
        if (answer_.frame_id != submitted_) {
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
    engine::Overlay overlay_;
    std::pair<std::string, uint64_t> sources_[64];  // of the last frames, by id: an answer is never further behind
    Rate rate_;
    double frames_a_second_ = 0;
};

Status run(const Arguments &arguments) {
    for (const char *option : {"--screenshot", "--out"})
        if (arguments.has(option) && !engine::can_write_image(arguments.text(option)))
            return Error(Code::invalid_argument,
                         std::string(option) + " wants a .png or .jpg, not " + arguments.text(option));
    SAC_ASSIGN(Model model, choose_model(arguments));
    return View(arguments, model).run();
}

}  // namespace

const Command view_command = {
    "view",
    "[options] SOURCE...",
    "shows pictures and videos in a window with what is found in them",
    "Escape or q closes the window, the space bar goes on to the next picture or source.\n"
    "Without a display it can be run under xvfb-run, with --frames and --screenshot or --out.\n",
    options,
    1,
    SIZE_MAX,
    run};

}  // namespace sac::cli
