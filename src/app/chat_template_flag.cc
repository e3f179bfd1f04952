#include "app/chat_template_flag.h"

#include <fmt/ranges.h>

#include <filesystem>

#include "base/error.h"
#include "base/mmap_file.h"
#include "tokenizer/builtin_templates.h"

namespace spate {

ChatTemplate OpenTemplate(const std::string& flag, std::map<std::string, std::string> tokens) {
  if (const auto source = FindBuiltinTemplate(flag)) return {*source, flag, std::move(tokens)};
  std::error_code ignored;
  if (!std::filesystem::exists(flag, ignored)) {
    throw Error(ErrorCode::kBadInput, "--template: expected a file or one of: {}; got {}",
                fmt::join(BuiltinTemplateNames(), ", "), flag);
  }
  return {ReadTextFile(flag, size_t{1} << 20), std::filesystem::path(flag).filename().string(), std::move(tokens)};
}

}  // namespace spate
