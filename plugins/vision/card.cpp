#include "plugins/vision/card.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

#include <nlohmann/json.hpp>

#include "compute/base/format.h"

namespace sac {
namespace {

using Json = nlohmann::json;

constexpr size_t max_card_bytes = 4 << 20;
constexpr size_t max_labels = 32768;  // also a bound of the decoders' loops

// One object of the card: hands out fields, notes which were asked for, and names file and field in errors.
class Fields {
public:
    Fields(const Json &object, const std::string &source, std::string prefix)
        : object_(object), source_(source), prefix_(std::move(prefix)) {}

    Error wrong(const std::string &field, const std::string &expected) const {
        return Error(Code::invalid_file, format("%s: field \"%s%s\": expected %s", source_.c_str(), prefix_.c_str(),
                                                field.c_str(), expected.c_str()));
    }

    bool has(const char *field) const { return object_.contains(field); }

    /// The field's value, or null if it is not there.
    const Json *get(const char *field) {
        known_.insert(field);
        const auto found = object_.find(field);
        return found == object_.end() ? nullptr : &*found;
    }

    Status text(const char *field, std::string &value) {
        const Json *json = get(field);
        if (!json || !json->is_string() || json->get_ref<const std::string &>().empty()) return wrong(field, "a text");
        value = json->get_ref<const std::string &>();
        return {};
    }

    Status whole(const char *field, uint32_t low, uint32_t high, uint32_t &value) {
        const Json *json = get(field);
        if (!json || !is_whole(*json, low, high)) return wrong(field, format("a whole number, %u to %u", low, high));
        value = json->get<uint32_t>();
        return {};
    }

    Status number(const char *field, double low, double high, float &value) {
        const Json *json = get(field);
        if (!json || !is_number(*json, low, high)) return wrong(field, format("a number, %g to %g", low, high));
        value = json->get<float>();
        return {};
    }

    Status truth(const char *field, bool &value) {
        const Json *json = get(field);
        if (!json || !json->is_boolean()) return wrong(field, "true or false");
        value = json->get<bool>();
        return {};
    }

    template <class Enum>
    Status choice(const char *field, std::initializer_list<std::pair<const char *, Enum>> names, Enum &value) {
        const Json *json = get(field);
        std::string expected;
        for (const auto &[name, meaning] : names) {
            if (json && json->is_string() && json->get_ref<const std::string &>() == name) {
                value = meaning;
                return {};
            }
            expected += format("%s\"%s\"", expected.empty() ? "" : ", ", name);
        }
        return wrong(field, "one of " + expected);
    }

    Status object(const char *field, const Json *&value) {
        value = get(field);
        if (!value || !value->is_object()) return wrong(field, "an object");
        return {};
    }

    Status three(const char *field, bool zero_allowed, std::array<float, 3> &values) {
        const Json *json = get(field);
        bool ok = json && json->is_array() && json->size() == 3;
        for (size_t i = 0; ok && i < 3; ++i) {
            ok = is_number((*json)[i], -1e6, 1e6);
            if (ok) values[i] = (*json)[i].get<float>();
            ok = ok && (zero_allowed || std::abs(values[i]) >= 1e-6f);
        }
        if (!ok) return wrong(field, format("three numbers%s", zero_allowed ? "" : " other than 0"));
        return {};
    }

    /// Error if the object has a field that nobody asked for: a misspelt optional field would else be ignored.
    Status no_others() const {
        for (const auto &[key, value] : object_.items())
            if (!known_.contains(key)) return wrong(key, "no such field (is it misspelt?)");
        return {};
    }

    static bool is_whole(const Json &json, uint32_t low, uint32_t high) {
        return json.is_number_unsigned() && json.get<uint64_t>() >= low && json.get<uint64_t>() <= high;
    }
    static bool is_number(const Json &json, double low, double high) {
        return json.is_number() && json.get<double>() >= low && json.get<double>() <= high;
    }

private:
    const Json &object_;
    const std::string &source_;
    std::string prefix_;
    std::set<std::string, std::less<>> known_;
};

Status read_input(const Json &object, const std::string &source, CardInput &input) {
    Fields fields(object, source, "input.");
    SAC_TRY(fields.text("name", input.name));
    SAC_TRY(fields.whole("width", 1, 8192, input.width));
    SAC_TRY(fields.whole("height", 1, 8192, input.height));
    SAC_TRY(fields.choice<Fit>("fit", {{"stretch", Fit::stretch}, {"letterbox", Fit::letterbox}, {"crop", Fit::crop}},
                               input.fit));
    if (input.fit == Fit::crop && fields.has("resize"))
        SAC_TRY(fields.whole("resize", std::max(input.width, input.height), 8192, input.resize));
    SAC_TRY(fields.choice<Filter>("filter", {{"bilinear", Filter::bilinear}, {"area", Filter::area}}, input.filter));
    SAC_TRY(fields.choice<ChannelOrder>("channels", {{"rgb", ChannelOrder::rgb}, {"bgr", ChannelOrder::bgr}},
                                        input.channels));
    SAC_TRY(
        fields.choice<TensorOrder>("layout", {{"NCHW", TensorOrder::nchw}, {"NHWC", TensorOrder::nhwc}}, input.layout));
    SAC_TRY(fields.number("scale", -1e6, 1e6, input.scale));
    if (std::abs(input.scale) < 1e-6f) return fields.wrong("scale", "a number other than 0");
    SAC_TRY(fields.three("mean", true, input.mean));
    SAC_TRY(fields.three("std", false, input.std));
    if (const Json *pad = fields.get("pad")) {
        bool ok = pad->is_array() && pad->size() == 3;
        for (size_t i = 0; ok && i < 3; ++i) {
            ok = Fields::is_whole((*pad)[i], 0, 255);
            if (ok) input.pad[i] = (*pad)[i].get<uint8_t>();
        }
        if (!ok) return fields.wrong("pad", "three whole numbers, 0 to 255 (red, green, blue)");
    }
    return fields.no_others();
}

Status read_anchor_free(Fields &fields, CardHead &head) {
    const Json *strides = fields.get("strides");
    bool ok = strides && strides->is_array() && !strides->empty() && strides->size() <= 8;
    for (size_t i = 0; ok && i < strides->size(); ++i) {
        ok = Fields::is_whole((*strides)[i], 1, 1024);
        if (ok) head.strides.push_back((*strides)[i].get<uint32_t>());
    }
    if (!ok) return fields.wrong("strides", "one to eight whole numbers, 1 to 1024");

    const Json *outputs = fields.get("outputs");
    ok = outputs && outputs->is_array() && (outputs->size() == 1 || outputs->size() == head.strides.size());
    for (size_t i = 0; ok && i < outputs->size(); ++i) {
        ok = (*outputs)[i].is_string() && !(*outputs)[i].get_ref<const std::string &>().empty();
        if (ok) head.outputs.push_back((*outputs)[i].get<std::string>());
    }
    if (!ok) return fields.wrong("outputs", "names of graph outputs: one, or one for each stride");

    SAC_TRY(fields.choice<BoxEncoding>("box",
                                       {{"grid_offset", BoxEncoding::grid_offset},
                                        {"distance", BoxEncoding::distance},
                                        {"absolute", BoxEncoding::absolute}},
                                       head.box));
    SAC_TRY(fields.truth("objectness", head.objectness));
    SAC_TRY(fields.truth("sigmoid", head.sigmoid));
    if (fields.has("multi_label")) SAC_TRY(fields.truth("multi_label", head.multi_label));
    enum class Order { first, last } order = Order::first;
    SAC_TRY(fields.choice<Order>("channels", {{"first", Order::first}, {"last", Order::last}}, order));
    head.channels_last = order == Order::last;
    return {};
}

Status read_head(const Json &object, const std::string &source, CardHead &head) {
    Fields fields(object, source, "head.");
    std::string type;
    SAC_TRY(fields.text("type", type));
    if (type == "fastestdet") {
        head.type = HeadType::fastestdet;
        head.outputs.resize(1);
        SAC_TRY(fields.text("output", head.outputs[0]));
    } else if (type == "anchor_free") {
        head.type = HeadType::anchor_free;
        SAC_TRY(read_anchor_free(fields, head));
    } else {
        return Error(Code::unsupported, format("%s: field \"head.type\": no head \"%s\" here, only \"fastestdet\" and "
                                               "\"anchor_free\"",
                                               source.c_str(), type.c_str()));
    }
    return fields.no_others();
}

std::vector<std::string> lines_of(const std::string &text) {
    std::vector<std::string> lines;
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find('\n', at), text.size());
        std::string line = text.substr(at, end - at);
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (!line.empty()) lines.push_back(std::move(line));
        at = end + 1;
    }
    return lines;
}

Status read_labels(Fields &fields, const ReadFile &read, std::vector<std::string> &labels) {
    const char *const expected = "an array of texts, or the name of a file in the model's folder with a label a line";
    const Json *json = fields.get("labels");
    if (json && json->is_array()) {
        for (const Json &label : *json) {
            if (!label.is_string()) return fields.wrong("labels", expected);
            labels.push_back(label.get<std::string>());
        }
    } else if (json && json->is_string()) {
        const std::string &name = json->get_ref<const std::string &>();
        if (!stays_inside(name))
            return fields.wrong("labels", "a file inside the model's folder, not \"" + name + "\"");
        Result<std::string> text = read(name);
        if (!text.ok()) return std::move(text).error().with_context(fields.wrong("labels", "a label file").message);
        labels = lines_of(*text);
    } else {
        return fields.wrong("labels", expected);
    }
    if (labels.empty() || labels.size() > max_labels)
        return fields.wrong("labels", format("1 to %zu labels, not %zu", max_labels, labels.size()));
    return {};
}

Status read_thresholds(const Json &object, const std::string &source, Card &card) {
    Fields fields(object, source, "thresholds.");
    SAC_TRY(fields.number("score", 0, 1, card.score_threshold));
    SAC_TRY(fields.number("nms_iou", 0, 1, card.nms_iou));
    return fields.no_others();
}

Status read_card(const Json &root, const std::string &source, const ReadFile &read, Card &card) {
    Fields fields(root, source, "");
    SAC_TRY(fields.text("name", card.name));
    SAC_TRY(fields.text("task", card.task));
    if (card.task != "detect")
        return Error(Code::unsupported, format("%s: field \"task\": no task \"%s\" here, only \"detect\"",
                                               source.c_str(), card.task.c_str()));
    if (fields.has("file")) SAC_TRY(fields.text("file", card.file));
    if (!stays_inside(card.file))
        return fields.wrong("file", "a file inside the model's folder, not \"" + card.file + "\"");

    const Json *input = nullptr, *head = nullptr, *thresholds = nullptr;
    SAC_TRY(fields.object("input", input));
    SAC_TRY(read_input(*input, source, card.input));
    SAC_TRY(fields.object("head", head));
    SAC_TRY(read_head(*head, source, card.head));
    SAC_TRY(read_labels(fields, read, card.labels));
    SAC_TRY(fields.object("thresholds", thresholds));
    SAC_TRY(read_thresholds(*thresholds, source, card));
    if (fields.has("max_detections"))
        SAC_TRY(fields.whole("max_detections", 1, max_detections_limit, card.max_detections));
    if (fields.has("class_aware")) SAC_TRY(fields.truth("class_aware", card.class_aware));
    SAC_TRY(fields.text("licence", card.licence));
    SAC_TRY(fields.text("source", card.source));
    if (fields.has("sha256")) {
        SAC_TRY(fields.text("sha256", card.sha256));
        if (card.sha256.size() != 64 || card.sha256.find_first_not_of("0123456789abcdef") != std::string::npos)
            return fields.wrong("sha256", "64 digits, 0 to 9 and a to f");
    }
    return fields.no_others();
}

Result<std::string> read_file(const std::filesystem::path &path) {
    std::error_code failed;
    const auto bytes = std::filesystem::file_size(path, failed);
    if (failed) return Error(Code::not_found, format("%s: %s", path.string().c_str(), failed.message().c_str()));
    if (bytes > max_card_bytes)
        return Error(Code::invalid_file, format("%s: larger than %zu bytes", path.string().c_str(), max_card_bytes));
    std::ifstream file(path, std::ios::binary);
    std::string text(static_cast<size_t>(bytes), '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!file) return Error(Code::io_error, format("%s: cannot be read", path.string().c_str()));
    return text;
}

// Symbolic links followed: a link inside the folder may point outside.
Result<std::filesystem::path> path_inside(const std::filesystem::path &folder, const std::string &name) {
    std::error_code failed;
    const auto root = std::filesystem::weakly_canonical(folder, failed);
    const auto path = failed ? root : std::filesystem::weakly_canonical(folder / name, failed);
    const auto [end, rest] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
    if (failed || end != root.end())
        return Error(Code::invalid_file,
                     format("%s: it leads out of the model's folder", (folder / name).string().c_str()));
    return path;
}

}  // namespace

bool stays_inside(std::string_view name) {
    // Judged alike on every system: backslashes and drive letters are refused where they would be harmless, too.
    if (name.empty() || name.front() == '/' || name.find_first_of(std::string_view("\\:\0", 3)) != name.npos)
        return false;
    while (!name.empty()) {
        const size_t end = std::min(name.find('/'), name.size());
        if (name.substr(0, end) == "..") return false;
        name.remove_prefix(std::min(end + 1, name.size()));
    }
    return true;
}

Result<Card> parse_card(std::string_view text, const std::string &source, const ReadFile &read) {
    if (text.size() > max_card_bytes)
        return Error(Code::invalid_file, format("%s: larger than %zu bytes", source.c_str(), max_card_bytes));
    const Json root = Json::parse(text.begin(), text.end(), nullptr, false);
    if (root.is_discarded()) return Error(Code::invalid_file, source + ": not valid JSON");
    if (!root.is_object()) return Error(Code::invalid_file, source + ": expected a JSON object");
    Card card;
    SAC_TRY(read_card(root, source, read, card));
    return card;
}

Result<Card> load_card(const std::string &folder) {
    const std::filesystem::path root(folder);
    SAC_ASSIGN(const std::string text, read_file(root / "card.json"));
    SAC_ASSIGN(Card card,
               parse_card(text, (root / "card.json").string(), [&](const std::string &name) -> Result<std::string> {
                   SAC_ASSIGN(const std::filesystem::path path, path_inside(root, name));
                   return read_file(path);
               }));
    SAC_ASSIGN(const std::filesystem::path file, path_inside(root, card.file));
    return card;
}

}  // namespace sac
