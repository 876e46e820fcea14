// labels: host_only no_asan
// The rules hold for every file of the tree, and each of them reports a planted violation.
#include "tests/structure/rules.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace fs = std::filesystem;
using sac::structure::wrong_includes;
using sac::structure::wrong_text;

namespace {

struct File {
    std::string path;  // below the root
    std::string text;
};

std::vector<File> tree(const std::vector<std::string_view> &endings) {
    std::vector<File> files;
    const fs::path root = SACCADE_SOURCE_DIR;
    for (const char *top : {"compute", "shaders", "plugins", "engine", "samples", "tests"}) {
        if (!fs::is_directory(root / top)) continue;
        for (const auto &entry : fs::recursive_directory_iterator(root / top)) {
            const std::string extension = entry.path().extension().string();
            if (!entry.is_regular_file() || std::find(endings.begin(), endings.end(), extension) == endings.end())
                continue;
            std::ifstream in(entry.path(), std::ios::binary);
            std::stringstream text;
            text << in.rdbuf();
            files.push_back({fs::relative(entry.path(), root).generic_string(), text.str()});
        }
    }
    return files;
}

}  // namespace

TEST_CASE("include arrows of the tree") {
    const auto files = tree({".h", ".cpp", ".c"});
    REQUIRE(files.size() > 10);
    for (const File &file : files)
        for (const std::string &include : wrong_includes(file.path, file.text))
            FAIL_CHECK(file.path << " may not include this, " << include);
}

TEST_CASE("length and words of the tree") {
    for (const File &file : tree({".h", ".cpp", ".c", ".comp", ".vert", ".frag", ".glsl", ".md", ".txt", ".json"}))
        for (const std::string &finding : wrong_text(file.path, file.text)) FAIL_CHECK(file.path << ": " << finding);
}

TEST_CASE("each room has a README of at most 40 lines") {
    for (const char *room :
         {"compute/base", "compute/vk", "compute/kernels", "compute/graph", "compute/ops", "compute/onnx", "compute",
          "shaders", "plugins/vision", "engine", "samples", "tests", "plugins/panel", "plugins/overlay"}) {
        const fs::path readme = fs::path(SACCADE_SOURCE_DIR) / room / "README.md";
        CHECK_MESSAGE(fs::exists(readme), readme.string());
        std::ifstream in(readme);
        size_t lines = 0;
        for (std::string line; std::getline(in, line);) ++lines;
        CHECK_MESSAGE(lines <= 40, room);
    }
}

TEST_CASE("a wrong arrow is reported") {
    CHECK(wrong_includes("compute/base/log.h", "#include \"compute/vk/device.h\"\n").size() == 1);
    CHECK(wrong_includes("compute/vk/device.h", "#include \"compute/kernels/embedded.h\"\n").size() == 1);
    CHECK(wrong_includes("compute/graph/plan.h", "\n#include \"compute/ops/conv2d.h\"\n").at(0) ==
          "line 2: compute/ops/conv2d.h");
    CHECK(wrong_includes("compute/ops/conv2d.cpp", "#  include \"compute/onnx/import.h\"\n").size() == 1);
    CHECK(wrong_includes("compute/onnx/import.cpp", "#include \"compute/session.h\"\n").size() == 1);
    CHECK(wrong_includes("compute/session.cpp", "#include \"plugins/vision/saccade.h\"\n").size() == 1);
    CHECK(wrong_includes("plugins/vision/context.cpp", "#include \"engine/window.h\"\n").size() == 1);
    CHECK(wrong_includes("plugins/panel/panel.cpp", "#include \"plugins/vision/context.h\"\n").size() == 1);
    CHECK(wrong_includes("plugins/overlay/overlay.cpp", "#include \"plugins/vision/saccade.h\"\n").size() == 1);
    CHECK(wrong_includes("plugins/overlay/overlay.cpp", "#include \"compute/session.h\"\n").size() == 1);
    CHECK(wrong_includes("engine/window.cpp", "#include \"compute/session.h\"\n").size() == 1);
    CHECK(wrong_includes("engine/window.cpp", "#include \"plugins/vision/context.h\"\n").size() == 1);
    CHECK(wrong_includes("samples/hello/hello.c", "#include \"engine/io/image.h\"\n").size() == 1);
    CHECK(wrong_includes("compute/vk/device.cpp", "#include \"device.h\"\n").size() == 1);
    CHECK(wrong_includes("compute/vk/device.cpp", "#include <GLFW/glfw3.h>\n").size() == 1);
    CHECK(wrong_includes("plugins/vision/context.cpp", "#include <imgui.h>\n").size() == 1);
    CHECK(wrong_includes("samples/cli/main.cpp", "#include <libavcodec/avcodec.h>\n").size() == 1);
    CHECK(wrong_includes("compute/kernels/kernel_table.cpp", "#include <glslang/Public/ShaderLang.h>\n").size() == 1);
    CHECK(wrong_includes("compute/graph/plan.cpp", "#include <vulkan/vulkan.h>\n").size() == 1);
}

TEST_CASE("a right arrow is not") {
    CHECK(wrong_includes("compute/ops/conv2d.cpp", "#include \"compute/graph/plan.h\"\n#include <vector>\n").empty());
    CHECK(wrong_includes("compute/kernels/hot_reload.cpp", "#include <glslang/Public/ShaderLang.h>\n").empty());
    CHECK(wrong_includes("engine/window.cpp", "#include <GLFW/glfw3.h>\n#include \"compute/vk/device.h\"\n").empty());
    CHECK(wrong_includes("samples/hello/hello.c", "#include \"saccade.h\"\n#include <stdio.h>\n").empty());
    CHECK(wrong_includes("compute/base/log.h", "// #include \"compute/vk/device.h\" in a comment\n").empty());
}

TEST_CASE("a long file, a foreign word and a stray Vulkan call are reported") {
    std::string text;
    for (int i = 0; i < 600; ++i) text += "x\n";
    CHECK(wrong_text("compute/base/log.cpp", text).empty());
    CHECK(wrong_text("compute/base/log.cpp", text + "x\n").size() == 1);
    CHECK(wrong_text("compute/base/log.cpp", std::string("// see /h") + "ome/someone/notes\n").size() == 1);
    CHECK(wrong_text("compute/graph/plan.cpp", "    vkCmdDispatch(cmd, 1, 1, 1);\n").size() == 1);
    CHECK(wrong_text("compute/vk/commands.cpp", "    vkCmdDispatch(cmd, 1, 1, 1);\n").empty());
}
