#include "plugins/vision/host.h"

#include <chrono>
#include <new>

#include "plugins/vision/structs.h"

namespace sac::vision {
namespace {

// A file larger than this from a host is a wrong size rather than a model.
constexpr uint64_t largest_asset = uint64_t{1} << 36;

void write_to_host(void *user, LogLevel level, const char *message) {
    const auto &table = *static_cast<const sac_host *>(user);
    table.log(table.user, static_cast<int32_t>(level), message);
}

}  // namespace

uint64_t now_ns() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

Result<std::unique_ptr<Host>> Host::create(const sac_host *given) {
    sac_host table = {};
    if (given) SAC_TRY(read_struct(given, SAC_TYPE_HOST, "host", table));
    if (!table.allocate != !table.free)
        return Error(Code::invalid_argument, "one of host.allocate and host.free is null: give both or none");
    if (!table.lock_queue != !table.unlock_queue)
        return Error(Code::invalid_argument, "one of host.lock_queue and host.unlock_queue is null: give both or none");
    return std::unique_ptr<Host>(new Host(table));
}

Log Host::log() const {
    if (!table_.log) return {};
    return {write_to_host, const_cast<sac_host *>(&table_)};
}

void *Host::allocate(size_t size, size_t alignment) const {
    if (table_.allocate) return table_.allocate(table_.user, size, alignment);
    return ::operator new(size, std::align_val_t(alignment), std::nothrow);
}

void Host::free(void *memory, size_t alignment) const {
    if (!memory) return;
    if (table_.free)
        table_.free(table_.user, memory);
    else
        ::operator delete(memory, std::align_val_t(alignment));
}

Result<std::string> Host::read_asset(const std::string &path) const {
    uint64_t size = 0;
    if (const sac_result result = table_.read_asset(table_.user, path.c_str(), nullptr, &size); result != SAC_OK)
        return Error(Code::not_found, format("%s: the host's read_asset gave %d", path.c_str(), result));
    if (size > largest_asset)
        return Error(Code::invalid_file, format("%s: the host's read_asset gave a size of %llu bytes", path.c_str(),
                                                static_cast<unsigned long long>(size)));
    std::string bytes(size, '\0');
    const uint64_t asked = size;
    if (const sac_result result = table_.read_asset(table_.user, path.c_str(), bytes.data(), &size); result != SAC_OK)
        return Error(Code::io_error, format("%s: the host's read_asset gave %d while reading", path.c_str(), result));
    if (size != asked) return Error(Code::io_error, format("%s: the host's read_asset gave two sizes", path.c_str()));
    return bytes;
}

}  // namespace sac::vision
