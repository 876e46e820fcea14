// labels: bad_input
// Scores of tracks: examples worked by hand, and the command that gives them.
#include <doctest/doctest.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "engine/io/image.h"
#include "samples/cli/track_score.h"
#include "tests/cli/program.h"
#include "tests/engine/pictures.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::test;
using cli::score_tracks;
using cli::TrackedBox;
using cli::TrackScore;

namespace {

using Frames = std::vector<std::vector<TrackedBox>>;

// 10 x 10 pixels. Boxes that are `shift` apart overlap by (10 - shift) / (10 + shift).
TrackedBox box(uint32_t track, double x, uint32_t class_id = 0) { return {track, class_id, x, 0, x + 10, 10}; }

// One object at 0 with these tracks, frame by frame; 0: not found.
TrackScore one_object(const std::vector<uint32_t> &tracks) {
    Frames truth, found;
    for (const uint32_t track : tracks) {
        truth.push_back({box(1, 0)});
        found.emplace_back();
        if (track) found.back().push_back(box(track, 0));
    }
    return score_tracks(truth, found);
}

}  // namespace

TEST_CASE("one object: what a switch, a gap and a false box cost") {
    const TrackScore perfect = one_object({4, 4, 4});
    CHECK(perfect.idf1() == 1);
    CHECK(perfect.mota() == 1);
    CHECK(perfect.motp() == 1);

    const TrackScore split = one_object({1, 1, 1, 2});
    CHECK(split.switches == 1);
    CHECK(split.fragments == 0);
    CHECK(split.mota() == doctest::Approx(1 - 1 / 4.0));
    CHECK(split.id_matches == 3);
    CHECK(split.idf1() == doctest::Approx(2 * 3 / 8.0));

    const TrackScore gap = one_object({1, 1, 0, 2, 2, 1});  // a switch after a gap is one, and back again another
    CHECK(gap.switches == 2);
    CHECK(gap.fragments == 1);
    CHECK(gap.mota() == doctest::Approx(1 - (1 + 2) / 6.0));
    CHECK(gap.idf1() == doctest::Approx(2 * 3 / 11.0));
    CHECK(gap.idp() == doctest::Approx(3 / 5.0));
    CHECK(gap.idr() == doctest::Approx(3 / 6.0));

    Frames truth(5, {box(1, 0)}), found(5, {box(1, 0)});
    found[2] = {box(9, 100)};
    const TrackScore beside = score_tracks(truth, found);
    CHECK(beside.matches == 4);
    CHECK(beside.mota() == doctest::Approx(1 - (1 + 1) / 5.0));
    CHECK(beside.idf1() == doctest::Approx(2 * 4 / 10.0));
    CHECK(beside.tracks == 2);

    CHECK(score_tracks(truth, Frames(5)).idf1() == 0);
    CHECK(score_tracks(truth, Frames(5)).mota() == 0);
    CHECK(score_tracks(Frames(5), found).mota() == 0);  // nothing there: no share of it
}

TEST_CASE("two objects that swap their tracks, and which track is whose at best") {
    Frames truth, found;
    for (int i = 0; i < 6; ++i) {
        truth.push_back({box(1, 0), box(2, 50)});
        found.push_back({box(i < 3 ? 1 : 2, 0), box(i < 3 ? 2 : 1, 50)});
    }
    const TrackScore swapped = score_tracks(truth, found);
    CHECK(swapped.switches == 2);
    CHECK(swapped.mota() == doctest::Approx(1 - 2 / 12.0));
    CHECK(swapped.idf1() == doctest::Approx(6 / 12.0));

    // Object 1 is track A for three frames and B for two; object 2 is A for two. A for object 1 gives 3; A for object 2
    // and B for object 1 give 4.
    truth = {{box(1, 0)}, {box(1, 0)}, {box(1, 0)}, {box(1, 0), box(2, 50)}, {box(1, 0), box(2, 50)}};
    found = {{box(7, 0)}, {box(7, 0)}, {box(7, 0)}, {box(8, 0), box(7, 50)}, {box(8, 0), box(7, 50)}};
    const TrackScore best = score_tracks(truth, found);
    CHECK(best.id_matches == 4);
    CHECK(best.idf1() == doctest::Approx(2 * 4 / 14.0));
    CHECK(best.switches == 1);

    TrackScore sum = swapped;
    sum += best;
    CHECK(sum.true_tracks == 4);
    CHECK(sum.idf1() == doctest::Approx(2 * 10 / 38.0));
}

TEST_CASE("overlap, classes, and pairs that go on") {
    CHECK(cli::overlap_of(box(1, 0), box(2, 2.5)) == doctest::Approx(7.5 / 12.5));
    CHECK(cli::overlap_of(box(1, 0, 1), box(2, 0, 2)) == 0);
    CHECK(cli::overlap_of(box(1, 0), box(2, 10)) == 0);
    const Frames truth = {{box(1, 0)}, {box(1, 0)}};
    // A better box does not end a pair that overlaps enough.
    const TrackScore stays = score_tracks(truth, Frames{{box(5, 0)}, {box(5, 2.5), box(6, 0)}});
    CHECK(stays.switches == 0);
    CHECK(stays.motp() == doctest::Approx((1 + 0.6) / 2));
    CHECK(stays.mota() == doctest::Approx(1 - 1 / 2.0));
    CHECK(score_tracks(truth, Frames{{box(5, 0)}, {box(5, 4), box(6, 0)}}).switches == 1);  // 6 / 14 is not enough
    CHECK(score_tracks(truth, Frames{{box(5, 0)}, {box(5, 4)}}, 0.4).matches == 2);
    CHECK(score_tracks(truth, Frames{{box(5, 0)}, {box(5, 0, 3)}}).matches == 1);
}

TEST_CASE("what is ignored counts nowhere") {
    Frames truth = {{box(1, 0), box(2, 50)}, {box(1, 0), box(2, 50)}};
    truth[0][1].ignore = truth[1][1].ignore = true;
    for (const Frames &found : {Frames{{box(1, 0)}, {box(1, 0)}}, Frames{{box(1, 0), box(2, 51)}, {box(1, 0)}}}) {
        const TrackScore score = score_tracks(truth, found);
        CHECK(score.truth == 2);
        CHECK(score.found == 2);
        CHECK(score.idf1() == 1);
        CHECK(score.mota() == 1);
    }
    // But nothing else is ignored: 58 is not on 50.
    CHECK(score_tracks(truth, Frames{{box(1, 0), box(2, 58)}, {box(1, 0)}}).mota() == doctest::Approx(0.5));
}

TEST_CASE("detect --track") {
    using Json = nlohmann::json;
    const TempDir dir;
    std::vector<std::string> folders;
    for (const char *name : {"one", "two"}) {  // nothing moves
        folders.push_back((dir / name).string());
        std::filesystem::create_directory(folders.back());
        for (const char *picture : {"/1.png", "/2.png", "/3.png", "/4.png"})
            REQUIRE(engine::write_image(folders.back() + picture, pattern(320, 200)).ok());
    }
    const Finished finished = saccade({"detect", "--model", "seeded", "--track", "--json", folders[0], folders[1]});
    CAPTURE(finished.err);
    REQUIRE(finished.code == 0);
    const std::vector<std::string> lines = finished.lines();
    REQUIRE(lines.size() == 8);
    std::vector<uint32_t> first;
    for (size_t i = 0; i < 8; ++i) {
        CAPTURE(lines[i]);
        const Json line = Json::parse(lines[i]);
        std::vector<uint32_t> ids;
        for (const Json &detection : line.at("detections"))
            if (detection.contains("track")) ids.push_back(detection.at("track").get<uint32_t>());
        if (i % 4 == 0) CHECK(ids.empty());  // seen once, also of the second source
        if (i == 1) first = ids;
        if (i == 1 || i == 5) CHECK_FALSE(ids.empty());
        if (i == 2 || i == 3) CHECK(ids == first);
        if (i > 4)
            for (const uint32_t id : ids) CHECK(id > *std::max_element(first.begin(), first.end()));
    }
    const Finished without = saccade({"detect", "--model", "seeded", "--json", folders[0]});
    CHECK(without.code == 0);
    CHECK(without.out.find("track") == std::string::npos);
    const Finished text = saccade({"detect", "--model", "seeded", "--track", folders[0]});
    CHECK(text.out.find("  #1") != std::string::npos);
}

TEST_CASE("saccade score") {
    const TempDir dir;
    std::filesystem::create_directories(dir / "clips");
    write_text(dir / "clips.json", R"({"clips":[{"truth":"clips/000000.json"},{"truth":"clips/000001.json"}]})");
    const std::string object = R"({"track_id":1,"category_id":4,"bbox":[0,0,10,10],"ignore":0})";
    std::string truth = R"({"categories":[{"id":4,"name":"ball"}],"frames":[)";
    for (const char *frame : {R"({"frame":0)", R"(,{"frame":1)", R"(,{"frame":2)"})
        truth.append(frame).append(R"(,"annotations":[)").append(object).append("]}");
    for (const char *name : {"clips/000000.json", "clips/000001.json"}) write_text(dir / name, truth + "]}");
    const auto line = [](int frame, const std::string &more) {
        return R"({"source":"any/000001.mp4","frame":)" + std::to_string(frame) +
               R"(,"detections":[{"label":"ball","score":0.9,"box":[0,0,10,10])" + more + "}]}\n";
    };
    const std::string results = (dir / "results.jsonl").string();
    const auto score = [&](const std::string &text, std::vector<std::string> more = {}) {
        write_text(results, text);
        more.insert(more.begin(), {"score", dir.path().string(), results});
        return saccade(more);
    };
    const std::string good = line(0, R"(,"track":3)") + line(1, R"(,"track":3)") + line(2, R"(,"track":5)");
    const Finished text = score(good);
    CAPTURE(text.err);
    REQUIRE(text.code == 0);
    CHECK(text.lines()[0] == "1 of 2 clips, 3 frames, 1 objects, 2 tracks");
    CHECK(text.lines()[1] == "IDF1 0.6667  (precision 0.6667, recall 0.6667)");
    CHECK(text.lines()[2] == "MOTA 0.6667  MOTP 1.0000");
    CHECK(text.lines()[3] == "identity switches 1, fragments 0, missed 0, false 0 of 3");
    const auto json = nlohmann::json::parse(score(good, {"--json"}).out);
    CHECK(json["idf1"].get<double>() == doctest::Approx(2 / 3.0).epsilon(1e-5));
    CHECK(json["switches"] == 1);

    const auto fails = [&](const std::string &wrong, const std::string &says) {
        const Finished failed = score(wrong);
        CAPTURE(failed.err);
        CHECK(failed.code == 1);
        CHECK(failed.err.find(says) != std::string::npos);
    };
    fails(line(0, "") + line(1, ""), "--track");
    fails("", "--track");
    fails(good + "{\"source\":", "results.jsonl, line 4");
    fails(good + "{\"source\":\"a/000001.mp4\"}\n", "line 4");
    fails(good + "{\"source\":\"a/000009.mp4\",\"frame\":0,\"detections\":[]}\n", "a/000009.mp4");
    fails(line(3, R"(,"track":3)"), "frame 3");
    fails(line(0, R"(,"track":"x")"), "line 1");
    write_text(dir / "clips/000001.json", R"({"frames":[]})");
    fails(good, "000001.json");
    write_text(dir / "clips/000001.json", "{");
    fails(good, "000001.json");
    CHECK(saccade({"score", (dir / "none").string(), results}).code == 1);
    CHECK(saccade({"score", results}).code == 2);
}
