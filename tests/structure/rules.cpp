#include "tests/structure/rules.h"

#include <algorithm>
#include <regex>

namespace sac::structure {

namespace {

constexpr size_t longest_file = 600;

bool starts_with_any(std::string_view text, const std::vector<std::string_view> &prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view p) { return text.starts_with(p); });
}

// "plugins/vision/saccade" stands for saccade.h and the headers of its extensions, saccade_*.h; hosts write
// "saccade.h". The first row whose prefix fits the file's path holds for it. `ours` are the files of the project it may
// include.
struct Room {
    std::string_view prefix;
    std::vector<std::string_view> ours;
};

const std::vector<Room> &rooms() {
    static const std::vector<Room> table = {
        {"compute/base/", {"compute/base/"}},
        {"compute/vk/", {"compute/base/", "compute/vk/"}},
        {"compute/kernels/", {"compute/base/", "compute/vk/", "compute/kernels/"}},
        {"compute/graph/", {"compute/base/", "compute/vk/", "compute/kernels/", "compute/graph/"}},
        {"compute/ops/", {"compute/base/", "compute/vk/", "compute/kernels/", "compute/graph/", "compute/ops/"}},
        {"compute/onnx/",
         {"compute/base/", "compute/vk/", "compute/kernels/", "compute/graph/", "compute/ops/", "compute/onnx/"}},
        {"compute/", {"compute/"}},
        {"plugins/overlay/", {"compute/base/", "compute/vk/", "plugins/overlay/"}},
        {"plugins/vision/", {"compute/", "plugins/overlay/", "plugins/vision/", "saccade"}},
        {"plugins/panel/ui/", {"compute/base/", "compute/vk/", "plugins/panel/"}},
        {"plugins/panel/library/",
         {"compute/base/", "compute/vk/", "plugins/panel/", "plugins/vision/saccade", "plugins/vision/device_import.h",
          "plugins/vision/host.h", "plugins/vision/no_throw.h", "plugins/vision/structs.h"}},
        {"plugins/", {"plugins/vision/saccade", "plugins/panel/", "saccade"}},
        {"engine/",
         {"compute/base/", "compute/vk/", "plugins/overlay/", "plugins/vision/saccade", "plugins/panel/ui/",
          "engine/"}},
        {"samples/networks/", {"compute/base/", "compute/graph/", "compute/onnx/", "samples/networks/"}},
        {"samples/hello/", {"plugins/vision/saccade", "saccade"}},
        {"samples/foreign_host/", {"plugins/vision/saccade", "saccade", "samples/foreign_host/"}},
        {"samples/",
         {"compute/base/", "compute/vk/", "plugins/overlay/", "plugins/vision/saccade", "plugins/panel/", "saccade",
          "engine/", "samples/"}},
        {"tests/", {"compute/", "plugins/", "engine/", "samples/", "tests/", "saccade"}},
    };
    return table;
}

// A library, and the only places that may include it.
struct Library {
    std::vector<std::string_view> headers;
    std::vector<std::string_view> places;
};

const std::vector<Library> &libraries() {
    static const std::vector<Library> table = {
        {{"imgui"}, {"engine/", "plugins/panel/"}},
        {{"GLFW/"}, {"engine/", "samples/foreign_host/"}},
        {{"libav", "libsw"}, {"engine/"}},
        {{"stb"}, {"engine/", "samples/hello/", "samples/foreign_host/", "tests/"}},
        {{"glslang/", "SPIRV/", "spirv-tools/"}, {"compute/kernels/hot_reload"}},
        {{"protozero/"}, {"compute/onnx/", "tests/"}},
        {{"nlohmann/"}, {"plugins/vision/", "samples/cli/", "tests/"}},
        {{"doctest"}, {"tests/"}},
        {{"vulkan/"}, {"compute/vk/", "plugins/vision/", "engine/", "samples/foreign_host/", "tests/"}},
    };
    return table;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

bool include_allowed(std::string_view path, std::string_view header) {
    const bool of_ours = starts_with_any(header, {"compute/", "plugins/", "engine/", "samples/", "tests/", "saccade"});
    if (of_ours) {
        const auto room =
            std::find_if(rooms().begin(), rooms().end(), [&](const Room &r) { return path.starts_with(r.prefix); });
        return room != rooms().end() && starts_with_any(header, room->ours);
    }
    for (const Library &library : libraries())
        if (starts_with_any(header, library.headers)) return starts_with_any(path, library.places);
    return true;
}

}  // namespace

std::vector<std::string> wrong_includes(std::string_view path, std::string_view text) {
    static const std::regex include(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"].*)");
    std::vector<std::string> wrong;
    const auto lines = lines_of(text);
    for (size_t i = 0; i < lines.size(); ++i) {
        std::match_results<std::string_view::const_iterator> match;
        if (!std::regex_match(lines[i].begin(), lines[i].end(), match, include)) continue;
        const std::string header = match[2];
        // A quoted include without a folder would be a neighbour: includes are rooted, so that arrows can be read.
        const bool neighbour =
            match[1] == "\"" && header.find('/') == std::string::npos && !header.starts_with("saccade");
        if (neighbour || !include_allowed(path, header))
            wrong.push_back("line " + std::to_string(i + 1) + ": " + header);
    }
    return wrong;
}

std::vector<std::string> wrong_text(std::string_view path, std::string_view text) {
    // Machine paths, and words left for later; in brackets, so that this file does not find itself.
    static const std::regex foreign_word(R"((^|[^A-Za-z0-9_.])/([w]ork|[h]ome|[t]mp)/|\b([F]IXME|[T]ODO|[X]XX)\b)");
    static const std::regex vulkan_call(R"((^|[^A-Za-z_.>:])vk[A-Z][A-Za-z0-9]+\s*\()");
    std::vector<std::string> wrong;
    const auto lines = lines_of(text);
    if (lines.size() > longest_file) wrong.push_back(std::to_string(lines.size()) + " lines");
    const bool may_call_vulkan = !path.starts_with("compute/") || path.starts_with("compute/vk/");
    for (size_t i = 0; i < lines.size(); ++i) {
        const std::string line(lines[i]);
        const std::string where = "line " + std::to_string(i + 1) + ": ";
        if (std::regex_search(line, foreign_word)) wrong.push_back(where + line);
        if (!may_call_vulkan && std::regex_search(line, vulkan_call)) wrong.push_back(where + line);
    }
    return wrong;
}

}  // namespace sac::structure
