#pragma once
// The rules of the tree that a compiler does not hold: which room may include what, how long a file may be, which words
// do not belong in it. Each takes text, so that the tests can plant a violation.

#include <string>
#include <string_view>
#include <vector>

namespace sac::structure {

/// Every include of `text` that a file at `path` (below the root, with '/') may not have: "line 3: <imgui.h>".
std::vector<std::string> wrong_includes(std::string_view path, std::string_view text);

/// What else is wrong with a file: too long, a call into Vulkan outside its room, words that do not belong.
std::vector<std::string> wrong_text(std::string_view path, std::string_view text);

}  // namespace sac::structure
