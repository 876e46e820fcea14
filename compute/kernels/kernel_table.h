#pragma once
// Kernels by name on one device: the SPIR-V embedded at build time, made into pipelines when first asked for.

#include <atomic>
#include <map>
#include <unordered_map>

#include "compute/kernels/embedded.h"
#include "compute/vk/pipeline.h"

namespace sac {

/// A kernel variant on a device. Its address stays valid for the table's life; a hot reload changes the pipeline behind
/// it and the table's generation.
struct Kernel {
    const char *name = "";
    vk::Pipeline pipeline;
    bool warmed = false;  ///< dispatched once (some drivers compile only then)
};

class HotReload;  // compute/kernels/hot_reload.h

/// [thread] one at a time (the owner's lock).
class KernelTable {
public:
    /// Opens the pipeline cache in `cache_directory` (empty: none).
    static Result<std::unique_ptr<KernelTable>> create(vk::Device &device, const std::string &cache_directory);
    ~KernelTable();

    /// The kernel of that name, built now if it was not yet. Error not_found names it; unsupported if the device lacks
    /// what the kernel needs.
    Result<const Kernel *> get(std::string_view name);

    /// Builds those of the kernels that are not built yet, several at a time; leaves out what is not there or cannot
    /// run on the device, which get() reports.
    Status build(std::span<const std::string_view> names);

    /// True if the variant exists and the device has what it needs. The way variants are chosen.
    bool available(std::string_view name) const;

    /// Number of vkCreateComputePipelines calls so far: constant after warm-up.
    uint64_t pipelines_built() const { return pipelines_built_; }

    /// Raised whenever a reload changed a pipeline: recorded commands are stale then.
    uint64_t generation() const { return generation_; }

    /// Debug builds: recompiles kernels whose source under shaders/ changed since the last call and swaps them in; a
    /// source that does not compile leaves the old kernel in place and its message in last_reload_error(). The device
    /// must be idle. Release builds: does nothing. Returns the number of kernels swapped.
    Result<uint32_t> reload_changed();
    const std::string &last_reload_error() const { return reload_error_; }

    /// Writes the pipeline cache to disk if pipelines were built since the last call. One that cannot be written costs
    /// time at the next start, no more: a warning in the device's log, once. [thread] any
    void save_cache();

    size_t size() const { return entries_.size(); }             ///< kernels there are. [thread] any
    const vk::PipelineCache &cache() const { return *cache_; }  ///< [thread] any

    vk::Device &device() { return device_; }
    /// A hash over all embedded SPIR-V.
    static uint64_t embedded_hash();

private:
    struct Entry {
        const EmbeddedKernel *embedded = nullptr;
        std::vector<uint32_t> reloaded;  ///< SPIR-V that took the embedded one's place; empty: none
        std::string why_not;             ///< what the device lacks; meaningful once checked
        bool checked = false;
        std::unique_ptr<Kernel> kernel;  ///< null until asked for
    };
    explicit KernelTable(vk::Device &device);
    static std::span<const uint32_t> words_of(const Entry &entry);
    void check(Entry &entry) const;
    Result<const Kernel *> build(Entry &entry);
    Result<uint32_t> reload(const std::string &source, std::string &refused);

    vk::Device &device_;
    std::optional<vk::PipelineCache> cache_;
    mutable std::unordered_map<std::string_view, Entry> entries_;  // the check's answer is kept
    std::unique_ptr<HotReload> hot_reload_;                        // null where it is not built in
    std::atomic<uint64_t> pipelines_built_ = 0;
    std::atomic<uint64_t> pipelines_saved_ = 0;  // of them
    std::atomic<bool> warned_ = false;           // that the cache cannot be written
    uint64_t generation_ = 0;
    std::map<std::string, std::string> reload_errors_;  // by source
    std::string reload_error_;                          // all of them
};

}  // namespace sac
