#pragma once
// Networks by themselves, for tools: the work behind sac.debug/1.

#include <map>
#include <mutex>

#include "compute/tuner.h"
#include "plugins/vision/health.h"
#include "plugins/vision/model.h"
#include "plugins/vision/saccade_debug.h"

namespace sac::vision {

/// An ONNX file on the device, without card or task.
struct Network {
    std::unique_ptr<Session> session;
    double load_ms = 0;
};

/// The open networks of a context. Every call takes the runtime's lock. [thread] any.
class Networks {
public:
    Networks(Runtime &runtime, std::mutex &runtime_mutex, const Host &host, Health &health)
        : runtime_(runtime), mutex_(runtime_mutex), host_(host), health_(health) {}

    Result<uint64_t> open(const sac_network_desc *desc);
    Status close(uint64_t id);
    Result<sac_network_info> info(uint64_t id);
    Result<sac_tensor_info> tensor(uint64_t id, uint32_t index);
    Result<sac_dispatch_info> dispatch(uint64_t id, uint32_t index);
    Result<std::string> describe(uint64_t id);
    Status write(uint64_t id, const char *name, const float *values, uint64_t count);
    Status read(uint64_t id, const char *name, float *values, uint64_t count);
    /// Gives the nanoseconds from submit to done.
    Result<uint64_t> run(uint64_t id);

    // Of kernels: network_kernels.cpp.
    Result<sac_node_info> node(uint64_t id, uint32_t index);
    Result<sac_ceiling> ceiling(uint32_t flags);
    /// Keeps the winners on disk.
    Result<sac_tuning_info> tune(const sac_tuning_desc *desc);
    /// Of the last that was tuned.
    Result<sac_tuned_problem> tuned_problem(uint32_t index);

private:
    struct Request {
        std::string path;
        SessionOptions options;
    };
    Result<Request> read(const sac_network_desc *desc) const;
    Result<Network *> find(uint64_t id);
    Status kept(Status status);  ///< reports what ends the context

    Runtime &runtime_;
    std::mutex &mutex_;
    const Host &host_;
    Health &health_;
    std::map<uint64_t, Network> networks_;
    uint64_t next_id_ = 1;
    std::vector<TunedProblem> tuned_;
};

}  // namespace sac::vision
