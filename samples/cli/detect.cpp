// saccade detect: objects in all that can be looked at.
#include <cstdio>

#include "compute/base/format.h"
#include "samples/cli/command.h"
#include "samples/cli/models.h"
#include "samples/cli/output.h"
#include "samples/cli/progress.h"
#include "samples/cli/source.h"

namespace sac::cli {

namespace {

constexpr auto options = with_source_options(with_model_options({
    {"--json", nullptr, "one line of JSON a frame on stdout", Option::Kind::flag},
    {"--track", nullptr, "follow objects: the same id in one frame after another", Option::Kind::flag},
    {"--out", "PATH", "annotated frames: a .png or .jpg (the last), a .mkv, .mp4 or .avi, or a folder"},
    {"--frames", "N", "stop after so many frames of each source", Option::Kind::count, 1, 1e9},
}));

struct Run {
    Vision &vision;
    AnnotatedWriter *writer;
    bool json, track;
    uint64_t most_frames;
    engine::SourceOptions source;
    uint64_t submitted = 0;
};

Status detect_frame(Run &run, const engine::Frame &frame, bool is_video, double rate, Progress &progress) {
    const uint64_t id = ++run.submitted;
    SAC_TRY(run.vision.submit(frame, id));
    SAC_ASSIGN(const Answer answer, run.vision.wait(id));
    progress.clear();
    const std::string text = run.json ? json_line(frame.source, frame.index, answer.detections)
                                      : text_lines(frame.source, frame.index, is_video, answer.detections);
    std::printf("%s\n", text.c_str());
    if (run.writer) SAC_TRY(run.writer->write(frame, is_video, rate, answer.detections));
    return {};
}

// The newest frame each time. What was there once is waited for when it is lost, what was never there is an error.
Status detect_live(Run &run, const engine::SourceName &name) {
    const auto feed = engine::Feed::start(name, run.source);
    if (run.track) SAC_TRY(run.vision.track());
    Progress progress("detecting", run.most_frames == UINT64_MAX ? 0 : run.most_frames);
    for (uint64_t done = 0; done < run.most_frames;) {
        const engine::Feed::Status status = feed->status();
        if (status.state == engine::Feed::State::lost && status.frames == 0) return status.error;
        const auto frame = feed->wait_for(std::chrono::milliseconds(200));
        if (status.frames > 0)
            for (const std::string &message : feed->take_messages()) {
                progress.clear();
                std::fprintf(stderr, "saccade detect: %s\n", message.c_str());
            }
        if (frame) {
            SAC_TRY(detect_frame(run, *frame, true, feed->status().frame_rate, progress));
            progress.advance();
            ++done;
        } else if (status.state == engine::Feed::State::failed) {
            return status.error;
        } else if (status.over()) {
            break;
        }
    }
    return {};
}

// Goes on after an unreadable picture of a folder, and fails at the end.
Status detect_source(Run &run, const std::string &path) {
    SAC_ASSIGN(const engine::SourceName name, engine::SourceName::parse(path));
    if (name.is_live()) return detect_live(run, name);
    SAC_ASSIGN(const std::unique_ptr<engine::Source> source, engine::Source::open(path, run.source));
    const bool is_video = !engine::is_still(source->kind());
    if (run.track) SAC_TRY(run.vision.track());
    uint64_t total = source->estimated_frames();
    if (total && run.most_frames < total) total = run.most_frames;
    Progress progress("detecting", total);
    size_t unreadable = 0;
    for (uint64_t done = 0; done < run.most_frames; ++done) {
        auto frame = source->next();
        if (!frame) {
            if (source->kind() != engine::Source::Kind::folder) return std::move(frame).error();
            progress.clear();
            std::fprintf(stderr, "saccade detect: %s\n", frame.error().message.c_str());
            ++unreadable;
            progress.advance();
            continue;
        }
        if (!*frame) break;
        SAC_TRY(detect_frame(run, **frame, is_video, source->frame_rate(), progress));
        progress.advance();
    }
    progress.clear();
    if (const std::string remark = source->remark(); !remark.empty())
        std::fprintf(stderr, "saccade detect: %s\n", remark.c_str());
    if (unreadable > 0)
        return Error(Code::invalid_file, format("%s: %zu of its pictures could not be read", path.c_str(), unreadable));
    return {};
}

// Names are wrong, or have no end where one is needed: told before anything is loaded.
Status check_sources(const Arguments &arguments) {
    const bool wants_end = engine::has_video_ending(arguments.text("--out")) && !arguments.has("--frames");
    for (const std::string &text : arguments.others()) {
        SAC_ASSIGN(const engine::SourceName name, engine::SourceName::parse(text));
        if (wants_end && (name.is_live() || name.scheme == engine::SourceName::Scheme::scene))
            return Error(Code::invalid_argument, text + ": has no end: --frames N tells how long the video is to be");
    }
    return {};
}

Status run(const Arguments &arguments) {
    SAC_TRY(check_sources(arguments));
    SAC_ASSIGN(const engine::SourceOptions source, read_source_options(arguments));
    SAC_ASSIGN(const Model model, choose_model(arguments));
    SAC_ASSIGN(const std::unique_ptr<Vision> vision, Vision::create(arguments.text("--device")));
    SAC_TRY(vision->load(model.choice));
    std::unique_ptr<AnnotatedWriter> writer;
    if (arguments.has("--out")) {
        SAC_ASSIGN(writer, AnnotatedWriter::create(arguments.text("--out"), arguments.text("--device")));
    }
    if (model.seeded()) std::fprintf(stderr, "saccade detect: the weights are random, so the boxes mean nothing\n");

    Run state = {*vision,
                 writer.get(),
                 arguments.has("--json"),
                 arguments.has("--track"),
                 arguments.count("--frames", UINT64_MAX),
                 source};
    // A source that cannot be read does not keep the others from being looked at; the first error is the result.
    Status first_error;
    for (const std::string &path : arguments.others()) {
        Status status = detect_source(state, path);
        if (status.ok()) continue;
        if (first_error.ok())
            first_error = std::move(status);
        else
            std::fprintf(stderr, "saccade detect: %s\n", status.error().message.c_str());
    }
    if (writer) {
        SAC_TRY(writer->finish());
        if (!writer->summary().empty())
            std::fprintf(stderr, "saccade detect: annotated: %s\n", writer->summary().c_str());
    }
    SAC_TRY(first_error);
    return vision->validation_status();
}

}  // namespace

const Command detect_command = {
    "detect",
    "[options] SOURCE...",
    "finds objects in pictures, folders of pictures, videos, cameras and more",
    "With --json each frame is one line:\n"
    "{\"source\":...,\"frame\":...,\"detections\":[{\"label\":...,\"score\":...,\"box\":[x1,y1,x2,y2]}]}\n"
    "Boxes are in pixels of the source, turned as --rotate and --mirror tell. With --track an object that was seen "
    "twice has a \"track\":ID as well.\n" SACCADE_SOURCE_HELP
    "Of a camera, the screen or a stream the newest frame is taken each time, others are dropped; one that is lost is\n"
    "waited for.\n",
    options,
    1,
    SIZE_MAX,
    run};

}  // namespace sac::cli
