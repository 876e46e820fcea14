#pragma once
// How a function of the ABI is called: the handle is looked up, the error kept for get_last_error, nothing thrown.

#include "compute/base/format.h"
#include "plugins/vision/handles.h"
#include "plugins/vision/no_throw.h"

namespace sac::vision {

/// A positive sac_result ("not ready", "timeout"), SAC_OK, or an error.
class Answer {
public:
    Answer(int result) : result_(result) {}
    Answer(Error error) : result_(static_cast<sac_result>(error.code)), error_(std::move(error)) {}
    Answer(Status status) {
        if (!status.ok()) *this = Answer(std::move(status).error());
    }
    sac_result result() const { return result_; }
    std::optional<Error> &error() { return error_; }

private:
    sac_result result_ = SAC_OK;
    std::optional<Error> error_;
};

inline Error no_such_context(sac_context context) {
    return Error(Code::not_found, format("context %llu was destroyed, or there has never been one",
                                         static_cast<unsigned long long>(context.id)));
}

/// A call without a context.
template <class Function>
sac_result call(const Function &function) {
    Answer answer = no_throw([&]() -> Answer { return function(); });
    if (answer.error()) registry().keep_error(std::move(*answer.error()));
    return answer.result();
}

template <class Function>
sac_result call_on(sac_context context, const Function &function) {
    const Registry::Use use = registry().use(context.id);
    if (!use) return call([&]() -> Status { return no_such_context(context); });
    Answer answer = no_throw([&]() -> Answer { return function(*use); });
    if (answer.error()) use->keep_error(std::move(*answer.error()));
    return answer.result();
}

}  // namespace sac::vision
