// Names of a model's files that strangers choose: a hub's listing, a manifest. Pure.
#pragma once

#include <string_view>

namespace spate {

// Whether a name, with '/' between folders, stays in the folder it is joined to, on one line and within what file
// systems take: no empty part, "." or "..", no control character or backslash, valid UTF-8.
bool IsSafeName(std::string_view name);

}  // namespace spate
