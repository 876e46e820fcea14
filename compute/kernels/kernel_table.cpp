#include "compute/kernels/kernel_table.h"

#include <algorithm>

#include "compute/base/format.h"
#include "compute/base/hash.h"
#include "compute/base/parallel.h"
#include "compute/kernels/hot_reload.h"

namespace sac {
namespace {

std::span<const uint32_t> embedded_words(const EmbeddedKernel &kernel) { return {kernel.words, kernel.word_count}; }

bool is_compute(const EmbeddedKernel &kernel) { return std::string_view(kernel.source).ends_with(".comp"); }

}  // namespace

Result<std::unique_ptr<KernelTable>> KernelTable::create(vk::Device &device, const std::string &cache_directory) {
    std::unique_ptr<KernelTable> table(new KernelTable(device));
    for (const EmbeddedKernel &kernel : embedded_kernels())
        if (is_compute(kernel)) table->entries_[kernel.name].embedded = &kernel;
    const uint64_t device_key = device.caps().cache_key(), shaders = embedded_hash();
    const uint64_t key = hash_bytes(&shaders, sizeof shaders, device_key);
    std::string path;
    if (!cache_directory.empty())
        path = format("%s/pipelines-%016llx.bin", cache_directory.c_str(), static_cast<unsigned long long>(key));
    SAC_ASSIGN(table->cache_, vk::PipelineCache::create(device, path, key));
    table->hot_reload_ = HotReload::create(device.log());
    return table;
}

KernelTable::KernelTable(vk::Device &device) : device_(device) {}
KernelTable::~KernelTable() = default;

uint64_t KernelTable::embedded_hash() {
    // Once in a process: the words never change.
    static const uint64_t hash = [] {
        uint64_t h = hash_seed;
        for (const EmbeddedKernel &kernel : embedded_kernels()) {
            h = hash_text(kernel.name, h);
            // A word a step instead of a byte: the words are many, and only a difference must show.
            for (const uint32_t word : embedded_words(kernel)) h = (h ^ word) * 0x100000001b3ull;
        }
        return h;
    }();
    return hash;
}

std::span<const uint32_t> KernelTable::words_of(const Entry &entry) {
    return entry.reloaded.empty() ? embedded_words(*entry.embedded) : entry.reloaded;
}

void KernelTable::check(Entry &entry) const {
    if (entry.checked) return;
    entry.checked = true;
    const vk::Caps &caps = device_.caps();
    if (!caps.satisfies(entry.embedded->needs)) {
        entry.why_not = format("the device lacks one of: %s", entry.embedded->needs);
        return;
    }
    const auto interface = vk::reflect(words_of(entry));
    if (!interface.ok()) {
        entry.why_not = interface.error().message;
        return;
    }
    if (const Status fits = vk::check_limits(*interface, caps); !fits.ok()) entry.why_not = fits.error().message;
}

bool KernelTable::available(std::string_view name) const {
    const auto found = entries_.find(name);
    if (found == entries_.end()) return false;
    check(found->second);
    return found->second.why_not.empty();
}

Result<const Kernel *> KernelTable::get(std::string_view name) {
    const auto found = entries_.find(name);
    if (found == entries_.end())
        return Error(Code::not_found,
                     format("there is no kernel %.*s in this build", static_cast<int>(name.size()), name.data()));
    return build(found->second);
}

Status KernelTable::build(std::span<const std::string_view> names) {
    std::vector<Entry *> wanted;
    for (const std::string_view name : names) {
        if (!available(name)) continue;
        Entry *entry = &entries_.at(name);
        if (!entry->kernel && std::find(wanted.begin(), wanted.end(), entry) == wanted.end()) wanted.push_back(entry);
    }
    // The driver locks its pipeline cache itself (VkPipelineCache is not externally synchronised here).
    std::vector<Status> results(wanted.size());
    for_each_parallel(wanted.size(), [&](size_t i) {
        if (auto kernel = build(*wanted[i]); !kernel.ok()) results[i] = std::move(kernel).error();
    });
    for (Status &result : results) SAC_TRY(std::move(result));
    return {};
}

Result<const Kernel *> KernelTable::build(Entry &entry) {
    if (entry.kernel) return entry.kernel.get();
    check(entry);
    if (!entry.why_not.empty())
        return Error(Code::unsupported, format("kernel %s cannot run on %s: %s", entry.embedded->name,
                                               device_.caps().name.c_str(), entry.why_not.c_str()));
    auto kernel = std::make_unique<Kernel>();
    kernel->name = entry.embedded->name;
    ++pipelines_built_;
    SAC_ASSIGN(kernel->pipeline,
               vk::Pipeline::create(device_, cache_->handle(), words_of(entry), entry.embedded->name));
    entry.kernel = std::move(kernel);
    return entry.kernel.get();
}

// Swaps in all variants of a source, or none. `refused` says why a source as it stands now cannot be used.
Result<uint32_t> KernelTable::reload(const std::string &source, std::string &refused) {
    struct Variant {
        Entry *entry;
        std::vector<uint32_t> words;
        vk::Pipeline pipeline;  // of those that are in use
    };
    std::vector<Variant> variants;
    for (const EmbeddedKernel &kernel : embedded_kernels()) {
        if (kernel.source != source) continue;
        Entry &entry = entries_.at(kernel.name);
        check(entry);
        if (!entry.why_not.empty()) continue;  // this device never runs it
        auto words = hot_reload_->compile(kernel);
        if (!words.ok()) {
            refused = words.error().message;
            return 0u;
        }
        const auto before = vk::reflect(words_of(entry)), now = vk::reflect(*words);
        if (!before.ok() || !now.ok() || !before->same_for_callers(*now)) {
            refused = format(
                "kernel %s: its bindings, push constants or workgroup size changed, which needs a new build of the "
                "program",
                entry.embedded->name);
            return 0u;
        }
        Variant variant = {&entry, std::move(*words), {}};
        if (entry.kernel) {
            ++pipelines_built_;
            auto pipeline = vk::Pipeline::create(device_, cache_->handle(), variant.words, entry.embedded->name);
            if (!pipeline.ok() && pipeline.error().code == Code::device_lost) return std::move(pipeline).error();
            if (!pipeline.ok()) {
                refused = pipeline.error().message;
                return 0u;
            }
            variant.pipeline = std::move(*pipeline);
        }
        variants.push_back(std::move(variant));
    }
    uint32_t swapped = 0;
    for (Variant &variant : variants) {
        variant.entry->reloaded = std::move(variant.words);
        if (!variant.entry->kernel) continue;
        variant.entry->kernel->pipeline = std::move(variant.pipeline);
        variant.entry->kernel->warmed = false;
        ++swapped;
    }
    return swapped;
}

Result<uint32_t> KernelTable::reload_changed() {
    if (!hot_reload_) return 0u;
    uint32_t swapped = 0;
    for (const std::string &source : hot_reload_->changed_sources()) {
        std::string refused;
        SAC_ASSIGN(const uint32_t count, reload(source, refused));
        swapped += count;
        if (refused.empty()) {
            reload_errors_.erase(source);
        } else {
            device_.log().write(LogLevel::warning, ("the old kernels stay: " + refused).c_str());
            reload_errors_[source] = std::move(refused);
        }
        reload_error_.clear();
        for (const auto &[broken, message] : reload_errors_) reload_error_ += message + "\n";
    }
    if (swapped) ++generation_;
    return swapped;
}

void KernelTable::save_cache() {
    const uint64_t built = pipelines_built_;
    if (pipelines_saved_.exchange(built) == built) return;
    const Status saved = cache_->save();
    if (!saved && !warned_.exchange(true)) device_.log().write(LogLevel::warning, saved.error().message.c_str());
}

}  // namespace sac
