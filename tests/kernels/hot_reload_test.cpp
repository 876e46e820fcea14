// Shaders edited while the program runs, on a copy of the folder. Only where hot reload is built in (the debug preset).
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "compute/base/format.h"
#include "compute/kernels/kernel_table.h"
#include "tests/support/device.h"
#include "tests/support/files.h"
#include "tests/support/spirv.h"

using namespace sac;

#ifdef SACCADE_HOT_RELOAD

namespace fs = std::filesystem;

namespace {

// A copy of shaders/ that the table watches.
struct Copy {
    test::TempDir dir;
    test::ScopedEnv env;

    Copy() : env("SACCADE_SHADER_DIR", (dir / "shaders").c_str()) {
        fs::copy(fs::path(SACCADE_SOURCE_DIR) / "shaders", dir / "shaders", fs::copy_options::recursive);
    }
    fs::path operator/(const std::string &below) const { return dir / "shaders" / below; }

    // Replaces the file's text; its time differs from before even on a coarse clock.
    void write(const std::string &below, const std::string &text) {
        const fs::path path = *this / below;
        const bool existed = fs::exists(path);
        const auto before = existed ? fs::last_write_time(path) : fs::file_time_type();
        test::write_text(path, text);
        if (existed && fs::last_write_time(path) <= before) fs::last_write_time(path, before + std::chrono::seconds(1));
    }
};

std::string replaced(std::string text, const std::string &from, const std::string &to) {
    const size_t at = text.find(from);
    REQUIRE_MESSAGE(at != std::string::npos, from);
    return text.replace(at, from.size(), to);
}

// A kernel with no needs, whose file includes another.
const EmbeddedKernel &portable_kernel() {
    for (const EmbeddedKernel &kernel : embedded_kernels())
        if (!*kernel.needs && std::string_view(kernel.source) == "ops/gemm.comp") return kernel;
    FAIL("no portable kernel of ops/gemm.comp");
    return embedded_kernels().front();
}

// A kernel all of whose file's variants on this device have one interface, of storage buffers alone.
const EmbeddedKernel &plain_kernel() {
    for (const EmbeddedKernel &kernel : embedded_kernels()) {
        const auto own = vk::reflect({kernel.words, kernel.word_count});
        bool plain = own.ok() && !*kernel.needs && own->push_constant_size >= 4;
        for (size_t i = 0; plain && i < own->bindings.size(); ++i)
            plain = own->bindings[i] == vk::BindingKind::storage_buffer;
        for (const EmbeddedKernel &other : embedded_kernels()) {
            if (!plain || std::string_view(other.source) != kernel.source || !test::kernels().available(other.name))
                continue;
            plain = own->same_for_callers(*vk::reflect({other.words, other.word_count}));
        }
        if (plain) return kernel;
    }
    FAIL("no kernel with one interface for all its variants");
    return embedded_kernels().front();
}

}  // namespace

TEST_CASE("an unchanged folder swaps nothing") {
    const Copy copy;
    auto table = KernelTable::create(test::device(), "");
    REQUIRE(table.ok());
    REQUIRE((*table)->get(portable_kernel().name).ok());
    CHECK(*(*table)->reload_changed() == 0);
    CHECK((*table)->generation() == 0);
}

TEST_CASE("a good change is swapped in, a broken one keeps the old kernel and tells file and line") {
    Copy copy;
    const EmbeddedKernel &embedded = portable_kernel();
    auto table = KernelTable::create(test::device(), "");
    REQUIRE(table.ok());
    const Kernel *kernel = *(*table)->get(embedded.name);
    const std::string original = test::read_text(copy / embedded.source);

    copy.write(embedded.source, original + "\n// a comment\n");
    CHECK(*(*table)->reload_changed() == 1);
    CHECK((*table)->generation() == 1);
    CHECK(kernel->pipeline.handle() != VK_NULL_HANDLE);
    CHECK_MESSAGE((*table)->last_reload_error().empty(), (*table)->last_reload_error());
    CHECK(*(*table)->reload_changed() == 0);

    const VkPipeline second = kernel->pipeline.handle();
    const std::string broken = original + "\nint broken = ;\n";
    const auto line = std::to_string(std::count(broken.begin(), broken.end(), '\n'));
    copy.write(embedded.source, broken);
    CHECK(*(*table)->reload_changed() == 0);
    CHECK((*table)->generation() == 1);
    CHECK(kernel->pipeline.handle() == second);
    const std::string error = (*table)->last_reload_error();
    CHECK_MESSAGE(error.find(std::string(embedded.source) + ":" + line) != std::string::npos, error);
    CHECK(error.find("syntax error") != std::string::npos);
    CHECK(*(*table)->reload_changed() == 0);  // it stays broken, and says so, until it changes
    CHECK((*table)->last_reload_error() == error);

    copy.write(embedded.source, original);
    CHECK(*(*table)->reload_changed() == 1);
    CHECK((*table)->generation() == 2);
    CHECK_MESSAGE((*table)->last_reload_error().empty(), (*table)->last_reload_error());
}

TEST_CASE("what runs is the new code, and after a broken change still the last good one") {
    Copy copy;
    const EmbeddedKernel &embedded = plain_kernel();
    auto table = KernelTable::create(test::device(), "");
    REQUIRE(table.ok());
    const Kernel *kernel = *(*table)->get(embedded.name);
    const vk::ShaderInterface interface = kernel->pipeline.interface();
    // Another shader with the same interface, which writes a number of its own.
    const auto source = [&](int number) {
        std::string text =
            "#version 450\n" + format("layout(local_size_x = %u, local_size_y = %u, local_size_z = %u) in;\n",
                                      interface.local_size[0], interface.local_size[1], interface.local_size[2]);
        for (size_t i = 0; i < interface.bindings.size(); ++i)
            text += format("layout(set = 0, binding = %zu, std430) buffer B%zu { uint data%zu[]; };\n", i, i, i);
        text += format("layout(push_constant) uniform Push { uint words[%u]; };\n", interface.push_constant_size / 4);
        return text + format(
                          "void main() { if (gl_GlobalInvocationID.x < 4) data%zu[gl_GlobalInvocationID.x] = %d + "
                          "words[0]; }\n",
                          interface.bindings.size() - 1, number);
    };
    const vk::Buffer out = test::host_buffer(16, "out");
    const auto result = [&] {
        REQUIRE(test::run_shader(test::device(), kernel->pipeline, out, 1000).ok());
        return out.mapped<uint32_t>()[3];
    };
    copy.write(embedded.source, source(42));
    CHECK_MESSAGE(*(*table)->reload_changed() == 1, (*table)->last_reload_error());
    CHECK(result() == 1042);
    copy.write(embedded.source, source(43) + "not GLSL");
    CHECK(*(*table)->reload_changed() == 0);
    CHECK(result() == 1042);
    copy.write(embedded.source, source(44));
    CHECK(*(*table)->reload_changed() == 1);
    CHECK(result() == 1044);
}

TEST_CASE("a change in an included file reaches all that include it, and its errors name it") {
    Copy copy;
    const EmbeddedKernel &embedded = portable_kernel();
    auto table = KernelTable::create(test::device(), "");
    REQUIRE(table.ok());
    REQUIRE((*table)->get(embedded.name).ok());
    const std::string original = test::read_text(copy / "include/storage.glsl");
    copy.write("include/storage.glsl", original + "\n// a comment\n");
    CHECK(*(*table)->reload_changed() == 1);
    copy.write("include/storage.glsl", original + "\nint broken = ;\n");
    CHECK(*(*table)->reload_changed() == 0);
    CHECK_MESSAGE((*table)->last_reload_error().find("storage.glsl") != std::string::npos,
                  (*table)->last_reload_error());
    fs::remove(copy / "include/storage.glsl");  // as between an editor's removing and writing
    CHECK(*(*table)->reload_changed() == 0);
    copy.write("include/storage.glsl", original);
    CHECK(*(*table)->reload_changed() == 1);
    CHECK_MESSAGE((*table)->last_reload_error().empty(), (*table)->last_reload_error());
}

TEST_CASE("a change of bindings, push constants or workgroup size is refused") {
    Copy copy;
    const EmbeddedKernel &embedded = portable_kernel();
    auto table = KernelTable::create(test::device(), "");
    REQUIRE(table.ok());
    const Kernel *kernel = *(*table)->get(embedded.name);
    const VkPipeline before = kernel->pipeline.handle();
    const std::string original = test::read_text(copy / embedded.source);
    copy.write(
        embedded.source,
        replaced(original, "void main() {",
                 "layout(set = 0, binding = 9, std430) readonly buffer Extra { float extra[]; };\nvoid main() {"));
    CHECK(*(*table)->reload_changed() == 0);
    CHECK(kernel->pipeline.handle() == before);
    CHECK_MESSAGE((*table)->last_reload_error().find("changed") != std::string::npos, (*table)->last_reload_error());
    copy.write(embedded.source, original + "layout(local_size_y = 2) in;\n");
    CHECK(*(*table)->reload_changed() == 0);
    CHECK(kernel->pipeline.handle() == before);
    CHECK_FALSE((*table)->last_reload_error().empty());
}

TEST_CASE("a kernel first asked for after a change is the changed one") {
    Copy copy;
    const EmbeddedKernel &embedded = portable_kernel();
    auto table = KernelTable::create(test::device(), "");
    REQUIRE(table.ok());
    const std::string original = test::read_text(copy / embedded.source);
    copy.write(embedded.source, original + "\nint broken = ;\n");
    CHECK(*(*table)->reload_changed() == 0);
    CHECK_FALSE((*table)->last_reload_error().empty());
    CHECK((*table)->get(embedded.name).ok());  // the embedded one serves
    copy.write(embedded.source, original);
    CHECK(*(*table)->reload_changed() == 1);
}

TEST_CASE("without the folder there is no reload and no error") {
    const test::ScopedEnv env("SACCADE_SHADER_DIR", "/nowhere/shaders");
    auto table = KernelTable::create(test::device(), "");
    REQUIRE(table.ok());
    CHECK(*(*table)->reload_changed() == 0);
}

#else

TEST_CASE("a build without hot reload swaps nothing") {
    auto table = KernelTable::create(test::device(), "");
    REQUIRE(table.ok());
    CHECK(*(*table)->reload_changed() == 0);
    CHECK_MESSAGE((*table)->last_reload_error().empty(), (*table)->last_reload_error());
}

#endif
