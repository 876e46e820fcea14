// The main function of every test program: doctest's own, in the folder where the tests' data lie. That is the source
// tree, or the folder that SACCADE_TEST_ROOT names where the programs have travelled. SACCADE_SOURCE_DIR is "." for all
// tests.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

int main(int argc, char **argv) {
    const char *chosen = std::getenv("SACCADE_TEST_ROOT");
    std::error_code error;
    std::filesystem::current_path(chosen ? chosen : SACCADE_TEST_ROOT, error);
    if (error) {
        std::fprintf(stderr, "no folder %s: set SACCADE_TEST_ROOT\n", chosen ? chosen : SACCADE_TEST_ROOT);
        return 1;
    }
    return doctest::Context(argc, argv).run();
}
