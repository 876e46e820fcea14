// foreign_host MODEL_FOLDER IMAGE.png [--weights FILE] [--mode own|shared] [--frames N]: an engine with a Vulkan device
// of its own lends it to the plugin, and hands over the texture it has drawn: no copy, and nobody waits for the GPU but
// the timeline. Prints what the plugin saw.

#include <saccade.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "samples/foreign_host/vulkan_host.h"

// PNG alone: stb_image, in the versions that Linux distributions carry, writes out of bounds on damaged JPEGs.
#define STBI_ONLY_PNG
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>

namespace {

struct Arguments {
    std::vector<std::string> files;  // the model's folder, the image
    std::string weights;
    uint32_t mode = SAC_MODE_OWN_QUEUE;
    uint64_t frames = 3;
    bool validation = false;
};

int usage() {
    std::fprintf(stderr,
                 "usage: foreign_host MODEL_FOLDER IMAGE.png [--weights FILE] [--mode own|shared] [--frames N] "
                 "[--validation]\n");
    return 2;
}

bool parse(const std::vector<std::string> &words, Arguments &arguments) {
    for (size_t i = 0; i < words.size(); ++i) {
        const std::string &option = words[i];
        if (option[0] != '-') {
            arguments.files.push_back(option);
            continue;
        }
        if (option == "--validation") {
            arguments.validation = true;
            continue;
        }
        if (++i == words.size()) return false;
        const std::string &value = words[i];
        if (option == "--weights")
            arguments.weights = value;
        else if (option == "--frames")
            arguments.frames = std::strtoull(value.c_str(), nullptr, 10);
        else if (option == "--mode" && value == "own")
            arguments.mode = SAC_MODE_OWN_QUEUE;
        else if (option == "--mode" && value == "shared")
            arguments.mode = SAC_MODE_SHARED_QUEUE;
        else
            return false;
    }
    return arguments.files.size() == 2 && arguments.frames > 0;
}

template <class T>
T make(uint32_t type) {
    T made = {};
    made.type = type;
    made.size = sizeof(T);
    return made;
}

sac_api sac;
sac_context context;

int fail(const char *what) {
    char text[512];
    sac.get_last_error(context, text, sizeof text);
    std::fprintf(stderr, "foreign_host: %s: %s\n", what, text);
    if (context.id) sac.destroy_context(context);
    return 1;
}

sac_result create(const Arguments &arguments, VulkanHost &engine, sac_host &host) {
    host = make<sac_host>(SAC_TYPE_HOST);
    host.user = &engine;
    host.log = [](void *, int32_t level, const char *message) {
        if (level >= SAC_LOG_INFO) std::fprintf(stderr, "saccade: %s\n", message);
    };
    host.lock_queue = [](void *user) { static_cast<VulkanHost *>(user)->queue_mutex.lock(); };
    host.unlock_queue = [](void *user) { static_cast<VulkanHost *>(user)->queue_mutex.unlock(); };

    auto device = make<sac_vk_device>(SAC_TYPE_VK_DEVICE);
    device.mode = arguments.mode;
    device.vulkan_version = VK_API_VERSION_1_2;
    device.get_instance_proc_addr = reinterpret_cast<sac_proc>(engine.get_instance_proc_addr);
    device.instance = engine.instance;
    device.physical_device = engine.physical_device;
    device.device = engine.device;
    device.enabled_features = &engine.enabled_features;
    device.queue_family = device.own_queue_family = engine.queue_family;
    device.own_queue_index = engine.queue_count > 1 ? 1 : SAC_NO_QUEUE;
    auto desc = make<sac_context_desc>(SAC_TYPE_CONTEXT_DESC);
    desc.host = &host;
    desc.device = &device;
    return sac.create_context(&desc, &context);
}

// Draws and submits frames; the timeline's values are 2k + 1 when frame k is drawn and 2k + 2 when the plugin has read
// it.
int run(const Arguments &arguments, VulkanHost &engine, uint32_t width, uint32_t height) {
    uint64_t seen = 0;
    const sac_snapshot *result = nullptr;
    for (uint64_t k = 0; k < arguments.frames; ++k) {
        engine.draw(2 * k, 2 * k + 1);
        auto image = make<sac_vk_image>(SAC_TYPE_VK_IMAGE);
        image.image = (uint64_t)engine.image;
        image.format = VK_FORMAT_R8G8B8A8_UNORM;
        image.layout_in = image.layout_out = VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL;
        image.queue_family = engine.queue_family;
        image.wait_semaphore = image.signal_semaphore = (uint64_t)engine.timeline;
        image.wait_value = 2 * k + 1;
        image.signal_value = 2 * k + 2;
        auto frame = make<sac_frame>(SAC_TYPE_FRAME);
        frame.frame_id = k;
        frame.width = width;
        frame.height = height;
        frame.image = &image;
        if (sac.submit_frame(context, &frame) != SAC_OK) return fail("submit_frame");
        // An engine would draw its next frame now, and look for results when it has one.
        if (result) sac.release_result(context, result);
        if (sac.wait_result(context, seen, 60000, &result) != SAC_OK) return fail("wait_result");
        seen = result->sequence;
        std::printf("frame %llu: %u objects, %.1f ms on the GPU\n", static_cast<unsigned long long>(result->frame_id),
                    result->detection_count, static_cast<double>(result->gpu_us) * 1e-3);
    }
    for (uint32_t i = 0; i < result->detection_count; ++i) {
        const sac_detection &d = result->detections[i];
        std::printf("%-14s %.2f  (%.0f, %.0f) to (%.0f, %.0f)\n", d.label, static_cast<double>(d.score),
                    static_cast<double>(d.x1), static_cast<double>(d.y1), static_cast<double>(d.x2),
                    static_cast<double>(d.y2));
    }
    sac.release_result(context, result);
    engine.wait(2 * arguments.frames);
    sac.destroy_context(context);
    return 0;
}

}  // namespace

int main(int argc, char **argv) {
    Arguments arguments;
    if (!parse({argv + 1, argv + argc}, arguments)) return usage();
    const char *const folder = arguments.files[0].c_str(), *const picture = arguments.files[1].c_str();
    int width = 0, height = 0, channels = 0;
    unsigned char *pixels = stbi_load(picture, &width, &height, &channels, 4);
    if (!pixels) {
        std::fprintf(stderr, "foreign_host: %s: %s (it should be a PNG)\n", picture, stbi_failure_reason());
        return 1;
    }
    const auto w = static_cast<uint32_t>(width), h = static_cast<uint32_t>(height);
    VulkanHost engine(w, h, pixels, arguments.validation);
    stbi_image_free(pixels);

    sac.size = sizeof sac;
    if (sac_get_api(SAC_MAJOR, &sac) != SAC_OK) {
        std::fprintf(stderr, "foreign_host: this libsaccade is of another version\n");
        return 1;
    }
    sac_host host;
    if (create(arguments, engine, host) != SAC_OK) return fail("create_context");
    auto info = make<sac_context_info>(SAC_TYPE_CONTEXT_INFO);
    sac.get_context_info(context, &info);
    std::printf("%s, %s\n", engine.device_name.c_str(),
                info.mode == SAC_MODE_OWN_QUEUE ? "a queue of the plugin's own" : "the engine's queue, shared");

    auto model = make<sac_model_desc>(SAC_TYPE_MODEL_DESC);
    model.folder = folder;
    model.weights = arguments.weights.empty() ? nullptr : arguments.weights.c_str();
    if (sac.load_model(context, &model, nullptr) != SAC_OK || sac.wait_model(context, 0, 60000) != SAC_OK)
        return fail(folder);
    return run(arguments, engine, w, h);
}
