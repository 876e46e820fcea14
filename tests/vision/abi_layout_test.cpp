// labels: host_only
// The C ABI is frozen: sizes and offsets of every struct on 64-bit systems, values of every constant.

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "compute/base/result.h"
#include "plugins/vision/card.h"
#include "plugins/vision/preprocess.h"
#include "plugins/vision/saccade_debug.h"
#include "tests/support/files.h"

using namespace sac;

namespace {

struct Member {
    const char *name;
    size_t offset, size;
};

#define MEMBER(type, name) \
    { #name, offsetof(type, name), sizeof(type::name) }

// Members come one after another without a gap, end with the struct, and start at the offsets written down here.
template <class T, size_t count>
void check_layout(const char *name, size_t size, const Member (&members)[count], const size_t (&offsets)[count]) {
    CAPTURE(name);
    CHECK(sizeof(T) == size);
    size_t end = 0;
    for (size_t i = 0; i < count; ++i) {
        CAPTURE(members[i].name);
        CHECK(members[i].offset == offsets[i]);
        CHECK(members[i].offset == end);
        end = members[i].offset + members[i].size;
    }
    CHECK(end == size);
}

}  // namespace

#define M(name) MEMBER(T, name)
#define LAYOUT(type, size, members, ...)             \
    do {                                             \
        using T = type;                              \
        const Member list[] = {members};             \
        const size_t offsets[] = {__VA_ARGS__};      \
        check_layout<T>(#type, size, list, offsets); \
    } while (0)
#define LIST(...) __VA_ARGS__

// NOLINTBEGIN(bugprone-sizeof-expression): the sizes of pointers are what is meant.
TEST_CASE("structs of the ABI keep their layout") {
    static_assert(sizeof(void *) == 8);
    LAYOUT(sac_context, 8, LIST(M(id)), 0);
    LAYOUT(sac_host, 72,
           LIST(M(type), M(size), M(next), M(user), M(log), M(allocate), M(free), M(read_asset), M(lock_queue),
                M(unlock_queue)),
           0, 4, 8, 16, 24, 32, 40, 48, 56, 64);
    LAYOUT(sac_requirements, 80,
           LIST(M(type), M(size), M(next), M(vulkan_version), M(queue_flags), M(image_usage), M(needed_extension_count),
                M(wanted_extension_count), M(needed_feature_count), M(wanted_feature_count), M(reserved),
                M(needed_extensions), M(wanted_extensions), M(needed_features), M(wanted_features)),
           0, 4, 8, 16, 20, 24, 28, 32, 36, 40, 44, 48, 56, 64, 72);
    LAYOUT(sac_vk_device, 96,
           LIST(M(type), M(size), M(next), M(mode), M(vulkan_version), M(get_instance_proc_addr), M(instance),
                M(physical_device), M(device), M(enabled_extensions), M(enabled_features), M(enabled_extension_count),
                M(queue_family), M(queue_index), M(own_queue_family), M(own_queue_index), M(reserved)),
           0, 4, 8, 16, 20, 24, 32, 40, 48, 56, 64, 72, 76, 80, 84, 88, 92);
    LAYOUT(sac_context_desc, 56,
           LIST(M(type), M(size), M(next), M(host), M(device), M(device_name), M(cache_directory), M(flags),
                M(snapshot_count)),
           0, 4, 8, 16, 24, 32, 40, 48, 52);
    LAYOUT(sac_context_info, 568,
           LIST(M(type), M(size), M(next), M(mode), M(state), M(vulkan_version), M(is_cpu), M(device_memory),
                M(driver_allocations), M(pipelines_built), M(device_name), M(driver_name)),
           0, 4, 8, 16, 20, 24, 28, 32, 40, 48, 56, 312);
    LAYOUT(sac_model_desc, 40, LIST(M(type), M(size), M(next), M(folder), M(weights), M(slot), M(flags)), 0, 4, 8, 16,
           24, 32, 36);
    LAYOUT(sac_model_info, 664,
           LIST(M(type), M(size), M(next), M(id), M(state), M(result), M(input_width), M(input_height), M(label_count),
                M(dispatch_count), M(load_ms), M(score_threshold), M(iou_threshold), M(name), M(task), M(error)),
           0, 4, 8, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 120, 152);
    LAYOUT(sac_detect_settings, 32,
           LIST(M(type), M(size), M(next), M(slot), M(max_detections), M(score_threshold), M(iou_threshold)), 0, 4, 8,
           16, 20, 24, 28);
    LAYOUT(
        sac_track_settings, 40,
        LIST(M(type), M(size), M(next), M(slot), M(enabled), M(min_hits), M(max_hidden_ms), M(weak_score), M(reserved)),
        0, 4, 8, 16, 20, 24, 28, 32, 36);
    LAYOUT(sac_vk_image, 72,
           LIST(M(type), M(size), M(next), M(image), M(format), M(layout_in), M(layout_out), M(queue_family),
                M(wait_semaphore), M(wait_value), M(signal_semaphore), M(signal_value)),
           0, 4, 8, 16, 24, 28, 32, 36, 40, 48, 56, 64);
    LAYOUT(sac_vk_commands, 48,
           LIST(M(type), M(size), M(next), M(command_buffer), M(queue_family), M(reserved), M(done_semaphore),
                M(done_value)),
           0, 4, 8, 16, 24, 28, 32, 40);
    LAYOUT(
        sac_frame, 128,
        LIST(M(type), M(size), M(next), M(frame_id), M(timestamp_ns), M(cookie), M(width), M(height), M(rotation),
             M(mirror), M(format), M(color), M(planes), M(strides), M(reserved), M(image), M(release), M(release_user)),
        0, 4, 8, 16, 24, 32, 40, 44, 48, 52, 56, 60, 64, 88, 100, 104, 112, 120);
    LAYOUT(sac_detection, 40,
           LIST(M(x1), M(y1), M(x2), M(y2), M(score), M(class_id), M(track_id), M(reserved), M(label)), 0, 4, 8, 12, 16,
           20, 24, 28, 32);
    LAYOUT(sac_snapshot, 112,
           LIST(M(type), M(size), M(next), M(sequence), M(frame_id), M(timestamp_ns), M(cookie), M(submitted_ns),
                M(finished_ns), M(dropped_newer), M(dropped_failed), M(width), M(height), M(model_id), M(gpu_us),
                M(detection_count), M(candidate_count), M(detections)),
           0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 84, 88, 92, 96, 100, 104);
    LAYOUT(sac_statistics, 80,
           LIST(M(type), M(size), M(next), M(submitted), M(finished), M(dropped_newer), M(dropped_failed),
                M(newest_sequence), M(snapshots_held), M(model_id), M(models_loading), M(gpu_us), M(latency_us),
                M(reserved)),
           0, 4, 8, 16, 24, 32, 40, 48, 56, 60, 64, 68, 72, 76);
    LAYOUT(sac_api, 184,
           LIST(M(size), M(version), M(get_last_error), M(now_ns), M(get_requirements), M(create_context),
                M(destroy_context), M(get_context_info), M(load_model), M(get_model_info), M(wait_model),
                M(set_detect_settings), M(submit_frame), M(acquire_result), M(wait_result), M(release_result),
                M(get_statistics), M(get_extension), M(set_track_settings), M(record_frame), M(set_budget),
                M(host_frame), M(get_budget_state), M(record_slice)),
           0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 136, 144, 152, 160, 168, 176);
    LAYOUT(sac_budget, 32, LIST(M(type), M(size), M(next), M(budget_us), M(least_us), M(host_frame_us), M(reserved)), 0,
           4, 8, 16, 20, 24, 28);
    LAYOUT(sac_budget_state, 64,
           LIST(M(type), M(size), M(next), M(budget_us), M(least_us), M(host_frame_us), M(granted_us), M(host_frames),
                M(missed), M(slices), M(slice_us), M(expected_us)),
           0, 4, 8, 16, 20, 24, 28, 32, 40, 48, 56, 60);
    LAYOUT(sac_slices, 32, LIST(M(type), M(size), M(next), M(count), M(longest_us), M(begun_ns)), 0, 4, 8, 16, 20, 24);
    LAYOUT(sac_network, 8, LIST(M(id)), 0);
    LAYOUT(sac_dimension, 16, LIST(M(name), M(value)), 0, 8);
    LAYOUT(sac_network_desc, 40, LIST(M(type), M(size), M(next), M(path), M(dimensions), M(dimension_count), M(flags)),
           0, 4, 8, 16, 24, 32, 36);
    LAYOUT(
        sac_network_info, 80,
        LIST(M(type), M(size), M(next), M(input_count), M(output_count), M(node_count), M(dispatch_count),
             M(barrier_count), M(reserved), M(flops), M(load_ms), M(weight_bytes), M(arena_bytes), M(live_set_bytes)),
        0, 4, 8, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 72);
    LAYOUT(sac_tensor_info, 216, LIST(M(type), M(size), M(next), M(name), M(rank), M(reserved), M(shape)), 0, 4, 8, 16,
           144, 148, 152);
    LAYOUT(sac_dispatch_info, 272,
           LIST(M(type), M(size), M(next), M(node), M(operation), M(kernel), M(groups), M(barrier), M(flops),
                M(microseconds)),
           0, 4, 8, 16, 144, 176, 240, 252, 256, 264);
    LAYOUT(
        sac_running_info, 392,
        LIST(M(type), M(size), M(next), M(model_id), M(layer_count), M(dispatch_count), M(node_count), M(barrier_count),
             M(class_count), M(flags), M(input_width), M(input_height), M(input_nhwc), M(input_bgr), M(input_fit),
             M(input_filter), M(input_scale), M(input_mean), M(input_std), M(score_threshold), M(iou_threshold),
             M(flops), M(weight_bytes), M(arena_bytes), M(live_set_bytes), M(input)),
        0, 4, 8, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 68, 72, 84, 96, 100, 104, 112, 120, 128, 136);
    LAYOUT(sac_running_dispatch, 408,
           LIST(M(type), M(size), M(next), M(node), M(operation), M(kernel), M(groups), M(barrier), M(flops),
                M(read_bytes), M(written_bytes)),
           0, 4, 8, 16, 272, 304, 368, 380, 384, 392, 400);
    LAYOUT(sac_layer_info, 664,
           LIST(M(type), M(size), M(next), M(name), M(node), M(operation), M(kind), M(rank), M(shape), M(is_half),
                M(is_c4), M(images), M(channels), M(map_height), M(map_width), M(bytes)),
           0, 4, 8, 16, 272, 528, 560, 564, 568, 632, 636, 640, 644, 648, 652, 656);
    LAYOUT(sac_inspection, 32, LIST(M(type), M(size), M(next), M(flags), M(tensor_count), M(tensors)), 0, 4, 8, 16, 20,
           24);
    LAYOUT(sac_histogram, 40, LIST(M(type), M(size), M(next), M(low), M(high), M(bin_count), M(reserved), M(bins)), 0,
           4, 8, 16, 20, 24, 28, 32);
    LAYOUT(sac_tensor_statistics, 112,
           LIST(M(type), M(size), M(next), M(sequence), M(count), M(nan_count), M(inf_count), M(zero_count), M(mean),
                M(deviation), M(min), M(max), M(low), M(high), M(below), M(above), M(model_id), M(reserved)),
           0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 76, 80, 84, 88, 96, 104, 108);
    LAYOUT(sac_detect_state, 48,
           LIST(M(type), M(size), M(next), M(model_id), M(score_threshold), M(iou_threshold), M(max_detections),
                M(set_score_threshold), M(set_iou_threshold), M(set_max_detections), M(is_filtered)),
           0, 4, 8, 16, 20, 24, 28, 32, 36, 40, 44);
    LAYOUT(sac_frame_timing, 112,
           LIST(M(index), M(sequence), M(frame_id), M(submitted_ns), M(started_ns), M(queued_ns), M(done_ns),
                M(finished_ns), M(gpu_us), M(preprocess_us), M(network_us), M(head_us), M(score_threshold),
                M(iou_threshold), M(max_detections), M(model_id), M(detection_count), M(candidate_count), M(result),
                M(flags)),
           0, 8, 16, 24, 32, 40, 48, 56, 64, 68, 72, 76, 80, 84, 88, 92, 96, 100, 104, 108);
    LAYOUT(sac_run_state, 56,
           LIST(M(type), M(size), M(next), M(mode), M(is_held), M(held_frame_id), M(stepped), M(replayed), M(steps_due),
                M(replays_due)),
           0, 4, 8, 16, 20, 24, 32, 40, 48, 52);
    LAYOUT(sac_memory_info, 1136,
           LIST(M(type), M(size), M(next), M(blocks), M(reserved_bytes), M(used_bytes), M(driver_allocations),
                M(weight_bytes), M(arena_bytes), M(live_set_bytes), M(io_bytes), M(watched_bytes), M(pipelines_built),
                M(kernel_count), M(cache_bytes), M(cache_path)),
           0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112);
    LAYOUT(sac_node_info, 544,
           LIST(M(type), M(size), M(next), M(node), M(operation), M(problem), M(candidate), M(candidate_count),
                M(is_measured), M(first_dispatch), M(dispatch_count), M(flops), M(read_bytes), M(write_bytes),
                M(microseconds)),
           0, 4, 8, 16, 144, 176, 432, 496, 500, 504, 508, 512, 520, 528, 536);
    LAYOUT(sac_ceiling, 32, LIST(M(type), M(size), M(next), M(gflops), M(gbytes)), 0, 4, 8, 16, 24);
    LAYOUT(sac_tuning_progress, 16, LIST(M(done), M(total), M(seconds_left)), 0, 4, 8);
    LAYOUT(sac_tuning_desc, 48,
           LIST(M(type), M(size), M(next), M(network), M(max_seconds), M(reserved), M(progress), M(user)), 0, 4, 8, 16,
           24, 28, 32, 40);
    LAYOUT(sac_tuning_info, 1064,
           LIST(M(type), M(size), M(next), M(problem_count), M(is_stopped), M(expected_us), M(tuned_us), M(path)), 0, 4,
           8, 16, 20, 24, 32, 40);
    LAYOUT(sac_tuned_candidate, 72, LIST(M(name), M(microseconds)), 0, 64);
    LAYOUT(sac_tuned_problem, 4896,
           LIST(M(type), M(size), M(next), M(problem), M(node_count), M(candidate_count), M(expected), M(winner),
                M(candidates)),
           0, 4, 8, 16, 272, 276, 280, 284, 288);
    LAYOUT(sac_debug_api, 256,
           LIST(M(size), M(version), M(open_network), M(close_network), M(get_network_info), M(get_tensor_info),
                M(get_dispatch_info), M(describe_network), M(write_input), M(read_output), M(run_network),
                M(get_running_info), M(get_running_dispatch), M(get_layer_info), M(get_class_label), M(set_inspection),
                M(read_dispatch_times), M(read_statistics), M(read_tensor), M(read_feature_map), M(get_detect_state),
                M(set_class_filter), M(get_class_filter), M(get_frame_timings), M(set_run_mode), M(step_frame),
                M(replay_frame), M(get_run_state), M(get_memory_info), M(get_node_info), M(measure_ceiling),
                M(tune_network), M(get_tuned_problem)),
           0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 136, 144, 152, 160, 168, 176, 184,
           192, 200, 208, 216, 224, 232, 240, 248);
}
// NOLINTEND(bugprone-sizeof-expression)

TEST_CASE("constants of the ABI keep their values, and those of the code behind it") {
    const std::pair<int32_t, Code> codes[] = {
        {SAC_OK, Code::ok},
        {SAC_ERROR_INVALID_ARGUMENT, Code::invalid_argument},
        {SAC_ERROR_INVALID_STATE, Code::invalid_state},
        {SAC_ERROR_NOT_FOUND, Code::not_found},
        {SAC_ERROR_INVALID_FILE, Code::invalid_file},
        {SAC_ERROR_UNSUPPORTED, Code::unsupported},
        {SAC_ERROR_OUT_OF_MEMORY, Code::out_of_memory},
        {SAC_ERROR_DEVICE_LOST, Code::device_lost},
        {SAC_ERROR_VULKAN, Code::vulkan_error},
        {SAC_ERROR_NO_DEVICE, Code::no_device},
        {SAC_ERROR_IO, Code::io_error},
        {SAC_ERROR_CANCELLED, Code::cancelled},
        {SAC_ERROR_INTERNAL, Code::internal},
    };
    int32_t value = 0;
    for (const auto &[c, code] : codes) {
        CHECK(c == value--);
        CHECK(c == static_cast<int32_t>(code));
    }
    CHECK(SAC_NOT_READY == 1);
    CHECK(SAC_TIMEOUT == 2);
    const int types[] = {SAC_TYPE_CONTEXT_DESC,   SAC_TYPE_HOST,        SAC_TYPE_REQUIREMENTS, SAC_TYPE_VK_DEVICE,
                         SAC_TYPE_CONTEXT_INFO,   SAC_TYPE_MODEL_DESC,  SAC_TYPE_MODEL_INFO,   SAC_TYPE_DETECT_SETTINGS,
                         SAC_TYPE_FRAME,          SAC_TYPE_VK_IMAGE,    SAC_TYPE_SNAPSHOT,     SAC_TYPE_STATISTICS,
                         SAC_TYPE_TRACK_SETTINGS, SAC_TYPE_VK_COMMANDS, SAC_TYPE_BUDGET,       SAC_TYPE_BUDGET_STATE,
                         SAC_TYPE_SLICES};
    for (int i = 0; i < 17; ++i) CHECK(types[i] == i + 1);
    CHECK(SAC_TYPE_NETWORK_DESC == 100);
    CHECK(SAC_TYPE_NETWORK_INFO == 101);
    CHECK(SAC_TYPE_TENSOR_INFO == 102);
    CHECK(SAC_TYPE_DISPATCH_INFO == 103);
    const int running_types[] = {SAC_TYPE_RUNNING_INFO, SAC_TYPE_RUNNING_DISPATCH, SAC_TYPE_LAYER_INFO,
                                 SAC_TYPE_INSPECTION,   SAC_TYPE_HISTOGRAM,        SAC_TYPE_TENSOR_STATISTICS,
                                 SAC_TYPE_DETECT_STATE, SAC_TYPE_RUN_STATE,        SAC_TYPE_MEMORY_INFO};
    for (int i = 0; i < 9; ++i) CHECK(running_types[i] == 104 + i);
    const int layers[] = {SAC_LAYER_INPUT, SAC_LAYER_ACTIVATION, SAC_LAYER_OUTPUT, SAC_LAYER_FUSED};
    for (int i = 0; i < 4; ++i) CHECK(layers[i] == i + 1);
    const int fits[] = {SAC_FIT_STRETCH, SAC_FIT_LETTERBOX, SAC_FIT_CROP};
    for (int i = 0; i < 3; ++i) CHECK(fits[i] == i);
    CHECK(SAC_FIT_STRETCH == static_cast<int>(Fit::stretch));
    CHECK(SAC_FIT_LETTERBOX == static_cast<int>(Fit::letterbox));
    CHECK(SAC_FIT_CROP == static_cast<int>(Fit::crop));
    CHECK(SAC_FILTER_BILINEAR == static_cast<int>(Filter::bilinear));
    CHECK(SAC_FILTER_AREA == static_cast<int>(Filter::area));
    CHECK(SAC_FILTER_AREA == 1);
    CHECK(SAC_INSPECT_PROFILE == 1);
    CHECK(SAC_INSPECT_HOLD == 2);
    CHECK(SAC_MAX_WATCHED == 16);
    CHECK(SAC_FRAME_TIMINGS == 512);
    const int flags[] = {SAC_FRAME_REPLAYED, SAC_FRAME_RECORDED, SAC_FRAME_PROFILED, SAC_FRAME_FILTERED};
    for (int i = 0; i < 4; ++i) CHECK(flags[i] == 1 << i);
    const int runs[] = {SAC_RUN_LIVE, SAC_RUN_FROZEN, SAC_RUN_PAUSED};
    for (int i = 0; i < 3; ++i) CHECK(runs[i] == i);
    const std::pair<int, PixelFormat> formats[] = {
        {SAC_FORMAT_RGB8, PixelFormat::rgb},   {SAC_FORMAT_RGBA8, PixelFormat::rgba},
        {SAC_FORMAT_BGRA8, PixelFormat::bgra}, {SAC_FORMAT_NV12, PixelFormat::nv12},
        {SAC_FORMAT_I420, PixelFormat::i420},  {SAC_FORMAT_YUYV, PixelFormat::yuyv}};
    for (int i = 0; i < 6; ++i) {
        CHECK(formats[i].first == i + 1);
        CHECK(formats[i].first == static_cast<int>(formats[i].second));
    }
    const std::pair<int, YuvColor> colors[] = {{SAC_COLOR_BT601_LIMITED, YuvColor::bt601_limited},
                                               {SAC_COLOR_BT601_FULL, YuvColor::bt601_full},
                                               {SAC_COLOR_BT709_LIMITED, YuvColor::bt709_limited},
                                               {SAC_COLOR_BT709_FULL, YuvColor::bt709_full}};
    for (int i = 0; i < 4; ++i) {
        CHECK(colors[i].first == i);
        CHECK(colors[i].first == static_cast<int>(colors[i].second));
    }
    const int modes[] = {SAC_MODE_OWN_DEVICE, SAC_MODE_OWN_QUEUE, SAC_MODE_SHARED_QUEUE, SAC_MODE_HOST_COMMANDS};
    for (int i = 0; i < 4; ++i) CHECK(modes[i] == i);
    const int states[] = {SAC_MODEL_LOADING, SAC_MODEL_READY, SAC_MODEL_REPLACED, SAC_MODEL_FAILED};
    for (int i = 0; i < 4; ++i) CHECK(states[i] == i + 1);
    const int levels[] = {SAC_LOG_DEBUG, SAC_LOG_INFO, SAC_LOG_WARNING, SAC_LOG_ERROR};
    for (int i = 0; i < 4; ++i) CHECK(levels[i] == i);
    CHECK(SAC_CONTEXT_VALIDATION == 1);
    CHECK(SAC_MODEL_FP16 == 1);
    CHECK(SAC_NETWORK_PROFILE == 1 << 16);
    CHECK(SAC_MAX_FRAME_SIZE == max_frame_size);
    CHECK(SAC_NO_QUEUE == UINT32_MAX);
    CHECK(SAC_MAX_RECORDED == 4);
    CHECK(SAC_MAJOR == 1);
    CHECK(SAC_MINOR == 3);
}

namespace {

// Compiles C99 text against the headers, with every warning an error. False where there is no C compiler.
bool compile_c(const std::string &text) {
    if (std::system("cc --version > /dev/null 2>&1") != 0) {
        test::skip("there is no C compiler");
        return false;
    }
    const test::TempDir folder;
    test::write_text(folder / "source.c", text);
    const std::string include = std::string("-I") + SACCADE_SOURCE_DIR + "/plugins/vision ";
    CHECK(std::system(("cc -std=c99 -pedantic-errors -Wall -Wextra -Werror -fsyntax-only " + include +
                       (folder / "source.c").string())
                          .c_str()) == 0);
    return true;
}

}  // namespace

TEST_CASE("the headers are pedantic C99") {
    compile_c("#include \"saccade.h\"\n#include \"saccade_debug.h\"\nint main(void) { return SAC_OK; }\n");
}

TEST_CASE("the example in the header compiles") {
    const std::string header = test::read_text(std::filesystem::path(SACCADE_SOURCE_DIR) / "plugins/vision/saccade.h");
    const size_t from = header.find("     sac_api sac"), to = header.find(" * RULES");
    REQUIRE(from != std::string::npos);
    REQUIRE(to != std::string::npos);
    std::string body = header.substr(from, to - from);
    for (size_t star; (star = body.find("\n *")) != std::string::npos;) body.replace(star, 3, "\n");
    compile_c(
        "#include \"saccade.h\"\nextern int running;\nextern const unsigned char *pixels;\n"
        "void draw_box(const sac_detection *box);\nint main(void) {\n" +
        body + "return 0;\n}\n");
}
