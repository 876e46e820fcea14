// labels: bad_input
// The tuner: what it measures, what it keeps, when it stops; and the ceiling that kernels are compared with.
#include "compute/tuner.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "compute/ceiling.h"
#include "tests/support/device.h"
#include "tests/support/fault.h"
#include "tests/support/model.h"
#include "tests/support/ref.h"
#include "tests/support/reference.h"

namespace sac::test {
namespace {

/// Two convolutions of one problem, one with a residual, and one of one channel: each has two kernels at least,
/// whatever the device.
onnx::ModelWriter small_network() {
    onnx::ModelWriter model(13);
    const std::vector<int64_t> same = {1, 1, 1, 1};
    model.input("x", {1, 8, 13, 10});
    model.floats("w1", {8, 8, 3, 3}, random_floats(8 * 72, 1, -0.2, 0.2));
    model.floats("w2", {8, 8, 3, 3}, random_floats(8 * 72, 2, -0.2, 0.2));
    model.floats("w3", {3, 8, 3, 3}, random_floats(3 * 72, 3, -0.2, 0.2));
    model.node("Conv", {"x", "w1"}, {"a"}, {{"pads", same}}, "first");
    model.node("Conv", {"a", "w2"}, {"b"}, {{"pads", same}}, "second");
    model.node("Conv", {"b", "w2"}, {"c"}, {{"pads", same}}, "third");
    model.node("Add", {"c", "a"}, {"d"}, {}, "sum");
    model.node("Conv", {"d", "w3"}, {"y"}, {{"pads", same}}, "last");
    model.output("y");
    return model;
}

std::unique_ptr<Runtime> make_runtime(vk::Device &on = device()) {
    auto runtime = Runtime::create(on, {.cache_directory = ""});
    REQUIRE_MESSAGE(runtime.ok(), runtime.error().message);
    return std::move(*runtime);
}

TunerOptions quick() {
    TunerOptions options;
    options.runs = 3;
    return options;
}

/// The network's output, loaded with those winners.
std::vector<float> output_with(Runtime &runtime, const SessionOptions &options, size_t measured) {
    auto session = Session::load(runtime, import_model(small_network()), options);
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    size_t count = 0;
    for (const KernelChoice &choice : (*session)->plan().choices) count += choice.measured;
    CHECK(count == measured);
    REQUIRE((*session)->write_input("x", random_floats(8 * 130, 9)).ok());
    REQUIRE((*session)->run().ok());
    auto output = (*session)->read_output("y");
    REQUIRE_MESSAGE(output.ok(), output.error().message);
    return std::move(*output);
}

std::vector<double> expected_output() {
    const std::vector<float> x = random_floats(8 * 130, 9);
    auto outputs = evaluate_reference(import_model(small_network()), {{"x", {{1, 8, 13, 10}, {x.begin(), x.end()}}}});
    REQUIRE_MESSAGE(outputs.ok(), outputs.error().message);
    return outputs->at("y").data;
}

}  // namespace

TEST_CASE("every candidate is measured, and every plan computes the same") {
    const auto runtime = make_runtime();
    const std::vector<double> expected = expected_output();
    for (const DType storage : {DType::f32, DType::f16}) {
        SessionOptions options;
        options.storage = storage;
        const double bound = storage == DType::f32 ? 1e-5 : 4e-3;
        size_t told = 0;
        TunerOptions tuner = quick();
        tuner.progress = [&](const TunerProgress &progress) {
            CHECK(progress.done <= progress.total);
            CHECK(progress.seconds_left >= 0);
            ++told;
            return true;
        };
        const auto report = tune(*runtime, import_model(small_network()), options, tuner);
        REQUIRE_MESSAGE(report.ok(), report.error().message);
        CHECK_FALSE(report->stopped);
        CHECK(told > 10);
        CHECK(report->expected_ns > 0);
        CHECK(report->tuned_ns > 0);
        CHECK(report->tuned_ns <= report->expected_ns * 1.03);
        REQUIRE(report->problems.size() == 3);
        CHECK(report->problems[0].nodes == 2);
        size_t most = 0;
        for (const TunedProblem &problem : report->problems) {
            CAPTURE(problem.problem);
            REQUIRE(problem.candidates.size() >= 2);
            for (const auto &candidate : problem.candidates) CHECK_MESSAGE(candidate.nanoseconds > 0, candidate.name);
            const double won = problem.candidates[problem.winner].nanoseconds;
            CHECK(won <= problem.candidates[problem.expected].nanoseconds);
            CHECK(report->winners().at(problem.problem) == problem.candidates[problem.winner].name);
            most = std::max(most, problem.candidates.size());
        }
        CHECK(relative_error(output_with(*runtime, options, 0), expected) < bound);
        options.tuning = report->winners();
        CHECK(relative_error(output_with(*runtime, options, 4), expected) < bound);
        for (size_t c = 0; c < most; ++c) {
            for (const TunedProblem &problem : report->problems)
                options.tuning[problem.problem] = problem.candidates[c % problem.candidates.size()].name;
            CHECK(relative_error(output_with(*runtime, options, 4), expected) < bound);
        }
    }
}

TEST_CASE("what has other candidates is another problem: products of whole convolutions, of groups and of phases") {
    // Each is 3 x 3 from 16 to 64 channels over 13 x 10 pixels, the transposed one as four phases of 16 channels.
    const auto runtime = make_runtime();
    onnx::ModelWriter model(13);
    const std::vector<int64_t> same = {1, 1, 1, 1}, two = {2, 2};
    model.input("x", {1, 32, 13, 10});
    model.floats("w1", {128, 16, 3, 3}, random_floats(128 * 144, 1));
    model.floats("w2", {16, 128, 1, 1}, random_floats(16 * 128, 2));
    model.floats("w3", {16, 16, 4, 4}, random_floats(256 * 16, 3));
    model.floats("w4", {64, 16, 3, 3}, random_floats(64 * 144, 4));
    model.node("Conv", {"x", "w1"}, {"a"}, {{"pads", same}, {"group", int64_t{2}}}, "groups");
    model.node("Conv", {"a", "w2"}, {"b"}, {}, "point");
    model.node("ConvTranspose", {"b", "w3"}, {"y"}, {{"pads", same}, {"strides", two}}, "transposed");
    model.node("Conv", {"b", "w4"}, {"z"}, {{"pads", same}}, "whole");
    model.output("y");
    model.output("z");
    const auto plan_with = [&](const SessionOptions &options) {
        auto plan = make_plan(import_model(model), device().caps(), *runtime->kernels, options);
        REQUIRE_MESSAGE(plan.ok(), plan.error().message);
        return std::move(*plan);
    };
    const auto of_phases = [](const std::string &problem) { return problem.ends_with(" of phases"); };
    SessionOptions options;
    bool expected_phases = false;
    for (const KernelChoice &choice : plan_with({}).choices) {
        if (choice.problem.starts_with("conv_transpose")) options.tuning[choice.problem] = "side by side";
        expected_phases = expected_phases || of_phases(choice.problem);
    }
    std::map<std::string, std::vector<std::string>> candidates;
    for (const KernelChoice &choice : plan_with(options).choices) {
        const auto known = candidates.try_emplace(choice.problem, choice.candidates).first;
        CHECK_MESSAGE(known->second == choice.candidates, choice.problem);
    }
    CHECK(std::count_if(candidates.begin(), candidates.end(), [](const auto &known) {
              return known.first.starts_with("conv2d f32 130x144x64 image 13x10 kernel 3x3");
          }) == 3);

    // Also what is a part of another problem's candidate is measured with each of its own.
    if (device().caps().satisfies("texel,shuffle8")) CHECK(expected_phases);
    const auto report = tune(*runtime, import_model(model), {}, quick());
    REQUIRE_MESSAGE(report.ok(), report.error().message);
    bool measured_phases = false;
    for (const TunedProblem &problem : report->problems) {
        measured_phases = measured_phases || of_phases(problem.problem);
        for (const auto &candidate : problem.candidates)
            CHECK_MESSAGE(candidate.nanoseconds > 0, problem.problem << " by " << candidate.name);
    }
    CHECK(measured_phases == expected_phases);
}

TEST_CASE("a winner that there is no more is as if nothing were known") {
    const auto runtime = make_runtime();
    const auto plan = make_plan(import_model(small_network()), device().caps(), *runtime->kernels, {});
    REQUIRE(plan.ok());
    SessionOptions options;
    for (const KernelChoice &choice : plan->choices) options.tuning[choice.problem] = "9x9";
    options.tuning["a problem of nobody"] = "portable";
    CHECK(relative_error(output_with(*runtime, options, 0), expected_output()) < 1e-5);
}

TEST_CASE("a tuner that is stopped keeps what is known") {
    const auto runtime = make_runtime();
    const Graph graph = import_model(small_network());
    for (const size_t plans : {0, 1, 2, 4}) {
        TunerOptions tuner = quick();
        tuner.progress = [&](const TunerProgress &progress) { return progress.done < plans; };
        const auto report = tune(*runtime, graph, {}, tuner);
        REQUIRE_MESSAGE(report.ok(), report.error().message);
        CHECK(report->stopped);
        CHECK(report->expected_ns == 0);
        REQUIRE(report->problems.size() == 3);
        const Tuning winners = report->winners();
        if (plans < 2) CHECK(winners.empty());
        for (const TunedProblem &problem : report->problems) {
            CHECK(winners.contains(problem.problem) == (problem.winner != problem.expected));
            size_t measured = 0;
            for (const auto &candidate : problem.candidates) measured += candidate.nanoseconds > 0;
            CHECK(measured == std::min(plans, problem.candidates.size()));
            if (problem.winner != problem.expected)
                CHECK(problem.candidates[problem.winner].nanoseconds <
                      0.8 * problem.candidates[problem.expected].nanoseconds);
        }
    }
    TunerOptions tuner = quick();
    tuner.seconds = 0;
    const auto report = tune(*runtime, graph, {}, tuner);
    REQUIRE(report.ok());
    CHECK(report->stopped);
}

TEST_CASE("candidates for which there is no memory are left out, and a lost device ends the tuner") {
    Faults faults;
    vk::DeviceOptions device_with = device_options();
    device_with.patch_functions = [&](vk::DeviceFunctions &fn) { faults.patch(fn); };
    auto made = vk::Device::create(device_with);
    REQUIRE_MESSAGE(made.ok(), made.error().message);
    for (const VkResult failure : {VK_ERROR_OUT_OF_DEVICE_MEMORY, VK_ERROR_DEVICE_LOST}) {
        const auto runtime = make_runtime(**made);
        TunerOptions tuner = quick();
        // Once the expected plan was measured, no kernel that it does not have can be made.
        tuner.progress = [&](const TunerProgress &progress) {
            if (progress.done == 0) faults.arm(0, failure, true, "CreateComputePipelines");
            return true;
        };
        const auto report = tune(*runtime, import_model(small_network()), {}, tuner);
        CHECK(faults.fired());
        faults.disarm();
        if (failure == VK_ERROR_DEVICE_LOST) {
            REQUIRE(!report.ok());
            CHECK(report.error().code == Code::device_lost);
            continue;
        }
        REQUIRE_MESSAGE(report.ok(), report.error().message);
        CHECK_FALSE(report->stopped);
        size_t left_out = 0;
        for (const TunedProblem &problem : report->problems) {
            CHECK(problem.candidates[problem.expected].nanoseconds > 0);
            CHECK(problem.candidates[problem.winner].nanoseconds > 0);
            for (const auto &candidate : problem.candidates) left_out += candidate.nanoseconds == 0;
        }
        CHECK(left_out > 0);
    }
}

TEST_CASE("a network that cannot be loaded is not tuned") {
    const auto runtime = make_runtime();
    onnx::ModelWriter model(13);
    model.input("x", {1, 2, "height", 3});
    model.node("Relu", {"x"}, {"y"});
    model.output("y");
    const auto report = tune(*runtime, import_model(model), {}, quick());
    REQUIRE(!report.ok());
    CHECK(report.error().message.find("height") != std::string::npos);
    SessionOptions bound;
    bound.dimensions["height"] = 4;
    const auto nothing = tune(*runtime, import_model(model), bound, quick());
    REQUIRE_MESSAGE(nothing.ok(), nothing.error().message);
    CHECK(nothing->problems.empty());
    CHECK(nothing->winners().empty());
    CHECK(nothing->expected_ns > 0);
}

TEST_CASE("the ceiling is above what kernels reach") {
    const auto runtime = make_runtime();
    for (const DType storage : {DType::f32, DType::f16}) {
        const auto ceiling = measure_ceiling(*runtime, storage);
        REQUIRE_MESSAGE(ceiling.ok(), ceiling.error().message);
        CHECK(ceiling->gflops > 0.01);
        CHECK(ceiling->gflops < 1e6);
        CHECK(ceiling->gbytes > 0.01);
        CHECK(ceiling->gbytes < 1e5);
    }
}

}  // namespace sac::test
