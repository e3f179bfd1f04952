// What a person probably meant: the known word nearest to a misspelt one. Pure function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spate {

// The known word nearest to `word`; empty if none is near. Swapped neighbours count as one mistake.
std::string Nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace spate
