// labels: bad_input tsan
// sac.debug/1, version 2: the running model looked at while frames go through.

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <limits>
#include <thread>

#include "compute/onnx/import.h"
#include "plugins/vision/inspect_statistics.h"
#include "tests/support/device.h"
#include "tests/support/files.h"
#include "tests/support/ref.h"
#include "tests/support/reference.h"
#include "tests/vision/inspect_support.h"

using namespace sac;
using namespace sac::test;

namespace {

/// Every tensor of the model by its name, in double precision, from what the network was given.
ReferenceTensors expected_tensors(const std::filesystem::path &folder, const std::vector<sac_layer_info> &layers,
                                  const std::vector<float> &image) {
    auto graph = onnx::import_file((folder / "model.onnx").string());
    REQUIRE(graph.ok());
    graph->outputs.clear();
    for (const sac_layer_info &layer : layers)
        if (layer.kind != SAC_LAYER_INPUT) graph->outputs.push_back(graph->find_value(layer.name).value());
    auto tensors = evaluate_reference(*graph, {{"image", {{1, 3, 32, 32}, {image.begin(), image.end()}}}});
    REQUIRE_MESSAGE(tensors.ok(), tensors.error().message);
    (*tensors)["image"] = {{1, 3, 32, 32}, {image.begin(), image.end()}};
    return std::move(*tensors);
}

std::vector<std::string> names_of(const std::vector<sac_layer_info> &layers, uint32_t kind) {
    std::vector<std::string> names;
    for (const sac_layer_info &layer : layers)
        if (layer.kind == kind) names.emplace_back(layer.name);
    return names;
}

sac_tensor_statistics make_statistics() { return make_struct<sac_tensor_statistics>(SAC_TYPE_TENSOR_STATISTICS); }

sac_histogram make_histogram(std::vector<uint64_t> &bins, float low = 0, float high = 0) {
    auto histogram = make_struct<sac_histogram>(SAC_TYPE_HISTOGRAM);
    histogram.low = low;
    histogram.high = high;
    histogram.bin_count = static_cast<uint32_t>(bins.size());
    histogram.bins = bins.data();
    return histogram;
}

/// By plain loops: statistics and bins of these values.
struct ExpectedStatistics {
    double mean = 0, deviation = 0;
    float min = 0, max = 0;
    uint64_t nans = 0, infinities = 0, zeros = 0, below = 0, above = 0;
    std::vector<uint64_t> bins;
    ExpectedStatistics(const std::vector<float> &values, size_t count, bool automatic, double low, double high)
        : bins(count, 0) {
        std::vector<double> finite;
        for (const float value : values) {
            nans += std::isnan(value);
            infinities += std::isinf(value);
            zeros += value == 0;
            if (std::isfinite(value)) finite.push_back(static_cast<double>(value));
        }
        if (finite.empty()) return;
        min = static_cast<float>(*std::min_element(finite.begin(), finite.end()));
        max = static_cast<float>(*std::max_element(finite.begin(), finite.end()));
        if (automatic) low = static_cast<double>(min), high = static_cast<double>(max);
        for (const double value : finite) mean += value / static_cast<double>(finite.size());
        for (const double value : finite) {
            deviation += (value - mean) * (value - mean) / static_cast<double>(finite.size());
            if (value < low) ++below;
            if (value > high) ++above;
            if (value < low || value > high) continue;
            size_t bin = 0;
            if (high > low) bin = static_cast<size_t>(std::floor((value - low) / (high - low) * double(count)));
            ++bins[std::min(bin, count - 1)];
        }
        deviation = std::sqrt(deviation);
    }
};

void check_statistics(const sac_tensor_statistics &actual, const std::vector<uint64_t> &bins,
                      const ExpectedStatistics &expected, size_t count) {
    CHECK(actual.count == count);
    CHECK(actual.nan_count == expected.nans);
    CHECK(actual.inf_count == expected.infinities);
    CHECK(actual.zero_count == expected.zeros);
    CHECK(actual.min == expected.min);
    CHECK(actual.max == expected.max);
    CHECK(actual.mean == doctest::Approx(expected.mean).epsilon(1e-9));
    CHECK(actual.deviation == doctest::Approx(expected.deviation).epsilon(1e-9));
    CHECK(actual.below == expected.below);
    CHECK(actual.above == expected.above);
    CHECK(bins == expected.bins);
}

}  // namespace

TEST_CASE("statistics and histograms of tensors in any layout, numbers that are none counted apart") {
    std::vector<float> values = random_floats(2 * 5 * 12, 3, -2, 3);
    values[0] = std::numeric_limits<float>::quiet_NaN();
    values[17] = std::numeric_limits<float>::infinity();
    values[18] = -std::numeric_limits<float>::infinity();
    values[40] = 0;
    values[41] = -0.0f;
    Layer layer;
    layer.shape = {2, 5, 3, 4};
    const auto check = [&](const std::byte *storage, const std::vector<float> &stored) {
        for (const auto &[low, high] : {std::pair(0.0f, 0.0f), std::pair(-1.0f, 1.5f), std::pair(5.0f, 6.0f)})
            for (const size_t count : {1u, 7u, 256u}) {
                std::vector<uint64_t> bins(count, 99);
                const sac_histogram histogram = make_histogram(bins, low, high);
                REQUIRE(vision::check_histogram(histogram).ok());
                sac_tensor_statistics statistics = {};
                vision::compute_statistics(layer, storage, &histogram, statistics);
                check_statistics(statistics, bins,
                                 {stored, count, low == high, static_cast<double>(low), static_cast<double>(high)},
                                 stored.size());
            }
        sac_tensor_statistics plain = {};
        vision::compute_statistics(layer, storage, nullptr, plain);
        CHECK(plain.nan_count == 1);
        CHECK(plain.low == 0);
    };
    check(reinterpret_cast<const std::byte *>(values.data()), values);

    // As halves, channels last in rows of a concatenation: channels 4 to 8 of 12, the others something else.
    layer.layout = Layout::c4;
    layer.dtype = DType::f16;
    layer.row = 12;
    layer.begin = 4;
    std::vector<uint16_t> halves(2 * 12 * 12, 0x7C00);
    const std::vector<uint16_t> stored = to_half(values);
    for (size_t n = 0; n < 2; ++n)
        for (size_t c = 0; c < 5; ++c)
            for (size_t p = 0; p < 12; ++p) halves[(n * 12 + p) * 12 + 4 + c] = stored[(n * 5 + c) * 12 + p];
    check(reinterpret_cast<const std::byte *>(halves.data()), from_half(stored));

    // All the same, none finite, none at all.
    layer = {};
    layer.shape = {3};
    for (const float value : {2.5f, std::numeric_limits<float>::quiet_NaN()}) {
        const std::vector<float> same(3, value);
        std::vector<uint64_t> bins(4);
        const sac_histogram histogram = make_histogram(bins);
        sac_tensor_statistics statistics = {};
        vision::compute_statistics(layer, reinterpret_cast<const std::byte *>(same.data()), &histogram, statistics);
        check_statistics(statistics, bins, {same, 4, true, 0, 0}, 3);
    }
}

TEST_CASE("every tensor of the running model is what the network computes") {
    const TempDir folder;
    write_layers_model(folder / "layers");
    for (const uint32_t flags : {0u, uint32_t{SAC_MODEL_FP16}}) {
        Tool tool;
        tool.host.load(folder / "layers", flags);
        const double bound = flags ? 4e-3 : 1e-5;
        const std::vector<sac_layer_info> layers = tool.layers();
        CHECK(names_of(layers, SAC_LAYER_INPUT) == std::vector<std::string>{"image"});
        CHECK(names_of(layers, SAC_LAYER_FUSED) == std::vector<std::string>{"c1", "mixed", "logits"});
        CHECK(names_of(layers, SAC_LAYER_OUTPUT) == std::vector<std::string>{"cells"});
        std::vector<std::string> made;
        for (const sac_layer_info &layer : layers) {
            CAPTURE(layer.name);
            const bool fused = layer.kind == SAC_LAYER_FUSED;
            CHECK((layer.bytes == 0) == fused);
            CHECK(layer.rank == 4);
            CHECK(std::string(layer.node).empty() == (fused || layer.kind == SAC_LAYER_INPUT));
            if (!fused) made.emplace_back(layer.name);
        }
        ColorFrame picture(SAC_FORMAT_RGB8, 10, 1, 2, 1);
        for (const bool together : {true, false})
            for (size_t i = 0; i < (together ? 1 : made.size()); ++i) {
                std::vector<std::string> watched = together ? made : std::vector{made[i]};
                if (!together) watched.emplace_back("image");
                REQUIRE_MESSAGE(tool.watch(watched) == SAC_OK, tool.host.last_error());
                const uint64_t sequence = tool.run(picture.frame);
                const ReferenceTensors expected = expected_tensors(folder / "layers", layers, tool.tensor("image"));
                for (const std::string &name : watched) {
                    CAPTURE(name);
                    const ReferenceTensor &reference = expected.at(name);
                    const std::vector<float> values = tool.tensor(name);
                    CHECK(relative_error(values, reference.data) < bound);
                    std::vector<uint64_t> bins(16);
                    const sac_histogram histogram = make_histogram(bins);
                    auto statistics = make_statistics();
                    REQUIRE(tool.debug->read_statistics(tool.host.context, name.c_str(), &histogram, &statistics) ==
                            SAC_OK);
                    check_statistics(statistics, bins, {values, 16, true, 0, 0}, values.size());
                    CHECK(statistics.sequence == sequence);
                    CHECK(statistics.model_id == tool.running().model_id);
                    const auto largest = *std::max_element(reference.data.begin(), reference.data.end());
                    CHECK(static_cast<double>(statistics.max) == doctest::Approx(largest).epsilon(bound));
                    const size_t pixels = values.size() / static_cast<size_t>(reference.shape[1]);
                    for (uint32_t c = 0; c < reference.shape[1]; ++c) {
                        const std::vector<float> map = tool.map(name, 0, c);
                        REQUIRE(map.size() == pixels);
                        CHECK(std::equal(map.begin(), map.end(), values.begin() + static_cast<ptrdiff_t>(c * pixels)));
                    }
                }
            }
    }
}

TEST_CASE("what the network sees, with what is needed to show it as a picture") {
    const TempDir folder;
    write_layers_model(folder / "layers");
    Tool tool;
    auto none = make_struct<sac_running_info>(SAC_TYPE_RUNNING_INFO);
    CHECK(tool.debug->get_running_info(tool.host.context, &none) == SAC_NOT_READY);
    const uint32_t id = tool.host.load(folder / "layers", SAC_MODEL_FP16);
    const sac_running_info info = tool.running();
    CHECK(info.model_id == id);
    CHECK(info.class_count == 3);
    CHECK(info.flags == SAC_MODEL_FP16);
    CHECK(info.input_width == 32);
    CHECK(info.input_height == 32);
    CHECK(info.input_nhwc == 0);
    CHECK(info.input_bgr == 1);
    CHECK(info.input_fit == SAC_FIT_LETTERBOX);
    CHECK(info.input_filter == SAC_FILTER_BILINEAR);
    CHECK(info.score_threshold == 0.4f);
    CHECK(info.iou_threshold == 0.45f);
    CHECK(std::string(info.input) == "image");
    CHECK(info.weight_bytes > 0);
    CHECK(info.live_set_bytes > 0);
    CHECK(info.arena_bytes >= info.live_set_bytes);
    double flops = 0;
    auto dispatch = make_struct<sac_running_dispatch>(SAC_TYPE_RUNNING_DISPATCH);
    for (uint32_t i = 0; i < info.dispatch_count; ++i) {
        REQUIRE(tool.debug->get_running_dispatch(tool.host.context, id, i, &dispatch) == SAC_OK);
        flops += dispatch.flops;
        CHECK_FALSE(std::string(dispatch.kernel).empty());
        CHECK_FALSE(std::string(dispatch.node).empty());
        CHECK(dispatch.read_bytes > 0);
        CHECK(dispatch.written_bytes > 0);
    }
    CHECK(flops == info.flops);
    CHECK(flops > 2 * 27 * 6 * 1024);
    char label[8];
    uint64_t size = 0;
    REQUIRE(tool.debug->get_class_label(tool.host.context, id, 1, label, sizeof label, &size) == SAC_OK);
    CHECK(std::string(label) == "b");
    CHECK(size == 2);
    CHECK(tool.debug->get_class_label(tool.host.context, id, 3, label, sizeof label, &size) == SAC_ERROR_NOT_FOUND);

    // A green cell of a picture of the network's own size: v = x * std + mean, then by the scale.
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 1, 2, 1);
    REQUIRE(tool.watch({"image"}) == SAC_OK);
    tool.run(picture.frame);
    for (uint32_t channel = 0; channel < 3; ++channel) {
        const std::vector<float> map = tool.map("image", 0, channel);
        REQUIRE(map.size() == 32 * 32);
        for (size_t y = 0; y < 32; ++y)
            for (size_t x = 0; x < 32; ++x) {
                const float value =
                    (map[y * 32 + x] * info.input_std[channel] + info.input_mean[channel]) / info.input_scale;
                const uint8_t pixel = picture.pixels[(y * 32 + x) * 3 + 2 - channel];
                REQUIRE(value == doctest::Approx(pixel).epsilon(2e-3));
            }
    }
}

TEST_CASE("what is watched follows the model, by its names") {
    const TempDir folder;
    write_layers_model(folder / "first", 1);
    write_layers_model(folder / "second", 50);
    write_color_model(folder / "colors");
    Tool tool;
    REQUIRE(tool.watch({"sum", "image"}) == SAC_OK);  // before there is a model
    const uint32_t first = tool.host.load(folder / "first");
    uint64_t count = 0, sequence = 0;
    CHECK(tool.debug->read_tensor(tool.host.context, "sum", nullptr, 0, &count, nullptr) == SAC_NOT_READY);
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 1, 2, 1);
    tool.run(picture.frame);
    const std::vector<float> before = tool.tensor("sum");
    const uint32_t second = tool.host.load(folder / "second");
    auto info = make_struct<sac_layer_info>(SAC_TYPE_LAYER_INFO);
    CHECK(tool.debug->get_layer_info(tool.host.context, first, 0, &info) == SAC_ERROR_NOT_FOUND);
    CHECK(tool.host.last_error().find("not in use") != std::string::npos);
    CHECK(tool.debug->get_layer_info(tool.host.context, second, 0, &info) == SAC_OK);
    const uint64_t newest = tool.run(picture.frame);
    CHECK(tool.tensor("sum") != before);
    REQUIRE(tool.debug->read_tensor(tool.host.context, "sum", nullptr, 0, &count, &sequence) == SAC_OK);
    CHECK(sequence == newest);
    CHECK(count == 9 * 16);

    tool.host.load(folder / "colors");  // which has an "image", but no "sum"
    tool.run(picture.frame);
    CHECK(tool.tensor("image").size() == 3 * 32 * 32);
    CHECK(tool.debug->read_tensor(tool.host.context, "sum", nullptr, 0, &count, nullptr) == SAC_ERROR_NOT_FOUND);

    REQUIRE(tool.debug->set_inspection(tool.host.context, nullptr) == SAC_OK);
    CHECK(tool.debug->read_tensor(tool.host.context, "image", nullptr, 0, &count, nullptr) == SAC_ERROR_NOT_FOUND);
    CHECK(tool.host.last_error().find("not watched") != std::string::npos);
    tool.run(picture.frame);
    CHECK(tool.memory().watched_bytes == 0);
}

TEST_CASE("dispatches are timed while that is asked for") {
    const TempDir folder;
    write_layers_model(folder / "layers");
    Tool tool;
    const uint32_t id = tool.host.load(folder / "layers");
    ColorFrame picture(SAC_FORMAT_RGB8, 20, 1, 2, 1);
    const uint32_t dispatches = tool.running().dispatch_count;
    uint32_t count = 0;
    uint64_t sequence = 0;
    tool.run(picture.frame);
    const auto read = [&](std::vector<float> &times) {
        times.resize(dispatches + 1);
        return tool.debug->read_dispatch_times(tool.host.context, id, times.data(), dispatches + 1, &count, &sequence);
    };
    std::vector<float> times;
    CHECK(read(times) == SAC_NOT_READY);
    if (!device().caps().timestamps) {
        CHECK(tool.watch({}, SAC_INSPECT_PROFILE) == SAC_ERROR_UNSUPPORTED);
        return;
    }
    REQUIRE(tool.watch({"sum"}, SAC_INSPECT_PROFILE) == SAC_OK);
    const uint64_t profiled = tool.run(picture.frame);
    REQUIRE(read(times) == SAC_OK);
    CHECK(count == dispatches);
    CHECK(sequence == profiled);
    double sum = 0;
    for (uint32_t i = 0; i < count; ++i) {
        CHECK(times[i] >= 0);
        sum += static_cast<double>(times[i]);
    }
    const sac_frame_timing timing = tool.timings().back();
    CHECK((timing.flags & SAC_FRAME_PROFILED));
    CHECK(sum > 0);
    CHECK(sum <= static_cast<double>(timing.network_us) * 1.001);
    CHECK(tool.debug->read_dispatch_times(tool.host.context, id, times.data(), 1, &count, nullptr) == SAC_OK);
    CHECK(count == 1);
    CHECK(tool.debug->read_dispatch_times(tool.host.context, id, nullptr, 0, &count, nullptr) == SAC_OK);
    CHECK(count == dispatches);

    REQUIRE(tool.watch({}) == SAC_OK);
    for (int i = 0; i < 4; ++i) tool.run(picture.frame);
    CHECK(read(times) == SAC_NOT_READY);
    CHECK_FALSE((tool.timings().back().flags & (SAC_FRAME_PROFILED | SAC_FRAME_RECORDED)));
}

TEST_CASE("memory and cache are told") {
    const TempDir folder;
    write_layers_model(folder / "layers");
    const std::string cache = (folder / "cache").string();
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 1, 2, 1);
    for (const bool again : {false, true}) {
        Tool tool;
        tool.host.destroy();
        tool.host.desc.cache_directory = cache.c_str();
        REQUIRE(tool.host.create() == SAC_OK);
        const sac_memory_info before = tool.memory();
        CHECK(before.weight_bytes == 0);
        CHECK((before.cache_bytes > 0) == again);
        CHECK(std::string(before.cache_path).find(cache) == 0);
        tool.host.load(folder / "layers");
        REQUIRE(tool.watch({"r1"}) == SAC_OK);
        tool.run(picture.frame);
        const sac_memory_info info = tool.memory();
        const sac_running_info running = tool.running();
        CHECK(info.blocks >= 1);
        CHECK(info.used_bytes > before.used_bytes);
        CHECK(info.reserved_bytes >= info.used_bytes);
        CHECK(info.driver_allocations >= info.blocks);
        CHECK(info.weight_bytes == running.weight_bytes);
        CHECK(info.arena_bytes == running.arena_bytes);
        CHECK(info.live_set_bytes == running.live_set_bytes);
        CHECK(info.io_bytes >= 4 * (4 * 32 * 32 + 8 * 16));  // the input's channels are padded to four
        CHECK(info.watched_bytes == 4 * 8 * 32 * 32);
        CHECK(info.pipelines_built > 0);
        CHECK(info.kernel_count >= info.pipelines_built);
    }
    Tool without;
    CHECK(std::string(without.memory().cache_path).empty());
}

TEST_CASE("wrong arguments of the inspection are refused by name") {
    const TempDir folder;
    write_layers_model(folder / "layers");
    Tool tool;
    const sac_context context = tool.host.context;
    const sac_debug_api &debug = *tool.debug;
    const uint32_t id = tool.host.load(folder / "layers");
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 1, 2, 1);
    REQUIRE(tool.watch({"sum"}) == SAC_OK);
    tool.run(picture.frame);
    const auto refused = [&](sac_result result, sac_result code, const char *word) {
        CHECK(result == code);
        CHECK_MESSAGE(tool.host.last_error().find(word) != std::string::npos, tool.host.last_error());
    };
    const sac_result invalid = SAC_ERROR_INVALID_ARGUMENT, missing = SAC_ERROR_NOT_FOUND;

    refused(debug.get_running_info(context, nullptr), invalid, "info");
    refused(debug.get_running_dispatch(context, id, 0, nullptr), invalid, "dispatch");
    auto dispatch = make_struct<sac_running_dispatch>(SAC_TYPE_RUNNING_DISPATCH);
    refused(debug.get_running_dispatch(context, id + 1, 0, &dispatch), missing, "not in use");
    refused(debug.get_running_dispatch(context, id, 10000, &dispatch), missing, "10000");
    refused(debug.get_layer_info(context, id, 0, nullptr), invalid, "info");
    auto layer = make_struct<sac_layer_info>(SAC_TYPE_LAYER_INFO);
    refused(debug.get_layer_info(context, id, 10000, &layer), missing, "10000");
    layer.size = 8;
    refused(debug.get_layer_info(context, id, 0, &layer), invalid, "info.size");
    refused(debug.get_class_label(context, 0, 0, nullptr, 0, nullptr), missing, "not in use");

    auto inspection = make_struct<sac_inspection>(SAC_TYPE_INSPECTION);
    inspection.flags = 4;
    refused(debug.set_inspection(context, &inspection), SAC_ERROR_UNSUPPORTED, "inspection.flags");
    inspection.flags = 0;
    inspection.tensor_count = 1;
    refused(debug.set_inspection(context, &inspection), invalid, "inspection.tensors");
    const char *names[SAC_MAX_WATCHED + 1] = {};
    inspection.tensors = names;
    refused(debug.set_inspection(context, &inspection), invalid, "inspection.tensors[0]");
    inspection.tensor_count = SAC_MAX_WATCHED + 1;
    refused(debug.set_inspection(context, &inspection), invalid, "inspection.tensor_count");
    inspection.type = 1;
    refused(debug.set_inspection(context, &inspection), invalid, "inspection.type");
    refused(tool.watch({"sum", "nothing"}), missing, "'nothing'");
    refused(tool.watch({"c1"}), SAC_ERROR_UNSUPPORTED, "'c1'");
    refused(tool.watch({"w1"}), missing, "'w1'");

    uint32_t words = 0;
    uint64_t count = 0;
    refused(debug.read_dispatch_times(context, id, nullptr, 0, nullptr, nullptr), invalid, "count");
    refused(debug.read_dispatch_times(context, id + 7, nullptr, 0, &words, nullptr), missing, "not in use");
    refused(debug.read_tensor(context, nullptr, nullptr, 0, &count, nullptr), invalid, "tensor");
    refused(debug.read_tensor(context, "sum", nullptr, 0, nullptr, nullptr), invalid, "count");
    refused(debug.read_tensor(context, "r1", nullptr, 0, &count, nullptr), missing, "'r1'");
    refused(debug.read_feature_map(context, nullptr, 0, 0, nullptr, 0, &count, nullptr), invalid, "tensor");
    refused(debug.read_feature_map(context, "sum", 0, 0, nullptr, 0, nullptr, nullptr), invalid, "count");
    refused(debug.read_feature_map(context, "sum", 1, 0, nullptr, 0, &count, nullptr), invalid, "image");
    refused(debug.read_feature_map(context, "sum", 0, 9, nullptr, 0, &count, nullptr), invalid, "channel");
    float some[3] = {};
    CHECK(debug.read_tensor(context, "sum", some, 2, &count, nullptr) == SAC_OK);
    CHECK(count == 2);
    CHECK(some[0] == tool.tensor("sum")[0]);
    CHECK(some[2] == 0);

    auto statistics = make_statistics();
    std::vector<uint64_t> bins(4);
    sac_histogram histogram = make_histogram(bins);
    refused(debug.read_statistics(context, nullptr, nullptr, &statistics), invalid, "tensor");
    refused(debug.read_statistics(context, "sum", nullptr, nullptr), invalid, "statistics");
    histogram.type = 0;
    refused(debug.read_statistics(context, "sum", &histogram, &statistics), invalid, "histogram.type");
    histogram = make_histogram(bins, 1, 1);
    refused(debug.read_statistics(context, "sum", &histogram, &statistics), invalid, "histogram.low");
    histogram = make_histogram(bins, 0, std::numeric_limits<float>::quiet_NaN());
    refused(debug.read_statistics(context, "sum", &histogram, &statistics), invalid, "histogram.low");
    histogram = make_histogram(bins);
    histogram.bin_count = 0;
    refused(debug.read_statistics(context, "sum", &histogram, &statistics), invalid, "histogram.bin_count");
    histogram.bin_count = 65537;
    refused(debug.read_statistics(context, "sum", &histogram, &statistics), invalid, "histogram.bin_count");
    histogram = make_histogram(bins);
    histogram.bins = nullptr;
    refused(debug.read_statistics(context, "sum", &histogram, &statistics), invalid, "histogram.bins");
    refused(debug.get_memory_info(context, nullptr), invalid, "info");
    CHECK(debug.get_memory_info({99999}, nullptr) == missing);
}

TEST_CASE("a caller that knows version 1 finds what it knew") {
    struct OldTable {  // as the header had it
        uint32_t size, version;
        void (*functions[9])();
    };
    static_assert(offsetof(sac_debug_api, get_running_info) == sizeof(OldTable));
    Tool tool;
    const auto *old = reinterpret_cast<const OldTable *>(tool.debug);
    CHECK(old->size >= sizeof(OldTable));
    CHECK(old->version >= 1);
    for (const auto function : old->functions) CHECK(bool(function));
    const bool same = reinterpret_cast<void (*)()>(tool.debug->run_network) == old->functions[8];
    CHECK(same);
}

TEST_CASE("tools look, change and go while frames go through and models change") {
    const TempDir folder;
    write_layers_model(folder / "first", 1);
    write_layers_model(folder / "second", 50);
    Tool tool;
    tool.host.load(folder / "first");
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 1, 2, 1);
    std::atomic<bool> done = false;
    std::atomic<uint64_t> looks = 0;
    const auto read = [&](const char *name) {
        const sac_context context = tool.host.context;
        std::vector<float> values(6 * 32 * 32);
        uint64_t count = 0;
        while (!done) {
            auto statistics = make_statistics();
            if (tool.debug->read_statistics(context, name, nullptr, &statistics) == SAC_OK) {
                ++looks;
                if (statistics.nan_count > 0) std::abort();
            }
            tool.debug->read_tensor(context, name, values.data(), values.size(), &count, nullptr);
            auto info = make_struct<sac_running_info>(SAC_TYPE_RUNNING_INFO);
            auto layer = make_struct<sac_layer_info>(SAC_TYPE_LAYER_INFO);
            if (tool.debug->get_running_info(context, &info) == SAC_OK)
                tool.debug->get_layer_info(context, info.model_id, info.layer_count - 1, &layer);
            auto memory = make_struct<sac_memory_info>(SAC_TYPE_MEMORY_INFO);
            tool.debug->get_memory_info(context, &memory);
            uint32_t timings = 0;
            sac_frame_timing newest[4];
            tool.debug->get_frame_timings(context, 0, newest, 4, &timings);
            std::this_thread::yield();
        }
    };
    std::thread one([&] { read("sum"); }), two([&] { read("image"); });
    std::thread changes([&] {
        for (int i = 0; !done; ++i) {
            const uint32_t profile = device().caps().timestamps && i % 2 ? SAC_INSPECT_PROFILE : 0;
            tool.watch(i % 3 ? std::vector<std::string>{"sum", "image"} : std::vector<std::string>{"image", "r1"},
                       profile | (i % 5 ? SAC_INSPECT_HOLD : 0));
            const uint32_t wanted = static_cast<uint32_t>(i);
            tool.debug->set_class_filter(tool.host.context, &wanted, i % 2 ? 1 : 0);
            tool.debug->set_run_mode(tool.host.context, i % 7 == 0 ? SAC_RUN_FROZEN : SAC_RUN_LIVE);
            tool.debug->replay_frame(tool.host.context);
            std::this_thread::sleep_for(std::chrono::milliseconds(3));
        }
    });
    for (int i = 0; i < 6; ++i) {
        tool.host.load(folder / (i % 2 ? "first" : "second"));
        for (int k = 0; k < 15; ++k) {
            CHECK(tool.host.sac.submit_frame(tool.host.context, &picture.frame) == SAC_OK);
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    }
    done = true;
    one.join();
    two.join();
    changes.join();
    CHECK(looks > 0);
    CHECK(tool.host.statistics().dropped_failed == 0);
}
