#include "engine/io/capture.h"

#include <algorithm>
#include <cstdlib>
#include <type_traits>

#include "compute/base/format.h"
#include "engine/io/ffmpeg.h"

extern "C" {
#include <libavdevice/avdevice.h>
}
#ifdef SACCADE_LOAD_AVDEVICE
#include <dlfcn.h>
#endif

namespace sac::engine {

namespace {

#if defined(_WIN32)
constexpr const char *camera_device = "dshow", *screen_device = "gdigrab";
#elif defined(__APPLE__)
constexpr const char *camera_device = "avfoundation", *screen_device = "avfoundation";
#else
constexpr const char *camera_device = "v4l2", *screen_device = "x11grab";
#endif

// What is needed of libavdevice. A shared one brings seventy other libraries with it, for sound and much else, and 50
// ms for each start of a program: it is loaded when a camera or the screen is asked for, and stays.
struct AvDevice {
    decltype(&avdevice_register_all) register_all = nullptr;
    decltype(&avdevice_list_input_sources) list = nullptr;
    decltype(&avdevice_free_list_devices) free_list = nullptr;
};

#ifdef SACCADE_LOAD_AVDEVICE
Result<AvDevice> load_avdevice() {
    const std::string file = format("libavdevice.so.%d", LIBAVDEVICE_VERSION_MAJOR);
    void *const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) return Error(Code::unsupported, "cameras and the screen need FFmpeg's " + file);
    const auto find = [&](auto &function, const char *name) {
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    };
    AvDevice device;
    find(device.register_all, "avdevice_register_all");
    find(device.list, "avdevice_list_input_sources");
    find(device.free_list, "avdevice_free_list_devices");
    if (!device.register_all || !device.list || !device.free_list)
        return Error(Code::unsupported, file + " is not FFmpeg's");
    device.register_all();
    return device;
}
#else
Result<AvDevice> load_avdevice() {
    avdevice_register_all();
    return AvDevice{avdevice_register_all, avdevice_list_input_sources, avdevice_free_list_devices};
}
#endif

std::string size_text(uint32_t width, uint32_t height) { return format("%ux%u", width, height); }

bool is_number(const std::string &text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// What FFmpeg's device calls the camera.
Result<std::string> camera_url(const SourceName &name) {
    if (!name.device.empty() && !is_number(name.device)) {
#if defined(_WIN32)
        return "video=" + name.device;
#else
        return name.device;
#endif
    }
#if defined(__linux__)
    if (!name.device.empty()) return "/dev/video" + name.device;  // the number that the system gives it
#endif
    SAC_ASSIGN(const std::vector<CameraInfo> cameras, list_cameras());
    const size_t index = name.device.empty() ? 0 : std::strtoul(name.device.c_str(), nullptr, 10);
    if (cameras.empty()) return Error(Code::not_found, name.text + ": there is no camera");
    if (index >= cameras.size())
        return Error(Code::not_found, format("%s: there are only %zu cameras", name.text.c_str(), cameras.size()));
    std::string url = cameras[index].name.substr(std::string("camera:").size());
#if defined(_WIN32)
    url.insert(0, "video=");
#endif
    return url;
}

Result<VideoInput> screen_input(const SourceName &name) {
    VideoInput input;
    const ScreenArea &area = name.area;
    input.device = screen_device;
    // The device would sleep until a frame is due, and nothing could wake it: Source keeps the time itself.
    input.options.emplace_back("framerate", "1000");
    if (area.width > 0) input.options.emplace_back("video_size", size_text(area.width, area.height));
#if defined(_WIN32)
    input.url = "desktop";
    input.options.emplace_back("offset_x", std::to_string(area.x));
    input.options.emplace_back("offset_y", std::to_string(area.y));
#elif defined(__APPLE__)
    if (area.width > 0) return Error(Code::unsupported, name.text + ": on this system the screen is taken whole");
    input.url = "Capture screen 0:none";
    input.options[0].second = "60";
#else
    const char *display = std::getenv("DISPLAY");
    if (!display || !*display) return Error(Code::not_found, name.text + ": there is no display ($DISPLAY is not set)");
    input.url = display;
    input.options.emplace_back("grab_x", std::to_string(area.x));
    input.options.emplace_back("grab_y", std::to_string(area.y));
#endif
    return input;
}

Result<VideoInput> camera_input(const SourceName &name, const SourceOptions &options) {
    VideoInput input;
    input.device = camera_device;
    SAC_ASSIGN(input.url, camera_url(name));
    if (options.width > 0) input.options.emplace_back("video_size", size_text(options.width, options.height));
    if (options.frame_rate > 0) input.options.emplace_back("framerate", format("%g", options.frame_rate));
    return input;
}

}  // namespace

Result<std::vector<CameraInfo>> list_cameras() {
    SAC_ASSIGN(const AvDevice library, load_avdevice());
    const AVInputFormat *device = av_find_input_format(camera_device);
    if (!device) return Error(Code::unsupported, format("this FFmpeg was built without %s: no cameras", camera_device));
    std::vector<CameraInfo> cameras;
    AVDeviceInfoList *list = nullptr;
    if (library.list(device, nullptr, nullptr, &list) >= 0)
        for (int i = 0; i < list->nb_devices; ++i) {
            const AVDeviceInfo &info = *list->devices[i];
            const bool is_sound = info.nb_media_types == 1 && info.media_types[0] == AVMEDIA_TYPE_AUDIO;
            if (!is_sound) cameras.push_back({std::string("camera:") + info.device_name, info.device_description});
        }
    library.free_list(&list);
    std::sort(cameras.begin(), cameras.end(), [](const CameraInfo &a, const CameraInfo &b) { return a.name < b.name; });
    return cameras;
}

Result<VideoInput> capture_input(const SourceName &name, const SourceOptions &options) {
    if (auto library = load_avdevice(); !library) return std::move(library).error().with_context(name.text);
    SAC_ASSIGN(VideoInput input,
               name.scheme == SourceName::Scheme::screen ? screen_input(name) : camera_input(name, options));
    input.name = name.text;
    input.live = true;
    input.timeout = options.timeout;
    input.interrupt = options.interrupt;
    return input;
}

}  // namespace sac::engine
