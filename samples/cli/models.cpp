#include "samples/cli/models.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include <nlohmann/json.hpp>

#include "compute/base/format.h"
#include "samples/networks/networks.h"

#ifdef _WIN32
#include <windows.h>
#endif

namespace sac::cli {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t seed = 1;

fs::path program_path() {
#ifdef _WIN32
    wchar_t path[32768];
    return fs::path(path, path + GetModuleFileNameW(nullptr, path, 32768));
#else
    std::error_code error;
    return fs::read_symlink("/proc/self/exe", error);
#endif
}

// FastestDet's card with the seeded network in place of the trained one. It shows its few best boxes, whatever they
// are.
Result<TemporaryFolder> make_seeded_model() {
    const fs::path card_path = fs::path(assets_directory()) / "models" / "fastestdet" / "card.json";
    std::ifstream in(card_path);
    nlohmann::ordered_json card = nlohmann::ordered_json::parse(in, nullptr, false);
    if (!card.is_object())
        return Error(
            Code::not_found,
            card_path.string() +
                ": the card for the seeded network cannot be read (SACCADE_ASSETS can name the folder of assets)");
    card["name"] = "seeded FastestDet";
    card["file"] = "model.onnx";
    card["input"]["name"] = "image";
    card["head"]["output"] = "output";
    card["thresholds"]["score"] = 0.01;
    card["max_detections"] = 6;
    card["licence"] = "none";
    card["source"] = "random weights";
    card.erase("sha256");

    SAC_ASSIGN(TemporaryFolder folder, TemporaryFolder::create());
    SAC_TRY(write_network("fastestdet", seed, folder.path() + "/model.onnx"));
    std::ofstream out(folder.path() + "/card.json");
    out << card.dump(4);
    out.close();
    if (!out) return Error(Code::io_error, folder.path() + "/card.json: cannot be written");
    return folder;
}

}  // namespace

std::string assets_directory() {
    if (const char *named = std::getenv("SACCADE_ASSETS")) return named;
    std::error_code error;
    fs::path folder = program_path().parent_path();
    const fs::path installed = folder / ".." / "share" / "saccade" / "assets";
    if (fs::is_directory(installed / "models", error)) return installed.lexically_normal().string();
    for (; !folder.empty(); folder = folder.parent_path()) {
        if (fs::is_directory(folder / "assets" / "models", error)) return (folder / "assets").string();
        if (folder == folder.root_path()) break;
    }
    return {};
}

Result<TemporaryFolder> TemporaryFolder::create() {
    std::error_code error;
    const fs::path base = fs::temp_directory_path(error);
    if (error) return Error(Code::io_error, "there is no folder for temporary files: " + error.message());
    std::random_device random;
    for (int attempt = 0; attempt < 16; ++attempt) {
        const fs::path path = base / format("saccade-%08x%08x", random(), random());
        if (!fs::create_directory(path, error)) continue;
        TemporaryFolder folder;
        folder.path_ = path.string();
        return folder;
    }
    return Error(Code::io_error, base.string() + ": no temporary folder can be made there");
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

Result<Model> choose_model(const Arguments &arguments) {
    Model model;
    model.choice.weights = arguments.text("--weights");
    model.choice.half = arguments.has("--half");
    model.choice.score = static_cast<float>(arguments.number("--score", 0));
    model.choice.iou = static_cast<float>(arguments.number("--iou", 0));
    const std::string name = arguments.text("--model", model.choice.weights.empty() ? "toybox" : "fastestdet");
    if (name == "seeded") {
        SAC_ASSIGN(model.made, make_seeded_model());
        model.choice.folder = model.made->path();
        return model;
    }
    std::error_code error;
    model.choice.folder = name;
    if (!fs::exists(name, error) && name.find('/') == std::string::npos) {
        const fs::path ours = fs::path(assets_directory()) / "models" / name;
        if (!fs::exists(ours, error))
            return Error(Code::not_found, name + ": neither a model's folder nor a model of the project");
        model.choice.folder = ours.string();
    }
    return model;
}

}  // namespace sac::cli
