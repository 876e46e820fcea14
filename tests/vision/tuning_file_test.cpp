// labels: bad_input tsan host_only
// The file of measured winners: kept, merged, and refused.
#include "plugins/vision/tuning_file.h"

#include <doctest/doctest.h>

#include <thread>

#include "tests/support/files.h"

using namespace sac;
using namespace sac::test;
using sac::vision::TuningFile;

namespace {

struct Lines {
    std::vector<std::string> lines;
    Log log() {
        return {[](void *user, LogLevel, const char *message) { static_cast<Lines *>(user)->lines.push_back(message); },
                this};
    }
};

TuningFile file_in(const TempDir &dir) { return TuningFile((dir / "pipelines-01.bin").string()); }

}  // namespace

TEST_CASE("winners are kept, and later ones take the place of earlier ones") {
    const TempDir dir;
    Lines lines;
    const TuningFile file((dir / "not there yet/pipelines-123456789abcdef0.bin").string());
    CHECK(file.path().ends_with("/tuning-123456789abcdef0.json"));
    CHECK(file.read(lines.log()).empty());
    const Tuning first = {{"gemm f32 1x2x3", "24x8"}, {"a \"quoted\" \\ problem\n", "winograd 16x8"}};
    REQUIRE(file.merge(first, lines.log()).ok());
    CHECK(file.read(lines.log()) == first);
    REQUIRE(file.merge({}, lines.log()).ok());
    REQUIRE(file.merge({{"gemm f32 1x2x3", "32x4"}, {"gemm f16 1x2x3", "portable"}}, lines.log()).ok());
    const Tuning read = TuningFile(file).read(lines.log());
    CHECK(read.size() == 3);
    CHECK(read.at("gemm f32 1x2x3") == "32x4");
    CHECK(read.at("gemm f16 1x2x3") == "portable");
    CHECK(lines.lines.empty());
    // Nothing but the file is left in the folder.
    CHECK(std::distance(std::filesystem::directory_iterator(dir / "not there yet"), {}) == 1);
}

TEST_CASE("without a folder nothing is kept") {
    const TuningFile file("");
    CHECK(file.path().empty());
    CHECK(file.merge({{"a", "b"}}, {}).ok());
    CHECK(file.read({}).empty());
}

TEST_CASE("a folder that cannot be written is an error that names the file") {
    const TempDir dir;
    write_text(dir / "file", "");
    const TuningFile file((dir / "file/pipelines-01.bin").string());
    CHECK(!file.merge({}, {}).ok());  // known before anything is measured
    const Status status = file.merge({{"a", "b"}}, {});
    REQUIRE(!status.ok());
    CHECK(status.error().code == Code::io_error);
    CHECK(status.error().message.find("tuning-01.json") != std::string::npos);
}

TEST_CASE("files of other keys and versions are not used") {
    const TempDir dir;
    const TuningFile mine = file_in(dir), other((dir / "pipelines-02.bin").string());
    REQUIRE(mine.merge({{"a", "b"}}, {}).ok());
    CHECK(other.read({}).empty());
    std::filesystem::copy_file(mine.path(), other.path());
    Lines lines;
    CHECK(other.read(lines.log()).empty());
    REQUIRE(lines.lines.size() == 1);
    CHECK(lines.lines[0].find("another device") != std::string::npos);
    std::string text = read_text(mine.path());
    text.replace(text.find("\"version\": 1"), 12, "\"version\": 9");
    write_text(mine.path(), text);
    CHECK(mine.read(lines.log()).empty());
    REQUIRE(lines.lines.size() == 2);
    CHECK(lines.lines[1].find("version") != std::string::npos);
}

TEST_CASE("damaged files are ignored with one line, and written anew") {
    const TempDir dir;
    const TuningFile file = file_in(dir);
    REQUIRE(file.merge({{"problem", "winner"}, {"other", "one"}}, {}).ok());
    std::string whole = read_text(file.path());
    REQUIRE(whole.back() == '\n');
    whole.pop_back();
    for (size_t size = 0; size < whole.size(); ++size) {
        write_text(file.path(), whole.substr(0, size));
        Lines lines;
        CHECK(file.read(lines.log()).empty());
        CHECK(lines.lines.size() == 1);
    }
    const std::string head = "{\"version\": 1, \"key\": \"01\"";
    for (const std::string &text :
         {std::string("[]"), std::string("7"), std::string(20, '\0'), head + "}", head + ", \"winners\": 3}",
          head + ", \"winners\": {\"a\": 3}}", head + ", \"winners\": [\"a\"]}"}) {
        write_text(file.path(), text);
        Lines lines;
        CHECK_MESSAGE(file.read(lines.log()).empty(), text);
        CHECK_MESSAGE(lines.lines.size() == 1, text);
    }
    REQUIRE(file.merge({{"a", "b"}}, {}).ok());
    CHECK(file.read({}) == Tuning{{"a", "b"}});
}

TEST_CASE("what two write at once is all there") {
    const TempDir dir;
    std::vector<std::thread> writers;
    for (int w = 0; w < 2; ++w)
        writers.emplace_back([&dir, w] {
            const TuningFile file = file_in(dir);
            for (int i = 0; i < 40; ++i)
                CHECK(file.merge({{std::to_string(w) + " " + std::to_string(i), "x"}}, {}).ok());
        });
    for (std::thread &writer : writers) writer.join();
    CHECK(file_in(dir).read({}).size() == 80);
    CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
}

TEST_CASE("what a writer that was killed left behind does not stop the next one") {
    const TempDir dir;
    const TuningFile file = file_in(dir);
    std::filesystem::create_directory(file.path() + ".lock");
    REQUIRE(file.merge({{"a", "b"}}, {}).ok());
    CHECK(file.read({}) == Tuning{{"a", "b"}});
    CHECK_FALSE(std::filesystem::exists(file.path() + ".lock"));
}
