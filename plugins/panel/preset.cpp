#include "plugins/panel/preset.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

namespace sac::panel {

namespace {

// The few values that a preset has. `list` stands for an array of numbers.
struct Value {
    enum class Kind { number, flag, text, list } kind = Kind::number;
    double number = 0;
    bool flag = false;
    std::string text;
    std::vector<double> list;
};

// A flat JSON object. Nothing of it is recursive: damaged text cannot exhaust the stack.
class Reader {
public:
    explicit Reader(const std::string &text) : at_(text.data()), end_(text.data() + text.size()) {}

    bool object(std::map<std::string, Value> &out) {
        if (!take('{')) return false;
        if (take('}')) return finished();
        do {
            std::string key;
            Value value;
            if (!string(key) || !take(':') || !any(value)) return false;
            out[key] = std::move(value);
        } while (take(','));
        return take('}') && finished();
    }

private:
    void skip() {
        while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
    }
    bool take(char c) {
        skip();
        if (at_ == end_ || *at_ != c) return false;
        ++at_;
        return true;
    }
    bool finished() {
        skip();
        return at_ == end_;
    }
    bool word(const char *expected) {
        const std::string_view wanted = expected;
        if (std::string_view(at_, static_cast<size_t>(end_ - at_)).substr(0, wanted.size()) != wanted) return false;
        at_ += wanted.size();
        return true;
    }
    bool string(std::string &out) {
        if (!take('"')) return false;
        for (; at_ < end_ && *at_ != '"'; ++at_) {
            if (*at_ == '\\' && ++at_ == end_) return false;
            out += *at_;
        }
        return at_++ < end_;
    }
    bool number(double &out) {
        skip();
        const auto [rest, error] = std::from_chars(at_, end_, out);  // unlike strtod the same in every locale
        at_ = rest;
        return error == std::errc() && std::isfinite(out);
    }
    bool any(Value &out) {
        skip();
        if (at_ == end_) return false;
        if (*at_ == '"') {
            out.kind = Value::Kind::text;
            return string(out.text);
        }
        if (*at_ == '[') return list(out);
        if (*at_ == 't' || *at_ == 'f') {
            out.kind = Value::Kind::flag;
            out.flag = *at_ == 't';
            return word(out.flag ? "true" : "false");
        }
        return number(out.number);
    }
    bool list(Value &out) {
        out.kind = Value::Kind::list;
        if (!take('[')) return false;
        if (take(']')) return true;
        do {
            double element = 0;
            if (!number(element)) return false;
            out.list.push_back(element);
        } while (take(','));
        return take(']');
    }

    const char *at_, *end_;
};

bool is_whole(double value, double most) { return value >= 0 && value <= most && value == std::floor(value); }

// The fewest digits that are read as the same float again.
std::string number(float value) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    return {text, end};
}

// Digits of a float that C takes as one.
std::string float_literal(float value) {
    std::string text = number(value);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    return text + "f";
}

// A JSON string. Control characters, which no name has a use for, are left out.
std::string quoted(const std::string &text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (static_cast<unsigned char>(c) >= 0x20) out += c;
    }
    return out + '"';
}

}  // namespace

std::string to_json(const Preset &preset) {
    std::string text = "{\n  \"saccade_preset\": " + std::to_string(preset_version);
    text += ",\n  \"score_threshold\": " + number(preset.score_threshold);
    text += ",\n  \"iou_threshold\": " + number(preset.iou_threshold);
    text += ",\n  \"max_detections\": " + std::to_string(preset.max_detections);
    text += std::string(",\n  \"all_classes\": ") + (preset.all_classes ? "true" : "false");
    text += ",\n  \"classes\": [";
    for (size_t i = 0; i < preset.classes.size(); ++i) text += (i ? ", " : "") + std::to_string(preset.classes[i]);
    text += std::string("],\n  \"track\": ") + (preset.track ? "true" : "false");
    text += ",\n  \"budget_ms\": " + number(preset.budget_ms);
    text += ",\n  \"source\": " + quoted(preset.source);
    text += ",\n  \"model\": " + quoted(preset.model);
    return text + "\n}\n";
}

bool from_json(const std::string &text, Preset &preset, std::string &error) {
    std::map<std::string, Value> fields;
    if (!Reader(text).object(fields)) {
        error = "is not a preset: no JSON object of numbers, flags, names and lists";
        return false;
    }
    const auto version = fields.find("saccade_preset");
    if (version == fields.end() || version->second.kind != Value::Kind::number) {
        error = "is not a preset: it has no number \"saccade_preset\"";
        return false;
    }
    if (version->second.number != preset_version) {
        error = "is a preset of version " + number(static_cast<float>(version->second.number)) +
                "; this panel reads version " + std::to_string(preset_version);
        return false;
    }

    Preset read;
    const auto refuse = [&](const char *name, const char *wanted) {
        error = std::string("\"") + name + "\" must be " + wanted;
        return false;
    };
    const auto field = [&](const char *name) -> const Value * {
        const auto found = fields.find(name);
        return found == fields.end() ? nullptr : &found->second;
    };
    const auto real = [&](const char *name, double most, float &out, const char *wanted) {
        const Value *value = field(name);
        if (!value) return true;
        if (value->kind != Value::Kind::number || value->number < 0 || value->number > most)
            return refuse(name, wanted);
        out = static_cast<float>(value->number);
        return true;
    };
    const auto flag = [&](const char *name, bool &out) {
        const Value *value = field(name);
        if (!value) return true;
        if (value->kind != Value::Kind::flag) return refuse(name, "true or false");
        out = value->flag;
        return true;
    };
    const auto name = [&](const char *key, std::string &out) {
        const Value *value = field(key);
        if (!value) return true;
        if (value->kind != Value::Kind::text) return refuse(key, "a name");
        out = value->text;
        return true;
    };
    if (!real("score_threshold", 1, read.score_threshold, "a number from 0 to 1") ||
        !real("iou_threshold", 1, read.iou_threshold, "a number from 0 to 1") ||
        !real("budget_ms", 1000, read.budget_ms, "a number from 0 to 1000") || !flag("all_classes", read.all_classes) ||
        !flag("track", read.track) || !name("source", read.source) || !name("model", read.model))
        return false;
    if (const Value *value = field("max_detections")) {
        if (value->kind != Value::Kind::number || !is_whole(value->number, 1024))
            return refuse("max_detections", "a whole number from 0 to 1024");
        read.max_detections = static_cast<uint32_t>(value->number);
    }
    if (const Value *value = field("classes")) {
        if (value->kind != Value::Kind::list) return refuse("classes", "a list of class numbers");
        for (const double id : value->list) {
            if (!is_whole(id, 32767)) return refuse("classes", "a list of class numbers from 0 to 32767");
            read.classes.push_back(static_cast<uint32_t>(id));
        }
    }
    preset = std::move(read);
    return true;
}

bool save_preset(const std::string &path, const Preset &preset, std::string &error) {
    const std::string beside = path + ".part";
    std::ofstream out(beside, std::ios::binary);
    out << to_json(preset);
    out.close();
    if (!out || std::rename(beside.c_str(), path.c_str()) != 0) {
        std::remove(beside.c_str());
        error = path + ": cannot be written";
        return false;
    }
    return true;
}

bool load_preset(const std::string &path, Preset &preset, std::string &error) {
    constexpr std::streamsize largest = 1 << 20;
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        error = path + ": there is no such preset";
        return false;
    }
    std::string text(static_cast<size_t>(largest), 0);
    in.read(text.data(), largest);
    text.resize(static_cast<size_t>(in.gcount()));
    if (from_json(text, preset, error)) return true;
    error = path + ": " + error;
    return false;
}

std::string to_c(const Preset &preset) {
    std::string text =
        "#include \"saccade_debug.h\"\n\n"
        "/* Settings of detection, as they were in the panel. */\n"
        "static sac_result apply_settings(const sac_api *sac, sac_context context) {\n"
        "    sac_detect_settings detect = {0};\n"
        "    detect.type = SAC_TYPE_DETECT_SETTINGS;\n"
        "    detect.size = sizeof detect;\n";
    text += "    detect.score_threshold = " + float_literal(preset.score_threshold) + ";\n";
    text += "    detect.iou_threshold = " + float_literal(preset.iou_threshold) + ";\n";
    text += "    detect.max_detections = " + std::to_string(preset.max_detections) + ";\n";
    text +=
        "    sac_result result = sac->set_detect_settings(context, &detect);\n"
        "    if (result != SAC_OK) return result;\n\n"
        "    sac_track_settings track = {0};\n"
        "    track.type = SAC_TYPE_TRACK_SETTINGS;\n"
        "    track.size = sizeof track;\n";
    text += std::string("    track.enabled = ") + (preset.track ? "1" : "0") + ";\n";
    text += "    result = sac->set_track_settings(context, &track);\n";
    if (!preset.all_classes) {
        std::vector<uint32_t> words(1);
        for (const uint32_t id : preset.classes) {
            if (words.size() <= id / 32) words.resize(id / 32 + 1);
            words[id / 32] |= 1u << (id % 32);
        }
        text +=
            "    if (result != SAC_OK) return result;\n\n"
            "    const sac_debug_api *debug = (const sac_debug_api *)sac->get_extension(context, \"sac.debug/1\");\n"
            "    if (!debug) return SAC_ERROR_UNSUPPORTED;\n"
            "    const uint32_t classes[] = {";
        for (size_t i = 0; i < words.size(); ++i) {
            char word[16];
            std::snprintf(word, sizeof word, "%s0x%08xu", i ? ", " : "", words[i]);
            text += word;
        }
        text += "};\n    result = debug->set_class_filter(context, classes, " + std::to_string(words.size()) + ");\n";
    }
    return text + "    return result;\n}\n";
}

}  // namespace sac::panel
