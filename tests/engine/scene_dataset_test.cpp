// labels: bad_input
// Datasets: what their files say, that they are the same each time, and what happens when writing fails.
#include <doctest/doctest.h>

#include <sys/resource.h>
#include <csignal>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "engine/io/source.h"
#include "engine/scene/dataset.h"
#include "engine/scene/truth.h"
#include "tests/support/device.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::engine;
using namespace sac::test;
using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

DatasetOptions options_for(const fs::path &folder) {
    DatasetOptions options;
    options.folder = folder.string();
    options.count = 6;
    options.seed = 11;
    options.width = 160;
    options.height = 120;
    return options;
}

Status write(const DatasetOptions &options) {
    return write_dataset(device(), memory(), options, [](uint64_t) {});
}

// Every file's bytes by its name.
std::map<std::string, std::vector<uint8_t>> contents(const fs::path &folder) {
    std::map<std::string, std::vector<uint8_t>> files;
    for (const auto &entry : fs::recursive_directory_iterator(folder))
        if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = read_bytes(entry.path());
    return files;
}

// Box and area of a mask agree with the annotation's.
void check_mask(const Json &annotation, uint32_t width, uint32_t height) {
    const Json &mask = annotation["segmentation"];
    CHECK(mask["size"] == Json({height, width}));
    uint32_t at = 0, area = 0, left = width, right = 0, top = height, bottom = 0;
    bool one = false;
    for (const uint32_t run : mask["counts"]) {
        for (uint32_t end = at + run; at < end; ++at) {
            if (!one) continue;
            const uint32_t x = at / height, y = at % height;
            left = std::min(left, x);
            right = std::max(right, x + 1);
            top = std::min(top, y);
            bottom = std::max(bottom, y + 1);
            ++area;
        }
        one = !one;
    }
    CHECK(at == width * height);
    CHECK(area == annotation["area"]);
    CHECK(annotation["bbox"] == Json({left, top, right - left, bottom - top}));
}

// The size a file may grow to, as a full disk would have it.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) {
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit = {bytes, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() {
        setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    rlimit before_ = {};
    void (*handler_)(int) = nullptr;
};

}  // namespace

TEST_CASE("pictures: the files are COCO's, agree with each other, and are the same the next time") {
    const TempDir dir;
    const DatasetOptions options = options_for(dir / "a");
    REQUIRE(write(options).ok());
    const Json truth = Json::parse(read_text(dir / "a/annotations.json"));
    REQUIRE(truth["images"].size() == 6);
    REQUIRE(truth["categories"].size() == 5);
    CHECK(truth["categories"][4] == Json({{"id", 5}, {"name", "figure"}}));
    std::set<uint64_t> ids;
    std::map<uint64_t, int> objects;
    for (const Json &annotation : truth["annotations"]) {
        CHECK(ids.insert(annotation["id"].get<uint64_t>()).second);
        ++objects[annotation["image_id"]];
        check_mask(annotation, 160, 120);
        const int category = annotation["category_id"];
        CHECK(category >= 1);
        CHECK(category <= 5);
        CHECK(annotation.contains("action") == (category == 5));
        CHECK(annotation["ignore"] == 0);
        CHECK(annotation["iscrowd"] == 0);
        const double visible = annotation["visible"], area = annotation["area"];
        CHECK(visible >= 0.15);
        CHECK(visible <= 1);
        const Json &full = annotation["full_bbox"];
        CHECK(area <= visible * full[2].get<double>() * full[3].get<double>() + 1);
    }
    for (const Json &image : truth["images"]) {
        const auto picture = read_image((dir / "a" / image["file_name"].get<std::string>()).string());
        REQUIRE(picture.ok());
        CHECK(picture->width == 160);
        CHECK(picture->height == 120);
        CHECK(objects[image["id"]] >= 3);
    }
    const Json captions = Json::parse(read_text(dir / "a/captions.json"));
    CHECK(captions["images"] == truth["images"]);
    REQUIRE(captions["annotations"].size() == 6);
    for (const Json &caption : captions["annotations"]) CHECK(caption["caption"].get<std::string>().size() > 6);

    REQUIRE(write(options_for(dir / "b")).ok());
    const auto first = contents(dir / "a");
    CHECK(first == contents(dir / "b"));
    CHECK(first.size() == 6 + 3);  // and nothing half written

    // A picture does not depend on how many there are, but on the seed.
    DatasetOptions other = options_for(dir / "c");
    other.count = 2;
    REQUIRE(write(other).ok());
    CHECK(read_bytes(dir / "c/images/000001.png") == read_bytes(dir / "a/images/000001.png"));
    other = options_for(dir / "d");
    other.seed = 12;
    other.count = 1;
    REQUIRE(write(other).ok());
    CHECK(read_bytes(dir / "d/images/000000.png") != read_bytes(dir / "a/images/000000.png"));
}

TEST_CASE("clips: every frame has its truth, and actions cover the clip without a gap") {
    const TempDir dir;
    DatasetOptions options = options_for(dir / "a");
    options.clips = true;
    options.count = 3;
    options.frames = 20;
    options.fps = 10;
    REQUIRE(write(options).ok());
    const Json index = Json::parse(read_text(dir / "a/clips.json"));
    REQUIRE(index["clips"].size() == 3);
    size_t changes = 0, figures = 0;
    for (const Json &clip : index["clips"]) {
        auto source = Source::open((dir / "a" / clip["file_name"].get<std::string>()).string());
        REQUIRE(source.ok());
        uint64_t frames = 0;
        for (;; ++frames) {
            const auto frame = (*source)->next();
            REQUIRE(frame.ok());
            if (!*frame) break;
            CHECK((*frame)->width == 160);
        }
        CHECK(frames == 20);

        const Json truth = Json::parse(read_text(dir / "a" / clip["truth"].get<std::string>()));
        REQUIRE(truth["frames"].size() == 20);
        std::map<int, std::vector<std::string>> actions;  // of a track, frame by frame
        for (const Json &segment : truth["actions"]) {
            auto &track = actions[segment["track_id"]];
            CHECK(segment["begin"] == track.size());
            REQUIRE(segment["end"] > segment["begin"]);
            if (!track.empty()) {
                CHECK(track.back() != segment["action"]);
                ++changes;
            }
            track.resize(segment["end"].get<size_t>(), segment["action"].get<std::string>());
        }
        for (const auto &[track, labels] : actions) CHECK(labels.size() == 20);
        figures += actions.size();
        for (size_t i = 0; i < 20; ++i) {
            const Json &frame = truth["frames"][i];
            CHECK(frame["frame"] == i);
            for (const Json &annotation : frame["annotations"]) {
                check_mask(annotation, 160, 120);
                if (annotation.contains("action")) CHECK(annotation["action"] == actions[annotation["track_id"]][i]);
            }
        }
    }
    CHECK(figures > 0);
    CHECK(changes > 0);
    options.folder = (dir / "b").string();
    REQUIRE(write(options).ok());
    CHECK(contents(dir / "a") == contents(dir / "b"));
}

TEST_CASE("a folder that holds something else is refused, a whole dataset is left as it is") {
    const TempDir dir;
    DatasetOptions options = options_for(dir / "a");
    options.count = 2;
    REQUIRE(write(options).ok());
    const auto before = fs::last_write_time(dir / "a/annotations.json");
    uint64_t done = 0;
    REQUIRE(write_dataset(device(), memory(), options, [&](uint64_t n) { done = n; }).ok());
    CHECK(done == 2);
    CHECK(fs::last_write_time(dir / "a/annotations.json") == before);

    options.seed = 5;
    const Status other = write(options);
    REQUIRE_FALSE(other.ok());
    CHECK(other.error().code == Code::invalid_state);
    CHECK(other.error().message.find("other settings") != std::string::npos);

    fs::create_directory(dir / "mine");
    write_text(dir / "mine/thesis.txt", "years of work");
    const Status refused = write(options_for(dir / "mine"));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("not empty") != std::string::npos);
    CHECK(contents(dir / "mine").size() == 1);

    const Status file = write(options_for(dir / "mine/thesis.txt"));
    REQUIRE_FALSE(file.ok());
    CHECK(file.error().code == Code::io_error);
    CHECK(file.error().message.find("thesis.txt") != std::string::npos);
}

TEST_CASE("a disk that is full ends the run, leaves nothing half written, and the next call goes on") {
    const TempDir dir;
    DatasetOptions options = options_for(dir / "whole");
    options.width = 96;
    options.height = 72;
    options.count = 30;
    REQUIRE(write(options).ok());
    const auto whole = contents(dir / "whole");
    size_t largest = 0;
    for (const auto &[name, bytes] : whole)
        if (name.ends_with(".png")) largest = std::max(largest, bytes.size());
    REQUIRE(whole.at("annotations.json").size() > largest + 1000);

    options.folder = (dir / "cut").string();
    std::vector<size_t> pictures_at_ends;
    // At first no picture fits, then all but the largest, then all but not the journal of what is done.
    for (const size_t limit : {size_t{600}, largest - 1, largest + 100}) {
        CAPTURE(limit);
        {
            const FileSizeLimit full(limit);
            const Status status = write(options);
            REQUIRE_FALSE(status.ok());
            CHECK(status.error().code == Code::io_error);
            CHECK(status.error().message.find("cannot be written") != std::string::npos);
        }
        size_t pictures = 0;
        for (const auto &[name, bytes] : contents(dir / "cut")) {
            if (name == "journal.part") continue;
            REQUIRE(whole.contains(name));
            CHECK(bytes == whole.at(name));
            pictures += name.ends_with(".png");
        }
        pictures_at_ends.push_back(pictures);
    }
    CHECK(pictures_at_ends[0] == 0);
    CHECK(pictures_at_ends[2] > pictures_at_ends[0]);
    CHECK(pictures_at_ends[2] < 30);
    uint64_t steps = 0;
    REQUIRE(write_dataset(device(), memory(), options, [&](uint64_t) { ++steps; }).ok());
    CHECK(steps < 30);  // some were there
    CHECK(contents(dir / "cut") == whole);
}
