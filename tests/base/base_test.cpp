// labels: host_only
// Results, formatting and hashes.
#include <doctest/doctest.h>

#include <memory>
#include <set>

#include "compute/base/format.h"
#include "compute/base/hash.h"
#include "compute/base/log.h"
#include "compute/base/result.h"

using namespace sac;

namespace {

Result<int> half_of(int n) {
    if (n % 2) return Error(Code::invalid_argument, format("n is %d, which is odd", n), -3);
    return n / 2;
}

Result<int> quarter_of(int n) {
    SAC_ASSIGN(const int half, half_of(n));
    SAC_ASSIGN(int quarter, half_of(half));
    return quarter;
}

Status check(int n) {
    SAC_TRY(quarter_of(n));
    return {};
}

}  // namespace

TEST_CASE("a Result carries a value or an error through several calls") {
    CHECK(*quarter_of(12) == 3);
    CHECK(check(12).ok());
    const Result<int> failed = quarter_of(6);
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().code == Code::invalid_argument);
    CHECK(failed.error().vk_result == -3);
    CHECK(failed.error().message == "n is 3, which is odd");
    CHECK_FALSE(static_cast<bool>(check(2)));
    CHECK(quarter_of(1).error().message == "n is 1, which is odd");
}

TEST_CASE("a Result holds and gives away what can only be moved") {
    Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
    const std::unique_ptr<int> taken = std::move(result).value();
    CHECK(*taken == 7);
    const auto pass = [](Result<std::unique_ptr<int>> r) -> Result<int> {
        SAC_ASSIGN(const std::unique_ptr<int> p, std::move(r));
        return *p;
    };
    CHECK(*pass(std::make_unique<int>(8)) == 8);
    CHECK(pass(Error(Code::internal, "x")).error().code == Code::internal);
}

TEST_CASE("context goes before the message and leaves the rest") {
    const Error error = Error(Code::invalid_file, "byte 7 is wrong", -5).with_context("model.onnx");
    CHECK(error.message == "model.onnx: byte 7 is wrong");
    CHECK(error.code == Code::invalid_file);
    CHECK(error.vk_result == -5);
}

TEST_CASE("every code has a name of its own") {
    std::set<std::string> names;
    for (int code = 0; code >= static_cast<int>(Code::internal); --code)
        names.insert(code_name(static_cast<Code>(code)));
    CHECK(names.size() == 13);
    CHECK(names.count("unknown") == 0);
    CHECK(std::string(code_name(static_cast<Code>(99))) == "unknown");
}

TEST_CASE("format makes texts of any length") {
    CHECK(format("%s", "").empty());
    CHECK(format("%d of %zu", -3, size_t(5)) == "-3 of 5");
    const std::string text(5000, 'x');
    CHECK(format("<%s>", text.c_str()) == "<" + text + ">");
}

TEST_CASE("FNV-1a gives the published values") {  // isthe.com/chongo/src/fnv/test_fnv.c
    CHECK(hash_text("") == 0xcbf29ce484222325ull);
    CHECK(hash_text("a") == 0xaf63dc4c8601ec8cull);
    CHECK(hash_text("b") == 0xaf63df4c8601f1a5ull);
    CHECK(hash_text("foobar") == 0x85944171f73967e8ull);
    CHECK(hash_text("bar", hash_text("foo")) == hash_text("foobar"));
}

TEST_CASE("a log without a sink is silent and one with a sink gets user, level and text") {
    Log().write(LogLevel::error, "nobody hears this");
    struct Heard {
        LogLevel level = LogLevel::debug;
        std::string text;
    } heard;
    const Log log = {[](void *user, LogLevel level, const char *message) {
                         *static_cast<Heard *>(user) = {level, message};
                     },
                     &heard};
    log.write(LogLevel::warning, "hello");
    CHECK(heard.level == LogLevel::warning);
    CHECK(heard.text == "hello");
}
