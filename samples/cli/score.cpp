// saccade score: tracks against the truth of a dataset's clips.
#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>

#include <nlohmann/json.hpp>

#include "compute/base/format.h"
#include "samples/cli/command.h"
#include "samples/cli/track_score.h"

namespace sac::cli {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Frames = std::vector<std::vector<TrackedBox>>;
using ull = unsigned long long;

constexpr Option options[] = {
    {"--iou", "I", "overlap from which a box is right, 0 to 1 (default 0.5)", Option::Kind::number, 0.01, 1},
    {"--json", nullptr, "one line of JSON", Option::Kind::flag},
};

// Classes by name, as truth and results number them in their own ways.
class Classes {
public:
    uint32_t id(const std::string &name) {
        return ids_.try_emplace(name, static_cast<uint32_t>(ids_.size())).first->second;
    }

private:
    std::map<std::string, uint32_t> ids_;
};

struct Clip {
    Frames truth, found;
};

// Clips by the stem of their video's name.
using Clips = std::map<std::string, Clip>;

Result<Json> read_json(const fs::path &path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return Error(Code::not_found, path.string() + ": cannot be read");
    Json json = Json::parse(file, nullptr, false);
    if (json.is_discarded()) return Error(Code::invalid_file, path.string() + ": not valid JSON");
    return json;
}

// What `read` makes of a file's JSON; a field that is missing or of another type is an error with the place's name.
template <class Read>
auto reading(const std::string &place, Read read) -> decltype(read()) {
    try {
        return read();
    } catch (const std::exception &exception) { return Error(Code::invalid_file, place + ": " + exception.what()); }
}

Result<Frames> read_truth(const fs::path &path, Classes &classes) {
    SAC_ASSIGN(const Json json, read_json(path));
    return reading(path.string(), [&]() -> Result<Frames> {
        std::map<uint32_t, uint32_t> categories;
        for (const Json &category : json.at("categories"))
            categories[category.at("id").get<uint32_t>()] = classes.id(category.at("name").get<std::string>());
        Frames frames;
        for (const Json &frame : json.at("frames")) {
            frames.emplace_back();
            for (const Json &object : frame.at("annotations")) {
                const auto box = object.at("bbox").get<std::array<double, 4>>();  // x, y, width, height
                TrackedBox truth = {object.at("track_id"),
                                    categories.at(object.at("category_id").get<uint32_t>()),
                                    box[0],
                                    box[1],
                                    box[0] + box[2],
                                    box[1] + box[3],
                                    object.at("ignore").get<int>() != 0};
                frames.back().push_back(truth);
            }
        }
        return frames;
    });
}

// A dataset's folder, or one of its clips.
Result<Clips> read_clips(const fs::path &path, Classes &classes) {
    std::vector<fs::path> files = {path};
    if (fs::is_directory(path)) {
        SAC_ASSIGN(const Json json, read_json(path / "clips.json"));
        files.clear();
        SAC_TRY(reading((path / "clips.json").string(), [&]() -> Status {
            for (const Json &clip : json.at("clips")) files.push_back(path / clip.at("truth").get<std::string>());
            return {};
        }));
    }
    Clips clips;
    for (const fs::path &file : files) { SAC_ASSIGN(clips[file.stem().string()].truth, read_truth(file, classes)); }
    return clips;
}

// The lines of saccade detect --track --json.
Status read_results(const std::string &path, Classes &classes, Clips &clips) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return Error(Code::not_found, path + ": cannot be read");
    size_t number = 0;
    for (std::string line; std::getline(file, line);) {
        const std::string place = format("%s, line %zu", path.c_str(), ++number);
        const Json json = Json::parse(line, nullptr, false);
        if (json.is_discarded()) return Error(Code::invalid_file, place + ": not valid JSON");
        SAC_TRY(reading(place, [&]() -> Status {
            const std::string source = json.at("source").get<std::string>();
            const auto clip = clips.find(fs::path(source).stem().string());
            if (clip == clips.end())
                return Error(Code::not_found, format("%s: there is no truth of %s", place.c_str(), source.c_str()));
            Frames &found = clip->second.found;
            found.resize(clip->second.truth.size());
            const auto frame = json.at("frame").get<size_t>();
            if (frame >= found.size())
                return Error(Code::invalid_file,
                             format("%s: frame %zu, and the clip has %zu", place.c_str(), frame, found.size()));
            found[frame].clear();
            for (const Json &detection : json.at("detections")) {
                if (!detection.contains("track")) continue;
                const auto box = detection.at("box").get<std::array<double, 4>>();
                found[frame].push_back({detection.at("track"), classes.id(detection.at("label").get<std::string>()),
                                        box[0], box[1], box[2], box[3]});
            }
            return {};
        }));
    }
    return {};
}

void print_text(const TrackScore &s, size_t clips, size_t of, size_t frames) {
    std::printf("%zu of %zu clips, %zu frames, %llu objects, %llu tracks\n", clips, of, frames,
                static_cast<ull>(s.true_tracks), static_cast<ull>(s.tracks));
    std::printf("IDF1 %.4f  (precision %.4f, recall %.4f)\n", s.idf1(), s.idp(), s.idr());
    std::printf("MOTA %.4f  MOTP %.4f\n", s.mota(), s.motp());
    std::printf("identity switches %llu, fragments %llu, missed %llu, false %llu of %llu\n",
                static_cast<ull>(s.switches), static_cast<ull>(s.fragments), static_cast<ull>(s.truth - s.matches),
                static_cast<ull>(s.found - s.matches), static_cast<ull>(s.truth));
}

void print_json(const TrackScore &s, size_t clips, size_t frames) {
    std::printf(
        "{\"clips\":%zu,\"frames\":%zu,\"objects\":%llu,\"tracks\":%llu,\"idf1\":%.6f,\"idp\":%.6f,"
        "\"idr\":%.6f,\"mota\":%.6f,\"motp\":%.6f,\"switches\":%llu,\"fragments\":%llu,\"missed\":%llu,"
        "\"false\":%llu,\"truth\":%llu}\n",
        clips, frames, static_cast<ull>(s.true_tracks), static_cast<ull>(s.tracks), s.idf1(), s.idp(), s.idr(),
        s.mota(), s.motp(), static_cast<ull>(s.switches), static_cast<ull>(s.fragments),
        static_cast<ull>(s.truth - s.matches), static_cast<ull>(s.found - s.matches), static_cast<ull>(s.truth));
}

Status run(const Arguments &arguments) {
    Classes classes;
    SAC_ASSIGN(Clips clips, read_clips(arguments.others()[0], classes));
    const std::string &results = arguments.others()[1];
    SAC_TRY(read_results(results, classes, clips));
    TrackScore sum;
    size_t scored = 0, frames = 0;
    for (const auto &[name, clip] : clips) {
        if (clip.found.empty()) continue;
        sum += score_tracks(clip.truth, clip.found, arguments.number("--iou", 0.5));
        ++scored;
        frames += clip.truth.size();
    }
    if (sum.tracks == 0) return Error(Code::invalid_file, results + ": has no tracks; is it made with --track?");
    if (arguments.has("--json"))
        print_json(sum, scored, frames);
    else
        print_text(sum, scored, clips.size(), frames);
    return {};
}

}  // namespace

const Command score_command = {
    "score",
    "[options] TRUTH RESULTS",
    "scores tracks against the truth of clips",
    "TRUTH is a folder that saccade scene --dataset DIR --clips has written, or one of its clips' .json files; "
    "RESULTS\n"
    "is what saccade detect --track --json has printed of the clips' videos. Clips without results do not count;\n"
    "frames without results are missed. Objects that the truth tells to ignore count neither as missed nor as found.\n"
    "IDF1: share of boxes whose track is the object's one track. MOTA: 1 - (missed + false + switches) / boxes.\n",
    options,
    2,
    2,
    run};

}  // namespace sac::cli
