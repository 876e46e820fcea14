// saccade scene: pictures, clips and datasets of the built-in scene.
#include <cstdio>

#include "compute/base/format.h"
#include "engine/io/video_writer.h"
#include "engine/scene/dataset.h"
#include "engine/scene/truth.h"
#include "samples/cli/command.h"
#include "samples/cli/models.h"
#include "samples/cli/progress.h"
#include "samples/cli/source.h"

namespace sac::cli {

namespace {

constexpr Option options[] = {
    {"--seed", "S", "which scene, or which dataset (default 1)", Option::Kind::count, 0, 1e15},
    {"--size", "WxH", "size of the pictures (default 320x240)", Option::Kind::size, 64, 4096},
    {"--out", "FILE", "write one picture (.png, .jpg) or video (.mp4, .avi, .mkv)"},
    {"--time", "T", "second of the picture, or where the video begins (default 0)", Option::Kind::number, 0, 1e6},
    {"--dataset", "DIR", "write a dataset into a new or an interrupted one's folder"},
    {"--count", "N", "how many pictures or clips (default 100)", Option::Kind::count, 1, 1e6},
    {"--clips", nullptr, "clips in place of pictures", Option::Kind::flag},
    {"--frames", "F", "frames of a clip or video (default 90)", Option::Kind::count, 1, 1e5},
    {"--fps", "R", "frames a second (default 15)", Option::Kind::count, 1, 240},
    device_option,
};

Status write_one(vk::Device &device, vk::Memory &memory, const engine::DatasetOptions &like, const std::string &out,
                 double start) {
    const engine::SceneRendererOptions size = {like.width, like.height};
    SAC_ASSIGN(const auto renderer, engine::SceneRenderer::create(device, memory, size));
    SAC_ASSIGN(const engine::Scene scene, engine::make_clear_scene(like.seed, size, *renderer));
    engine::Image picture;
    engine::Visibility visibility;
    if (!engine::has_video_ending(out)) {
        SAC_TRY(renderer->render(scene.at(start), &picture, &visibility));
        SAC_TRY(engine::write_image(out, picture));
        std::printf("%s: %s\n", out.c_str(), engine::truth_of(scene, start, visibility).caption.c_str());
        return {};
    }
    SAC_ASSIGN(const auto video, engine::VideoWriter::create(out, like.width, like.height, like.fps));
    Progress progress("frames", like.frames);
    for (uint32_t i = 0; i < like.frames; ++i) {
        SAC_TRY(renderer->render(scene.at(start + static_cast<double>(i) / like.fps), &picture, nullptr));
        SAC_TRY(video->write(picture));
        progress.advance();
    }
    SAC_TRY(video->finish());
    std::printf("%s: %u frames\n", out.c_str(), like.frames);
    return {};
}

Status write_many(vk::Device &device, vk::Memory &memory, const engine::DatasetOptions &dataset) {
    std::optional<Progress> progress;
    const auto tell = [&](uint64_t done) {
        if (!progress) progress.emplace(dataset.clips ? "clips" : "pictures", dataset.count - done + 1);
        progress->advance();
    };
    const Status status = engine::write_dataset(device, memory, dataset, tell);
    progress.reset();
    if (!status.ok()) {
        Error error = status.error();
        if (error.code == Code::io_error) error.message += "; call it again the same way to go on";
        return error;
    }
    std::printf("%s: %llu %s\n", dataset.folder.c_str(), static_cast<unsigned long long>(dataset.count),
                dataset.clips ? "clips" : "pictures");
    return {};
}

Status run(const Arguments &arguments) {
    engine::DatasetOptions dataset;
    dataset.folder = arguments.text("--dataset");
    dataset.count = arguments.count("--count", 100);
    dataset.seed = arguments.count("--seed", 1);
    dataset.clips = arguments.has("--clips");
    dataset.frames = static_cast<uint32_t>(arguments.count("--frames", 90));
    dataset.fps = static_cast<uint32_t>(arguments.count("--fps", 15));
    SAC_TRY(read_size(arguments, "--size", 64, 4096, dataset.width, dataset.height));
    if (arguments.has("--dataset") == arguments.has("--out"))
        return Error(Code::invalid_argument, "one of --dataset DIR and --out FILE is needed");
    const std::string out = arguments.text("--out");
    if (!out.empty() && !engine::can_write_image(out) && !engine::has_video_ending(out))
        return Error(Code::unsupported, out + ": written are .png, .jpg, .mp4, .avi and .mkv");

    std::atomic<uint64_t> messages = 0;
    vk::DeviceOptions device_options;
    device_options.which = arguments.text("--device");
    device_options.validation = validation_wanted();
    device_options.on_validation_message = [&](const char *message) {
        std::fprintf(stderr, "saccade: %s\n", message);
        ++messages;
    };
    SAC_ASSIGN(const auto device, vk::Device::create(device_options));
    vk::Memory memory(*device);
    SAC_TRY(out.empty() ? write_many(*device, memory, dataset)
                        : write_one(*device, memory, dataset, out, arguments.number("--time", 0)));
    if (messages > 0) return Error(Code::internal, "the validation layer complained about drawing (see above)");
    return {};
}

}  // namespace

const Command scene_command = {
    "scene",
    "--dataset DIR | --out FILE [options]",
    "writes pictures, clips and datasets of the built-in scene",
    "A scene is made from its seed; a dataset's pictures come with boxes, masks and captions (annotations.json and\n"
    "captions.json in COCO's format), its clips with the same for every frame and with what each figure does.\n"
    "The same options give the same bytes on the same device. An interrupted dataset is gone on with.\n",
    options,
    0,
    0,
    run};

}  // namespace sac::cli
