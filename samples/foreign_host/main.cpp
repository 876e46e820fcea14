// foreign_host MODEL_FOLDER [IMAGE.png] [options]: the frame loop of an engine that has a Vulkan device of its own,
// with Saccade in it. The engine draws a scene; the plugin looks at that very image and draws its boxes into the
// engine's target; the render thread waits for neither. See README.md.

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>

#include "samples/foreign_host/plugin.h"
#include "samples/foreign_host/renderer.h"
#ifdef FOREIGN_HOST_WINDOW
#include "samples/foreign_host/window.h"
#endif

namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t width = 640, height = 480;
constexpr uint64_t frames_a_second = 60;  // where no display sets the pace

struct Arguments {
    std::vector<std::string> files;  // the model's folder, the picture
    std::string weights, out;
    uint32_t mode = SAC_MODE_OWN_QUEUE;
    uint64_t frames = 0;
    double budget_ms = 0;  // 0: none
    bool window = false, validation = false, help = false;
};

void print_usage(FILE *to) {
    std::fprintf(
        to,
        "usage: foreign_host MODEL_FOLDER [IMAGE.png] [options]\n"
        "  --mode own|shared|commands  the plugin has a queue of its own (if there are two), shares the\n"
        "                              host's, or records into the host's commands (default: own)\n"
        "  --budget MS                 what the network may take of each frame, up to 1000: it goes in slices\n"
        "                              (default: all at once)\n"
        "  --weights FILE              the network's ONNX file, if it is not in the model's folder\n"
        "  --window                    in a window, until it is closed (q) or --frames are over\n"
        "  --frames N                  so many frames once the model is loaded (default: 300)\n"
        "  --out FILE.png              saves the last frame, with the boxes that were found in it\n"
        "  --validation                under the Khronos validation layer; any message is a failure\n"
        "  --help                      this\n");
}

bool parse_count(const std::string &text, uint64_t &count) {
    char *end = nullptr;
    count = std::strtoull(text.c_str(), &end, 10);
    return !text.empty() && text[0] != '-' && *end == 0 && count > 0 && count <= 1'000'000'000;
}

bool parse_budget(const std::string &text, double &milliseconds) {
    char *end = nullptr;
    milliseconds = std::strtod(text.c_str(), &end);
    return !text.empty() && *end == 0 && milliseconds >= 0.001 && milliseconds <= 1000;
}

bool parse(const std::vector<std::string> &words, Arguments &arguments) {
    for (size_t i = 0; i < words.size(); ++i) {
        const std::string &option = words[i];
        if (option.empty() || option[0] != '-') {
            arguments.files.push_back(option);
            continue;
        }
        if (option == "--help") return arguments.help = true;
        if (option == "--validation" || option == "--window") {
            (option == "--window" ? arguments.window : arguments.validation) = true;
            continue;
        }
        if (++i == words.size()) return false;
        const std::string &value = words[i];
        if (option == "--weights")
            arguments.weights = value;
        else if (option == "--out")
            arguments.out = value;
        else if ((option == "--frames" && parse_count(value, arguments.frames)) ||
                 (option == "--budget" && parse_budget(value, arguments.budget_ms)))
            continue;
        else if (option == "--mode" && value == "own")
            arguments.mode = SAC_MODE_OWN_QUEUE;
        else if (option == "--mode" && value == "shared")
            arguments.mode = SAC_MODE_SHARED_QUEUE;
        else if (option == "--mode" && value == "commands")
            arguments.mode = SAC_MODE_HOST_COMMANDS;
        else
            return false;
    }
    if (arguments.frames == 0) arguments.frames = arguments.window ? UINT64_MAX : 300;
    return arguments.files.size() == 1 || arguments.files.size() == 2;
}

#ifndef FOREIGN_HOST_WINDOW
// Stands in where there is no GLFW.
class Window {
public:
    static HostOptions required() { throw HostError("--window: this program was built without GLFW"); }
    Window(VulkanHost &, uint32_t, uint32_t) {}
    bool poll() { return false; }
    Presentation record(const Frame &) { return {}; }
    void present(const Presentation &) {}
};
#endif

double milliseconds(Clock::duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

// The value below which that share of them lies; 0 if there are none.
double quantile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

/// The parts of the engine, in the order in which they need one another.
struct Engine {
    VulkanHost host;
    FrameRing ring{host, width, height};
    Renderer renderer;
    std::optional<Window> window;
    Plugin plugin;

    Engine(const HostOptions &options, const sac_api &sac, const Arguments &arguments, const Picture &picture)
        : host(options),
          renderer(host, ring, width, height, picture),
          plugin(sac, host, ring, {arguments.mode, width, height, arguments.files[0], arguments.weights}) {
        plugin.set_budget(arguments.budget_ms);
        if (arguments.window) window.emplace(host, width, height);
    }
    ~Engine() {
        const std::lock_guard lock(host.queue_mutex);
        host.vk.QueueWaitIdle(host.queue);  // then all of it may go
    }

    struct Drawn {
        const Frame &frame;
        bool handed_over, shown;
    };
    /// One frame: draws, has the plugin look at it if wanted, lays the newest result over it, shows it.
    Drawn draw(uint64_t number, const Camera &camera, const sac_snapshot *result, bool look) {
        Frame &frame = ring.begin();
        plugin.begin_frame();
        renderer.draw(frame, camera);
        plugin.draw_overlay(frame, result);
        const Presentation presentation = window ? window->record(frame) : Presentation{};
        const bool recorded =
            look && ring.may_hand_over() && plugin.hand_over(frame, number, number * 1'000'000'000 / frames_a_second);
        ring.submit(frame, presentation, recorded && plugin.records_commands());
        if (window) window->present(presentation);
        return {frame, plugin.last_taken() == number, presentation.rendered != VK_NULL_HANDLE};
    }
};

struct Measured {
    uint64_t frames = 0, handed_over = 0;
    double seconds = 0;
    Measurements thread_ms;  // of each frame: with a window the display's pace is in it, without one no pause
};

// Draws until the frames are over or the window is closed. They are counted from when the model is there: before, the
// scene is shown all the same.
Measured run_loop(Engine &engine, uint64_t frames) {
    Measured measured;
    Clock::time_point next = Clock::now(), began = next;
    while (measured.frames < frames && (!engine.window || engine.window->poll())) {
        const Clock::time_point start = Clock::now();
        const bool ready = engine.plugin.ready();
        if (!ready) began = start;
        const Camera camera = camera_at(static_cast<double>(measured.frames) / static_cast<double>(frames_a_second));
        const auto drawn = engine.draw(measured.frames, camera, engine.plugin.newest(), ready);
        measured.handed_over += drawn.handed_over ? 1 : 0;
        measured.frames += ready ? 1 : 0;
        if (ready) measured.thread_ms.add(milliseconds(Clock::now() - start));
        if (drawn.shown) continue;  // at the display's pace
        next = std::max(next + std::chrono::nanoseconds(1'000'000'000 / frames_a_second), Clock::now());
        std::this_thread::sleep_until(next);
    }
    measured.seconds = milliseconds(Clock::now() - began) * 1e-3;
    return measured;
}

void print(const Measured &measured, const Plugin &plugin) {
    const sac_statistics counts = plugin.statistics();
    std::printf("%" PRIu64 " frames in %.1f s, %.1f a second; the render thread's part of a frame %.2f ms, p99 %.2f\n",
                measured.frames, measured.seconds, static_cast<double>(measured.frames) / measured.seconds,
                quantile(measured.thread_ms.values(), 0.5), quantile(measured.thread_ms.values(), 0.99));
    std::printf("%" PRIu64 " handed over, which took %.3f ms, p99 %.3f; %" PRIu64 " results, %.1f ms old; %" PRIu64
                " dropped for newer ones, %" PRIu64 " failed\n",
                measured.handed_over, quantile(plugin.hand_over_ms(), 0.5), quantile(plugin.hand_over_ms(), 0.99),
                counts.finished, quantile(plugin.ages_ms(), 0.5), counts.dropped_newer, counts.dropped_failed);
    const sac_budget_state budget = plugin.budget_state();
    if (budget.budget_us)
        std::printf("%" PRIu64 " slices within %.2f ms each, %.2f at the end; %" PRIu64 " of %" PRIu64 " frames late\n",
                    budget.slices, budget.budget_us / 1e3, budget.granted_us / 1e3, budget.missed, budget.host_frames);
}

void run(const Arguments &arguments, std::atomic<uint32_t> *validation_messages) {
    const Picture picture = arguments.files.size() > 1 ? load_png(arguments.files[1]) : test_card();
    const sac_api sac = load_plugin();
    check_requirements(sac);
    HostOptions options = arguments.window ? Window::required() : HostOptions{};
    options.validation_messages = arguments.validation ? validation_messages : nullptr;
    Engine engine(options, sac, arguments, picture);
    std::printf("%s, %s\n", engine.host.device_name.c_str(), engine.plugin.mode_name());

    const Measured measured = run_loop(engine, arguments.frames);
    if (!engine.plugin.ready()) return;  // the window was closed before
    print(measured, engine.plugin);

    // In the loop boxes are as old as the result. A tool that saves a picture may wait: the same frame once more, with
    // its own, and at once.
    engine.plugin.set_budget(0);
    const uint64_t last = measured.frames;
    const Camera camera = camera_at(static_cast<double>(last) / static_cast<double>(frames_a_second));
    const Clock::time_point patience = Clock::now() + std::chrono::seconds(60);
    while (engine.plugin.last_taken() != last) {  // in mode C the first of its kind is prepared for
        engine.draw(last, camera, nullptr, true);
        if (Clock::now() > patience) throw HostError("the last frame was not taken");
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    const sac_snapshot *result = engine.plugin.wait_for_last();
    const Frame &frame = engine.draw(last, camera, result, false).frame;
    engine.ring.wait();
    if (!arguments.out.empty())
        save_png(arguments.out, {width, height, engine.host.download(frame.target, width, height)});

    const Area area = engine.renderer.picture_area(camera);
    std::printf("the picture is seen at (%.1f, %.1f) to (%.1f, %.1f)\n", static_cast<double>(area.x1),
                static_cast<double>(area.y1), static_cast<double>(area.x2), static_cast<double>(area.y2));
    for (uint32_t i = 0; i < result->detection_count; ++i) {
        const sac_detection &d = result->detections[i];
        std::printf("%-14s %.2f  (%.1f, %.1f) to (%.1f, %.1f)\n", d.label, static_cast<double>(d.score),
                    static_cast<double>(d.x1), static_cast<double>(d.y1), static_cast<double>(d.x2),
                    static_cast<double>(d.y2));
    }
}

}  // namespace

int main(int argc, char **argv) {
    Arguments arguments;
    const bool understood = parse({argv + 1, argv + argc}, arguments);
    if (!understood || arguments.help) print_usage(understood ? stdout : stderr);
    if (!understood || arguments.help) return understood ? 0 : 2;
    std::atomic<uint32_t> validation_messages = 0;
    try {
        run(arguments, &validation_messages);
    } catch (const HostError &error) {
        std::fprintf(stderr, "foreign_host: %s\n", error.what());
        return 1;
    }
    if (validation_messages > 0)
        std::fprintf(stderr, "foreign_host: %u validation messages\n", validation_messages.load());
    return validation_messages > 0 ? 1 : 0;
}
