#include "compute/kernels/hot_reload.h"

#ifdef SACCADE_HOT_RELOAD
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include <glslang/Public/ResourceLimits.h>
#include <glslang/Public/ShaderLang.h>
#include <glslang/SPIRV/GlslangToSpv.h>

#include "compute/base/format.h"
#endif

namespace sac {

#ifndef SACCADE_HOT_RELOAD

std::unique_ptr<HotReload> HotReload::create(const Log &) { return nullptr; }

#else

namespace {

namespace fs = std::filesystem;

std::optional<std::string> read_text(const fs::path &path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return {};
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// Where `name` in an #include leads: beside the file that includes it, else in the folder of includes.
std::optional<fs::path> resolve_include(const fs::path &root, const fs::path &includer, const std::string &name) {
    for (const fs::path &candidate : {includer.parent_path() / name, root / "include" / name}) {
        std::error_code failed;
        if (fs::is_regular_file(candidate, failed)) return candidate.lexically_normal();
    }
    return {};
}

class Includer final : public glslang::TShader::Includer {
public:
    explicit Includer(fs::path root) : root_(std::move(root)) {}

    IncludeResult *includeLocal(const char *name, const char *includer, size_t) override {
        const auto path = resolve_include(root_, root_ / includer, name);
        const auto text = path ? read_text(*path) : std::nullopt;
        if (!text) return nullptr;
        auto *kept = new std::string(*text);
        return new IncludeResult(fs::relative(*path, root_).generic_string(), kept->data(), kept->size(), kept);
    }
    IncludeResult *includeSystem(const char *, const char *, size_t) override { return nullptr; }
    void releaseInclude(IncludeResult *result) override {
        if (!result) return;
        delete static_cast<std::string *>(result->userData);
        delete result;
    }

private:
    fs::path root_;
};

// "A B=1" as the lines that a compiler's -D would give.
std::string preamble_of(const char *defines) {
    std::string preamble;
    std::istringstream words(defines);
    for (std::string word; words >> word;) {
        const size_t equals = word.find('=');
        preamble += "#define " + word.substr(0, equals) + " " +
                    (equals == std::string::npos ? "" : word.substr(equals + 1)) + "\n";
    }
    return preamble;
}

class GlslangReload final : public HotReload {
public:
    explicit GlslangReload(fs::path root) : root_(std::move(root)) {
        glslang::InitializeProcess();
        changed_files();  // the state to compare with
    }
    ~GlslangReload() override { glslang::FinalizeProcess(); }

    std::vector<std::string> changed_sources() override {
        const std::set<fs::path> changed = changed_files();
        std::vector<std::string> sources;
        if (changed.empty()) return sources;
        for (const auto &[path, time] : times_) {
            if (path.extension() != ".comp") continue;
            std::set<fs::path> reached;
            if (reaches(path, changed, reached)) sources.push_back(fs::relative(path, root_).generic_string());
        }
        return sources;
    }

    Result<std::vector<uint32_t>> compile(const EmbeddedKernel &kernel) override {
        const auto text = read_text(root_ / kernel.source);
        if (!text) return Error(Code::not_found, format("%s cannot be read", (root_ / kernel.source).string().c_str()));
        const char *strings[] = {text->c_str()}, *names[] = {kernel.source};
        const int lengths[] = {static_cast<int>(text->size())};
        const std::string preamble = preamble_of(kernel.defines);
        glslang::TShader shader(EShLangCompute);
        shader.setStringsWithLengthsAndNames(strings, lengths, names, 1);
        shader.setPreamble(preamble.c_str());
        shader.setEnvInput(glslang::EShSourceGlsl, EShLangCompute, glslang::EShClientVulkan, 100);
        shader.setEnvClient(glslang::EShClientVulkan, glslang::EShTargetVulkan_1_2);
        shader.setEnvTarget(glslang::EShTargetSpv, glslang::EShTargetSpv_1_5);
        const auto messages = static_cast<EShMessages>(EShMsgSpvRules | EShMsgVulkanRules);
        Includer includer(root_);
        const auto refused = [&](const char *log) {
            return Error(Code::invalid_file, format("kernel %s does not compile:\n%s", kernel.name, log));
        };
        if (!shader.parse(GetDefaultResources(), 450, ENoProfile, false, false, messages, includer))
            return refused(shader.getInfoLog());
        glslang::TProgram program;
        program.addShader(&shader);
        if (!program.link(messages)) return refused(program.getInfoLog());
        std::vector<uint32_t> words;
        glslang::GlslangToSpv(*program.getIntermediate(EShLangCompute), words);
        return words;
    }

private:
    // Files that are new or have another time than at the last call. One that is gone (an editor may be about to
    // replace it) is passed over until it is back.
    std::set<fs::path> changed_files() {
        std::set<fs::path> changed;
        std::error_code failed;
        for (fs::recursive_directory_iterator at(root_, failed), end; !failed && at != end; at.increment(failed)) {
            const fs::path path = at->path().lexically_normal();
            std::error_code gone;
            const auto time = fs::last_write_time(path, gone);
            if (gone || !at->is_regular_file(gone) || gone) continue;
            const auto known = times_.find(path);
            if (known != times_.end() && known->second == time) continue;
            times_[path] = time;
            changed.insert(path);
        }
        return changed;
    }

    // Whether `path` is one of `changed` or includes one, at whatever depth.
    bool reaches(const fs::path &path, const std::set<fs::path> &changed, std::set<fs::path> &reached) const {
        if (!reached.insert(path).second) return false;
        if (changed.count(path)) return true;
        std::ifstream file(path);
        for (std::string line; std::getline(file, line);) {
            if (!line.starts_with("#include")) continue;
            const size_t open = line.find('"'), close = line.rfind('"');
            if (open == close) continue;
            const auto included = resolve_include(root_, path, line.substr(open + 1, close - open - 1));
            if (included && reaches(*included, changed, reached)) return true;
        }
        return false;
    }

    fs::path root_;
    std::map<fs::path, fs::file_time_type> times_;
};

}  // namespace

std::unique_ptr<HotReload> HotReload::create(const Log &log) {
    const char *chosen = std::getenv("SACCADE_SHADER_DIR");
    const fs::path root = fs::path(chosen && *chosen ? chosen : SACCADE_SHADER_DIR).lexically_normal();
    std::error_code failed;
    if (!fs::is_directory(root, failed)) {
        log.write(LogLevel::warning, format("no hot reload: there is no folder %s", root.string().c_str()).c_str());
        return nullptr;
    }
    return std::make_unique<GlslangReload>(root);
}

#endif

}  // namespace sac
