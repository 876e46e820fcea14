// foreign_host without a window: a host's own image, device and commands in every mode, under its own validation layer.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>

#include "tests/cli/program.h"
#include "tests/engine/pictures.h"
#include "tests/samples/discs.h"
#include "tests/support/device.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::test;

namespace {

struct Box {
    double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
    double x() const { return 0.5 * (x1 + x2); }
    double y() const { return 0.5 * (y1 + y2); }
};

struct Found {
    std::string label;
    Box box;
};

/// What a run has printed.
struct Report {
    std::string mode;  ///< the first line: device and mode
    Box picture;       ///< where the picture is seen
    std::vector<Found> found;
    std::vector<Found> of(const std::string &label) const {
        std::vector<Found> list;
        for (const Found &f : found)
            if (f.label == label) list.push_back(f);
        return list;
    }
};

Report report_of(const Finished &run) {
    Report report;
    const std::vector<std::string> lines = run.lines();
    REQUIRE(lines.size() >= 4);
    report.mode = lines[0];
    for (const std::string &line : lines) {
        Box b;
        char label[64];
        double score = 0;
        if (std::sscanf(line.c_str(), "the picture is seen at (%lf, %lf) to (%lf, %lf)", &b.x1, &b.y1, &b.x2, &b.y2) ==
            4)
            report.picture = b;
        else if (std::sscanf(line.c_str(), "%63s %lf (%lf, %lf) to (%lf, %lf)", label, &score, &b.x1, &b.y1, &b.x2,
                             &b.y2) == 6)
            report.found.push_back({label, b});
    }
    REQUIRE(report.picture.x2 > report.picture.x1);
    return report;
}

/// Runs it under the layer, of which any message fails.
Finished foreign_host(std::vector<std::string> arguments) {
    if (validation_enabled()) arguments.emplace_back("--validation");
    Finished run = run_program("foreign_host", arguments);
    CHECK_MESSAGE(run.code == 0, run.err);
    CHECK_MESSAGE(run.err.find("validation:") == std::string::npos, run.err);
    return run;
}

/// The discs of the host's own test card, which is 480 x 360.
struct Disc {
    const char *label;
    double x, y;
};
constexpr Disc discs[] = {{"red", 130, 125}, {"green", 345, 130}, {"blue", 235, 275}};

// A cell of the network is 16 pixels of the frame: boxes are off by half of that, and by a little more where two cells
// are equally good.
constexpr double off = 10;

void check_discs(const Report &report) {
    CHECK(report.found.size() == 3);
    for (const Disc &disc : discs) {
        CAPTURE(disc.label);
        const std::vector<Found> found = report.of(disc.label);
        REQUIRE(found.size() == 1);
        const Box &seen = report.picture;
        CHECK(std::abs(found[0].box.x() - (seen.x1 + disc.x / 480 * (seen.x2 - seen.x1))) < off);
        CHECK(std::abs(found[0].box.y() - (seen.y1 + disc.y / 360 * (seen.y2 - seen.y1))) < off);
    }
}

}  // namespace

TEST_CASE("in each mode the host's own picture is looked at, and the boxes are laid over it") {
    const TempDir folder;
    write_disc_model(folder.path());
    const std::pair<const char *, const char *> modes[] = {
        {"own", "queue"}, {"shared", "the host's queue, shared"}, {"commands", "the host's own commands"}};
    for (const auto &[mode, name] : modes) {
        const char *const given = mode;  // a binding cannot be captured
        CAPTURE(given);
        const std::string out = (folder / (std::string(mode) + ".png")).string();
        const Report report =
            report_of(foreign_host({folder.path().string(), "--mode", mode, "--frames", "20", "--out", out}));
        CHECK(report.mode.find(name) != std::string::npos);
        check_discs(report);
        const auto image = engine::read_image(out);
        REQUIRE_MESSAGE(image.ok(), image.error().message);
        expect_golden(*image, "foreign_host", 4);
    }
}

TEST_CASE("within a budget of each frame the network goes in slices, and finds the same") {
    const TempDir folder;
    write_disc_model(folder.path());
    for (const char *mode : {"shared", "commands"}) {
        CAPTURE(mode);
        // So little that a slice is one dispatch.
        const std::vector<std::string> arguments = {
            folder.path().string(), "--mode", mode, "--frames", "40", "--budget", "0.001"};
        if (!device().caps().timestamps && mode == std::string("commands")) {
            const Finished refused = run_program("foreign_host", arguments);
            CHECK(refused.code == 1);
            CHECK_MESSAGE(refused.err.find("the device has no timestamps") != std::string::npos, refused.err);
            continue;
        }
        const Finished run = foreign_host(arguments);
        check_discs(report_of(run));
        const size_t at = run.out.find(" slices within 0.00 ms each");
        REQUIRE_MESSAGE(at != std::string::npos, run.out);
        const long slices = std::strtol(run.out.c_str() + run.out.rfind('\n', at) + 1, nullptr, 10);
        CHECK_MESSAGE(slices >= 3, run.out);
    }
}

TEST_CASE("boxes follow the camera") {
    const TempDir folder;
    write_disc_model(folder.path());
    std::vector<Report> reports;
    for (const char *frames : {"1", "100", "190"}) {
        reports.push_back(report_of(foreign_host({folder.path().string(), "--frames", frames, "--mode", "shared"})));
        check_discs(reports.back());
    }
    // It moved by several times of what boxes may be off.
    CHECK(std::abs(reports[0].picture.x() - reports[1].picture.x()) > 4 * off);
    CHECK(std::abs(reports[1].picture.x() - reports[2].picture.x()) > 4 * off);
}

TEST_CASE("a person on a photograph, seen by a camera that moves") {
    const auto weights = real_data("detect-fastestdet/FastestDet.onnx");
    const auto photo = real_data("photos/grace_hopper.png");
    if (!weights || !photo) return;
    const std::string model = std::string(SACCADE_SOURCE_DIR) + "/assets/models/fastestdet";
    for (const char *mode : {"shared", "commands"}) {
        CAPTURE(mode);
        std::vector<double> middles;
        for (const char *frames : {"1", "105"}) {
            const Report report = report_of(foreign_host(
                {model, photo->string(), "--weights", weights->string(), "--mode", mode, "--frames", frames}));
            const std::vector<Found> persons = report.of("person");
            REQUIRE(!persons.empty());
            const Box &seen = report.picture, &person = persons[0].box;  // the best comes first
            // She fills the photograph, whose middle she is in.
            CHECK(std::abs((person.x() - seen.x1) / (seen.x2 - seen.x1) - 0.5) < 0.04);
            CHECK(std::abs((person.y() - seen.y1) / (seen.y2 - seen.y1) - 0.52) < 0.04);
            middles.push_back(person.x());
        }
        CHECK(std::abs(middles[0] - middles[1]) > 40);
    }
}

TEST_CASE("what cannot be is told in a sentence, and how it is called") {
    const TempDir folder;
    write_disc_model(folder.path());
    const std::string model = folder.path().string(), none = (folder / "none").string();
    const std::vector<std::vector<std::string>> misused = {{},
                                                           {model, "a.png", "b.png"},
                                                           {model, "--what", "1"},
                                                           {model, "--mode"},
                                                           {model, "--mode", "fast"},
                                                           {model, "--frames", "0"},
                                                           {model, "--frames", "-3"},
                                                           {model, "--frames", "3x"},
                                                           {model, "--frames", ""},
                                                           {model, "--budget", "0"},
                                                           {model, "--budget", "1001"},
                                                           {model, "--budget", "2ms"}};
    for (const std::vector<std::string> &arguments : misused) {
        const Finished run = run_program("foreign_host", arguments);
        CHECK(run.code == 2);
        CHECK(run.err.starts_with("usage: foreign_host MODEL_FOLDER"));
    }
    const Finished helped = run_program("foreign_host", {"--help"});
    CHECK(helped.code == 0);
    CHECK(helped.out.starts_with("usage: foreign_host MODEL_FOLDER"));
    write_text(folder / "text.png", "not a picture");
    const std::pair<std::vector<std::string>, std::string> wrong[] = {
        {{none}, none + ": "},
        {{model, none}, none + ": "},
        {{model, (folder / "text.png").string()}, (folder / "text.png").string() + ": "},
        {{model, "--weights", none}, none},
        {{model, "--frames", "2", "--out", none + "/x.png"}, none + "/x.png: cannot be written"},
    };
    for (const auto &[arguments, sentence] : wrong) {
        const Finished run = run_program("foreign_host", arguments);
        CHECK(run.code == 1);
        const size_t at = run.err.find("foreign_host: ");
        REQUIRE_MESSAGE(at != std::string::npos, run.err);
        CHECK_MESSAGE(run.err.find(sentence, at) != std::string::npos, run.err);
    }
}
