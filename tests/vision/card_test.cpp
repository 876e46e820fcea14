// labels: host_only bad_input
#include "plugins/vision/card.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/files.h"

using namespace sac;
using Json = nlohmann::json;

namespace {

const std::string source = "models/some/card.json";

Result<std::string> no_files(const std::string &name) { return Error(Code::not_found, name + ": no such file"); }

Json good_card() {
    return Json::parse(R"({
        "name": "Some", "task": "detect",
        "input": {"name": "image", "width": 64, "height": 48, "fit": "letterbox", "filter": "bilinear",
                  "channels": "rgb", "layout": "NCHW", "scale": 0.5, "mean": [1, 2, 3], "std": [4, 5, 6]},
        "head": {"type": "fastestdet", "output": "out"},
        "labels": ["a", "b"],
        "thresholds": {"score": 0.3, "nms_iou": 0.6},
        "licence": "MIT", "source": "made by hand"
    })");
}

Json anchor_free_card() {
    Json card = good_card();
    card["head"] = {{"type", "anchor_free"}, {"outputs", {"boxes"}}, {"strides", {8, 16, 32}}, {"box", "distance"},
                    {"objectness", true},    {"sigmoid", false},     {"channels", "last"}};
    return card;
}

void check_error(const Json &card, const std::string &field, Code code = Code::invalid_file) {
    const auto result = parse_card(card.dump(), source, no_files);
    INFO(field);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == code);
    CHECK(result.error().message.find(source) != std::string::npos);
    CHECK_MESSAGE(result.error().message.find("\"" + field + "\"") != std::string::npos, result.error().message);
}

}  // namespace

TEST_CASE("a card with what is required, and defaults for the rest") {
    const auto card = parse_card(good_card().dump(), source, no_files);
    REQUIRE_MESSAGE(card.ok(), (card.ok() ? "" : card.error().message));
    CHECK(card->name == "Some");
    CHECK(card->file == "model.onnx");
    CHECK((card->input.width == 64 && card->input.height == 48));
    CHECK(card->input.fit == Fit::letterbox);
    CHECK(card->input.filter == Filter::bilinear);
    CHECK(card->input.scale == 0.5f);
    CHECK(card->input.mean == std::array<float, 3>{1, 2, 3});
    CHECK(card->input.std == std::array<float, 3>{4, 5, 6});
    CHECK(card->input.pad == std::array<uint8_t, 3>{});
    CHECK(card->head.type == HeadType::fastestdet);
    CHECK(card->head.outputs == std::vector<std::string>{"out"});
    CHECK(card->labels == std::vector<std::string>{"a", "b"});
    CHECK(card->score_threshold == 0.3f);
    CHECK(card->nms_iou == 0.6f);
    CHECK(card->max_detections == 100);
    CHECK(card->class_aware);
    CHECK(card->sha256.empty());
}

TEST_CASE("optional fields") {
    Json json = anchor_free_card();
    json["file"] = "weights/a.onnx";
    json["max_detections"] = 7;
    json["class_aware"] = false;
    json["sha256"] = std::string(64, 'a');
    json["input"]["fit"] = "crop";
    json["input"]["resize"] = 80;
    json["input"]["pad"] = {1, 2, 3};
    json["input"]["layout"] = "NHWC";
    json["input"]["channels"] = "bgr";
    const auto card = parse_card(json.dump(), source, no_files);
    REQUIRE_MESSAGE(card.ok(), (card.ok() ? "" : card.error().message));
    CHECK(card->file == "weights/a.onnx");
    CHECK(card->max_detections == 7);
    CHECK_FALSE(card->class_aware);
    CHECK(card->input.resize == 80);
    CHECK(card->input.pad == std::array<uint8_t, 3>{1, 2, 3});
    CHECK(card->input.layout == TensorOrder::nhwc);
    CHECK(card->input.channels == ChannelOrder::bgr);
    CHECK(card->head.type == HeadType::anchor_free);
    CHECK(card->head.box == BoxEncoding::distance);
    CHECK(card->head.strides == std::vector<uint32_t>{8, 16, 32});
    CHECK((card->head.objectness && !card->head.sigmoid && card->head.channels_last));
}

TEST_CASE("every required field, missing and of another kind") {
    const char *const pointers[] = {"/name",
                                    "/task",
                                    "/input",
                                    "/head",
                                    "/labels",
                                    "/thresholds",
                                    "/licence",
                                    "/source",
                                    "/input/name",
                                    "/input/width",
                                    "/input/height",
                                    "/input/fit",
                                    "/input/filter",
                                    "/input/channels",
                                    "/input/layout",
                                    "/input/scale",
                                    "/input/mean",
                                    "/input/std",
                                    "/head/type",
                                    "/head/output",
                                    "/thresholds/score",
                                    "/thresholds/nms_iou"};
    for (const char *const pointer : pointers) {
        std::string field = std::string(pointer).substr(1);
        if (field.find('/') != std::string::npos) field[field.find('/')] = '.';
        Json missing = good_card();
        missing = missing.patch(Json::parse(R"([{"op": "remove", "path": ")" + std::string(pointer) + "\"}]"));
        check_error(missing, field);
        // A list of objects is right for none of them.
        for (const Json &wrong : {Json(nullptr), Json::array({Json::object()}), Json(true), Json("")}) {
            Json changed = good_card();
            changed[Json::json_pointer(pointer)] = wrong;
            check_error(changed, field);
        }
    }
    for (const char *const name : {"outputs", "strides", "box", "objectness", "sigmoid", "channels"}) {
        Json missing = anchor_free_card();
        missing["head"].erase(name);
        check_error(missing, std::string("head.") + name);
        for (const Json &wrong : {Json(nullptr), Json(-1), Json::array({Json::object()}), Json::array()}) {
            Json changed = anchor_free_card();
            changed["head"][name] = wrong;
            check_error(changed, std::string("head.") + name);
        }
    }
}

TEST_CASE("values out of their range") {
    const auto with = [](const char *pointer, Json value) {
        Json card = good_card();
        card[Json::json_pointer(pointer)] = std::move(value);
        return card;
    };
    for (const Json &size : {Json(0), Json(-4), Json(8193), Json(64.5), Json(1e300), Json(uint64_t(1) << 33)}) {
        check_error(with("/input/width", size), "input.width");
        check_error(with("/input/height", size), "input.height");
    }
    check_error(with("/input/fit", "Stretch"), "input.fit");
    check_error(with("/input/filter", "bicubic"), "input.filter");
    check_error(with("/input/channels", "gray"), "input.channels");
    check_error(with("/input/layout", "nchw"), "input.layout");
    check_error(with("/input/scale", 0), "input.scale");
    check_error(with("/input/mean", {1, 2}), "input.mean");
    check_error(with("/input/mean", {1, 2, 1e30}), "input.mean");
    check_error(with("/input/std", {1, 0, 1}), "input.std");
    check_error(with("/input/std", {1, 1, 1, 1}), "input.std");
    check_error(with("/input/pad", {0, 0, 256}), "input.pad");
    check_error(with("/input/pad", {0, 0}), "input.pad");
    check_error(with("/input/resize", 256), "input.resize");  // not a crop
    Json crop = with("/input/fit", "crop");
    crop["input"]["resize"] = 63;  // would leave the input uncovered
    check_error(crop, "input.resize");
    check_error(with("/thresholds/score", 1.01), "thresholds.score");
    check_error(with("/thresholds/nms_iou", -0.1), "thresholds.nms_iou");
    check_error(with("/max_detections", 0), "max_detections");
    check_error(with("/max_detections", max_detections_limit + 1), "max_detections");
    check_error(with("/class_aware", 1), "class_aware");
    check_error(with("/labels", Json::array()), "labels");
    check_error(with("/labels", {"a", 3}), "labels");
    check_error(with("/labels", std::vector<std::string>(32769, "x")), "labels");
    check_error(with("/sha256", "abc"), "sha256");
    check_error(with("/sha256", std::string(64, 'A')), "sha256");
    check_error(with("/licence", ""), "licence");
    check_error(with("/max_detection", 5), "max_detection");  // misspelt
    check_error(with("/input/colour", 5), "input.colour");
    check_error(with("/head/strides", {8}), "head.strides");
    Json labels = anchor_free_card();
    labels["head"]["multi_label"] = 1;
    check_error(labels, "head.multi_label");
    Json strides = anchor_free_card();
    strides["head"]["outputs"] = {"a", "b"};
    check_error(strides, "head.outputs");
    strides["head"]["strides"] = {8, 0};
    check_error(strides, "head.strides");
}

TEST_CASE("heads and tasks that are not there are unsupported, by name") {
    Json card = good_card();
    card["head"]["type"] = "detr";
    check_error(card, "head.type", Code::unsupported);
    check_error(card, "detr", Code::unsupported);
    card = good_card();
    card["task"] = "caption";
    check_error(card, "caption", Code::unsupported);
}

TEST_CASE("files stay in the model's folder") {
    for (const char *const name : {"a.txt", "labels/a.txt", "a..b", "./a", "..a/b"}) CHECK(stays_inside(name));
    for (const char *const name : {"", "..", "../a", "a/../../b", "a/..", "/etc/passwd", "C:a", "a\\b", "..\\a"})
        CHECK_FALSE(stays_inside(name));
    CHECK_FALSE(stays_inside(std::string_view("a\0b", 3)));
    Json card = good_card();
    for (const char *const name : {"../labels.txt", "/labels.txt", "a\\b"}) {
        card["labels"] = name;
        check_error(card, "labels");
        Json file = good_card();
        file["file"] = name;
        check_error(file, "file");
    }
}

TEST_CASE("labels from a file") {
    Json json = good_card();
    json["labels"] = "names.txt";
    const auto card = parse_card(json.dump(), source, [](const std::string &name) -> Result<std::string> {
        CHECK(name == "names.txt");
        return std::string("cat\r\ntraffic light\n\ndog");
    });
    REQUIRE(card.ok());
    CHECK(card->labels == std::vector<std::string>{"cat", "traffic light", "dog"});
    const auto missing = parse_card(json.dump(), source, no_files);
    REQUIRE_FALSE(missing.ok());
    CHECK(missing.error().code == Code::not_found);
    CHECK(missing.error().message.find("labels") != std::string::npos);
    CHECK(missing.error().message.find("names.txt") != std::string::npos);
}

TEST_CASE("damaged text") {
    const std::string text = good_card().dump();
    for (size_t length = 0; length < text.size(); ++length) {
        const auto result = parse_card(text.substr(0, length), source, no_files);
        REQUIRE_FALSE(result.ok());
        REQUIRE(result.error().message.find(source) == 0);
    }
    for (const std::string &other : {std::string("[]"), std::string("3"), std::string(5000000, ' '),
                                     std::string(100000, '['), std::string("{\"name\": \"\xff\"}")})
        CHECK_FALSE(parse_card(other, source, no_files).ok());
    // One bit changed: an error or a card, never a crash.
    for (size_t bit = 0; bit < 8 * text.size(); ++bit) {
        std::string damaged = text;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
        const auto result = parse_card(damaged, source, no_files);
        if (!result.ok()) REQUIRE(result.error().message.find(source) == 0);
    }
}

TEST_CASE("a model folder on disk") {
    test::TempDir folder;
    auto missing = load_card(folder.path().string());
    REQUIRE_FALSE(missing.ok());
    CHECK(missing.error().code == Code::not_found);
    CHECK(missing.error().message.find("card.json") != std::string::npos);

    Json json = good_card();
    json["labels"] = "names.txt";
    test::write_text(folder / "card.json", json.dump());
    test::write_text(folder / "names.txt", "a\nb\n");
    const auto card = load_card(folder.path().string());
    REQUIRE_MESSAGE(card.ok(), (card.ok() ? "" : card.error().message));
    CHECK(card->labels.size() == 2);

    // A symbolic link inside that leads outside.
    test::TempDir outside;
    test::write_text(outside / "secret.txt", "x\n");
    std::error_code failed;
    std::filesystem::create_symlink(outside / "secret.txt", folder / "link.txt", failed);
    if (failed) return;  // a system without links
    json["labels"] = "link.txt";
    test::write_text(folder / "card.json", json.dump());
    const auto leads_out = load_card(folder.path().string());
    REQUIRE_FALSE(leads_out.ok());
    CHECK(leads_out.error().code == Code::invalid_file);
    CHECK(leads_out.error().message.find("link.txt") != std::string::npos);
}

TEST_CASE("the card of FastestDet") {
    const auto card = load_card(SACCADE_SOURCE_DIR "/assets/models/fastestdet");
    REQUIRE_MESSAGE(card.ok(), (card.ok() ? "" : card.error().message));
    CHECK(card->labels.size() == 80);
    CHECK(card->labels[16] == "dog");
    CHECK(card->input.filter == Filter::area);
    CHECK(card->input.channels == ChannelOrder::bgr);
    CHECK(card->nms_iou == 0.45f);
}
