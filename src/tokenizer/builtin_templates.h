// Chat templates that come with the program, for models whose folder brings none: written from the formats' published
// descriptions. Pure functions.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace spate {

// The template's source, or nothing for a name that is not in the list.
std::optional<std::string_view> FindBuiltinTemplate(std::string_view name);

// Their names, sorted.
std::span<const std::string_view> BuiltinTemplateNames();

}  // namespace spate
