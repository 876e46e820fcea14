#include "engine/scene/dataset.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <future>

#include "compute/base/format.h"
#include "engine/io/video_writer.h"
#include "engine/scene/truth.h"

namespace sac::engine {

namespace {

namespace fs = std::filesystem;
using ull = unsigned long long;

constexpr const char *settings_name = "dataset.json", *journal_name = "journal.part";

Error write_error(const std::string &path, int reason) {
    return Error(Code::io_error, path + ": cannot be written: " + std::strerror(reason));
}

// Under a temporary name, then renamed.
Status write_whole(const std::string &path, const void *data, size_t bytes) {
    const std::string temporary = path + ".part";
    std::FILE *file = std::fopen(temporary.c_str(), "wb");
    if (!file) return write_error(path, errno);
    bool written = std::fwrite(data, 1, bytes, file) == bytes;
    written = std::fflush(file) == 0 && written;
    const int reason = errno;
    std::fclose(file);
    std::error_code error;
    if (written) fs::rename(temporary, path, error);
    if (written && !error) return {};
    std::error_code ignored;
    fs::remove(temporary, ignored);
    return written ? Error(Code::io_error, path + ": " + error.message()) : write_error(path, reason);
}

Status write_whole(const std::string &path, const std::string &text) {
    return write_whole(path, text.data(), text.size());
}

std::string read_text(const std::string &path) {
    std::string text;
    std::FILE *file = std::fopen(path.c_str(), "rb");
    if (!file) return text;
    char buffer[65536];
    for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) text.append(buffer, n);
    std::fclose(file);
    return text;
}

std::string json_of(const PixelBox &box) { return sac::format("[%u,%u,%u,%u]", box.x, box.y, box.width, box.height); }

std::string settings_json(const DatasetOptions &o) {
    std::string json = sac::format(
        "{\"format\":1,\"kind\":\"%s\",\"count\":%llu,\"seed\":%llu,\"width\":%u,\"height\":%u",
        o.clips ? "clips" : "images", static_cast<ull>(o.count), static_cast<ull>(o.seed), o.width, o.height);
    if (o.clips) json += sac::format(",\"frames\":%u,\"fps\":%u", o.frames, o.fps);
    return json + "}\n";
}

std::string categories_json() {
    std::string json = "[";
    for (size_t i = 0; i < scene_class_count; ++i)
        json += sac::format("%s{\"id\":%zu,\"name\":\"%s\"}", i ? "," : "", i + 1, name_of(static_cast<SceneClass>(i)));
    return json + "]";
}

// The fields of an annotation that pictures and frames of clips share, without braces.
std::string object_json(const ObjectTruth &t, const Visibility &visibility) {
    std::string json = sac::format(
        "\"track_id\":%zu,\"category_id\":%d,\"bbox\":%s,\"full_bbox\":%s,\"area\":%u,"
        "\"visible\":%.4f,\"color\":\"%s\",",
        t.object + 1, static_cast<int>(t.kind) + 1, json_of(t.box).c_str(), json_of(t.full_box).c_str(), t.area,
        t.visible(), name_of(t.color));
    if (t.action) json += sac::format("\"action\":\"%s\",", name_of(*t.action));
    json += sac::format("\"iscrowd\":0,\"ignore\":%d,\"segmentation\":{\"size\":[%u,%u],\"counts\":[", t.ignore(),
                        visibility.height, visibility.width);
    bool first = true;
    for (const uint32_t run : mask_counts(visibility, t.object)) {
        json += (first ? "" : ",") + std::to_string(run);
        first = false;
    }
    return json + "]}";
}

// Makes the items of one kind. Each gives a line of the journal: parts of JSON with tabs between.
class Writer {
public:
    Writer(SceneRenderer &renderer, const DatasetOptions &options) : renderer_(renderer), options_(options) {}
    virtual ~Writer() = default;
    virtual Status make_folders() = 0;
    virtual Result<std::string> make(uint64_t item) = 0;
    /// The files that hold all items.
    virtual Status finish(const std::vector<std::string> &lines) = 0;
    /// Waits for what is still being written of the item made last.
    virtual Status flush() { return {}; }

protected:
    std::string path(const std::string &name) const { return (fs::path(options_.folder) / name).string(); }
    Status make_folder(const std::string &name) const {
        std::error_code error;
        fs::create_directories(path(name), error);
        if (error) return Error(Code::io_error, path(name) + ": " + error.message());
        return {};
    }
    Result<Scene> make_scene(uint64_t item) {
        const SceneRendererOptions size = {options_.width, options_.height};
        return make_clear_scene(dataset_scene_seed(options_.seed, item), size, renderer_);
    }
    // The n-th part of each line, those that are empty left out, as a list.
    static std::string list(const std::vector<std::string> &lines, size_t n) {
        std::string json = "[";
        for (const std::string &line : lines) {
            size_t from = 0;
            for (size_t i = 0; i < n; ++i) from = line.find('\t', from) + 1;
            const std::string part = line.substr(from, line.find('\t', from) - from);
            if (part.empty()) continue;
            if (json.size() > 1) json += ",\n";
            json += part;
        }
        return json + "]";
    }

    SceneRenderer &renderer_;
    const DatasetOptions &options_;
    Visibility visibility_;
};

class ImageWriter final : public Writer {
public:
    using Writer::Writer;
    ~ImageWriter() override { (void)flush(); }

    Status make_folders() override { return make_folder("images"); }

    Result<std::string> make(uint64_t item) override {
        SAC_ASSIGN(const Scene scene, make_scene(item));
        auto picture = std::make_shared<Image>();
        SAC_TRY(renderer_.render(scene.at(0), picture.get(), &visibility_));
        const FrameTruth truth = truth_of(scene, 0, visibility_);

        const std::string name = sac::format("%06llu.png", static_cast<ull>(item));
        std::string line = sac::format("{\"id\":%llu,\"file_name\":\"images/%s\",\"width\":%u,\"height\":%u}\t",
                                       static_cast<ull>(item), name.c_str(), options_.width, options_.height);
        for (const ObjectTruth &object : truth.objects) {
            if (line.back() != '\t') line += ",\n";
            const uint64_t id = item * 16 + object.object + 1;
            line += sac::format("{\"id\":%llu,\"image_id\":%llu,", static_cast<ull>(id), static_cast<ull>(item)) +
                    object_json(object, visibility_) + "}";
        }
        line += sac::format("\t{\"id\":%llu,\"image_id\":%llu,\"caption\":\"%s\"}", static_cast<ull>(item),
                            static_cast<ull>(item), truth.caption.c_str());

        // The picture is packed and written while the next one is drawn.
        SAC_TRY(flush());
        writing_ = std::async(std::launch::async, [picture, file = path("images/" + name)]() -> Status {
            SAC_ASSIGN(const std::vector<uint8_t> bytes, encode_png(*picture));
            return write_whole(file, bytes.data(), bytes.size());
        });
        return line;
    }

    Status flush() override {
        if (!writing_.valid()) return {};
        return writing_.get();
    }

    Status finish(const std::vector<std::string> &lines) override {
        const std::string images = list(lines, 0);
        SAC_TRY(write_whole(path("captions.json"),
                            "{\"images\":" + images + ",\n\"annotations\":" + list(lines, 2) + "}\n"));
        return write_whole(path("annotations.json"), "{\"images\":" + images + ",\n\"annotations\":" + list(lines, 1) +
                                                         ",\n\"categories\":" + categories_json() + "}\n");
    }

private:
    std::future<Status> writing_;
};

class ClipWriter final : public Writer {
public:
    using Writer::Writer;

    Status make_folders() override { return make_folder("clips"); }

    Result<std::string> make(uint64_t item) override {
        SAC_ASSIGN(const Scene scene, make_scene(item));
        const std::string stem = sac::format("clips/%06llu", static_cast<ull>(item));
        const std::string temporary = path(stem + ".part.mp4");
        SAC_ASSIGN(const std::unique_ptr<VideoWriter> video,
                   VideoWriter::create(temporary, options_.width, options_.height, options_.fps));
        std::string frames;
        const Status status = write_frames(scene, *video, frames);
        std::error_code error;
        if (status.ok()) fs::rename(temporary, path(stem + ".mp4"), error);
        if (!status.ok() || error) {
            std::error_code ignored;
            fs::remove(temporary, ignored);
            return status.ok() ? Error(Code::io_error, path(stem + ".mp4") + ": " + error.message()) : status.error();
        }
        const std::string head = sac::format(
            "{\"id\":%llu,\"file_name\":\"%s.mp4\",\"width\":%u,\"height\":%u,\"fps\":%u,"
            "\"frame_count\":%u",
            static_cast<ull>(item), stem.c_str(), options_.width, options_.height, options_.fps, options_.frames);
        SAC_TRY(write_whole(path(stem + ".json"), head + ",\n\"actions\":" + actions_json(scene) +
                                                      ",\n\"categories\":" + categories_json() + ",\n\"frames\":[\n" +
                                                      frames + "]}\n"));
        return head + sac::format(",\"truth\":\"%s.json\"}", stem.c_str());
    }

    Status finish(const std::vector<std::string> &lines) override {
        return write_whole(path("clips.json"),
                           "{\"clips\":" + list(lines, 0) + ",\n\"categories\":" + categories_json() + "}\n");
    }

private:
    Status write_frames(const Scene &scene, VideoWriter &video, std::string &frames) {
        for (uint32_t i = 0; i < options_.frames; ++i) {
            const double seconds = static_cast<double>(i) / options_.fps;
            SAC_TRY(renderer_.render(scene.at(seconds), &picture_, &visibility_));
            SAC_TRY(video.write(picture_));
            const FrameTruth truth = truth_of(scene, seconds, visibility_);
            if (i) frames += ",\n";
            frames += sac::format("{\"frame\":%u,\"caption\":\"%s\",\"annotations\":[", i, truth.caption.c_str());
            for (size_t k = 0; k < truth.objects.size(); ++k)
                frames += (k ? ",\n{" : "\n{") + object_json(truth.objects[k], visibility_) + "}";
            frames += "]}";
        }
        return video.finish();
    }

    // What each figure does, as frames [begin, end), whether it is seen or not.
    std::string actions_json(const Scene &scene) const {
        std::string json = "[";
        for (size_t object = 0; object < scene.objects().size(); ++object) {
            if (scene.objects()[object].kind != SceneClass::figure) continue;
            const auto action_at = [&](uint32_t frame) {
                return scene.action_of(object, static_cast<double>(frame) / options_.fps);
            };
            for (uint32_t begin = 0, end = 0; begin < options_.frames; begin = end) {
                while (end < options_.frames && action_at(end) == action_at(begin)) ++end;
                json += sac::format("%s{\"track_id\":%zu,\"action\":\"%s\",\"begin\":%u,\"end\":%u}",
                                    json.size() > 1 ? "," : "", object + 1, name_of(action_at(begin)), begin, end);
            }
        }
        return json + "]";
    }

    Image picture_;
};

// What is known of the items that are done, so that a run can be gone on with. An item counts once its end is written.
class Journal {
public:
    ~Journal() {
        if (file_) std::fclose(file_);
    }
    Status open(const std::string &path) {
        path_ = path;
        std::string text = read_text(path);
        size_t from = 0;
        for (size_t end; (end = text.find(separator, from)) != std::string::npos; from = end + 1)
            lines.push_back(text.substr(from, end - from));
        if (from < text.size()) {
            std::error_code error;
            fs::resize_file(path, from, error);
            if (error) return Error(Code::io_error, path + ": " + error.message());
        }
        file_ = std::fopen(path.c_str(), "ab");
        return file_ ? Status{} : write_error(path, errno);
    }
    Status add(const std::string &line) {
        const std::string text = line + separator;
        if (std::fwrite(text.data(), 1, text.size(), file_) != text.size() || std::fflush(file_) != 0)
            return write_error(path_, errno);
        lines.push_back(line);
        return {};
    }
    std::vector<std::string> lines;

private:
    static constexpr char separator = '\x1e';
    std::string path_;
    std::FILE *file_ = nullptr;
};

// Makes the folder, or finds that it is one of this dataset.
Status claim_folder(const DatasetOptions &options) {
    const fs::path folder(options.folder);
    const std::string settings = settings_json(options);
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return Error(Code::io_error, options.folder + ": " + error.message());
    const std::string found = read_text((folder / settings_name).string());
    if (found == settings) return {};
    const bool empty = fs::is_empty(folder, error);
    if (error) return Error(Code::io_error, options.folder + ": " + error.message());
    if (!found.empty())
        return Error(Code::invalid_state,
                     options.folder + ": holds a dataset of other settings: " + found.substr(0, found.find('\n')));
    if (!empty) return Error(Code::invalid_state, options.folder + ": exists and is not empty");
    return write_whole((folder / settings_name).string(), settings);
}

}  // namespace

uint64_t dataset_scene_seed(uint64_t dataset_seed, uint64_t item) { return Random(dataset_seed).stream(item).next(); }

Status write_dataset(vk::Device &device, vk::Memory &memory, const DatasetOptions &options,
                     const std::function<void(uint64_t)> &progress) {
    SAC_TRY(claim_folder(options));
    const fs::path folder(options.folder);
    std::error_code error;
    if (fs::exists(folder / (options.clips ? "clips.json" : "annotations.json"), error)) {
        progress(options.count);
        return {};
    }
    SAC_ASSIGN(const std::unique_ptr<SceneRenderer> renderer,
               SceneRenderer::create(device, memory, {options.width, options.height}));
    std::unique_ptr<Writer> writer;
    if (options.clips)
        writer = std::make_unique<ClipWriter>(*renderer, options);
    else
        writer = std::make_unique<ImageWriter>(*renderer, options);
    SAC_TRY(writer->make_folders());
    Journal journal;
    SAC_TRY(journal.open((folder / journal_name).string()));
    std::string unwritten;  // the line of an item whose files are still being written
    for (uint64_t item = journal.lines.size(); item < options.count; ++item) {
        SAC_ASSIGN(std::string line, writer->make(item));
        if (!unwritten.empty()) SAC_TRY(journal.add(unwritten));
        unwritten = std::move(line);
        progress(item + 1);
    }
    SAC_TRY(writer->flush());
    if (!unwritten.empty()) SAC_TRY(journal.add(unwritten));
    SAC_TRY(writer->finish(journal.lines));
    fs::remove(folder / journal_name, error);
    return {};
}

}  // namespace sac::engine
