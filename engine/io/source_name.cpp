#include "engine/io/source_name.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace sac::engine {

namespace {

constexpr std::string_view protocols[] = {"http", "https", "rtsp", "rtsps", "rtmp", "udp", "rtp", "tcp", "srt"};

// Reads a number off the front; false if there is none, or one that is too large.
template <class T>
bool take(std::string_view &text, T &number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    return true;
}

bool take(std::string_view &text, char character) {
    if (text.empty() || text[0] != character) return false;
    text.remove_prefix(1);
    return true;
}

bool parse_area(std::string_view text, ScreenArea &area) {
    constexpr uint32_t most = 16384;
    if (!take(text, area.width) || !take(text, 'x') || !take(text, area.height)) return false;
    if (!text.empty() && (!take(text, '+') || !take(text, area.x) || !take(text, ',') || !take(text, area.y)))
        return false;
    return text.empty() && area.width > 0 && area.height > 0 && area.width <= most && area.height <= most &&
           area.x <= most && area.y <= most;
}

// "rtsp" of "rtsp://..."; empty if it is no URL.
std::string_view protocol_of(std::string_view text) {
    const size_t end = text.find("://");
    if (end == std::string_view::npos || end == 0) return {};
    const std::string_view protocol = text.substr(0, end);
    const bool is_word = std::all_of(protocol.begin(), protocol.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    return is_word ? protocol : std::string_view();
}

}  // namespace

Result<SourceName> SourceName::parse(const std::string &text) {
    SourceName name;
    name.text = text;
    if (text.empty()) return Error(Code::invalid_argument, "the name of a source is empty");
    if (const std::string_view protocol = protocol_of(text); !protocol.empty()) {
        if (std::find(std::begin(protocols), std::end(protocols), protocol) == std::end(protocols))
            return Error(Code::unsupported, text + ": streams are http, https, rtsp, rtmp, udp, rtp, tcp or srt");
        name.scheme = Scheme::url;
        return name;
    }
    const size_t colon = text.find(':');
    const std::string word = text.substr(0, colon);
    std::string_view rest = text;
    rest.remove_prefix(colon == std::string::npos ? text.size() : colon + 1);
    if (word != "camera" && word != "screen" && word != "scene") return name;
    if (colon != std::string::npos && rest.empty())
        return Error(Code::invalid_argument, text + ": nothing stands behind the colon");
    if (word == "camera") {
        name.scheme = Scheme::camera;
        name.device = rest;
    } else if (word == "screen") {
        name.scheme = Scheme::screen;
        if (!rest.empty() && !parse_area(rest, name.area))
            return Error(Code::invalid_argument, text + ": an area is WIDTHxHEIGHT+X,Y, such as screen:640x480+10,20");
    } else {
        name.scheme = Scheme::scene;
        if (!rest.empty() && (!take(rest, name.seed) || !rest.empty()))
            return Error(Code::invalid_argument, text + ": a seed is a whole number, such as scene:7");
    }
    return name;
}

}  // namespace sac::engine
