#include "convert/gguf/output_path.h"

#include <optional>
#include <system_error>

#include "base/error.h"
#include "checkpoint/model_path.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

// Parts of a split file lie side by side under names that differ in a number.
bool IsPartOf(const fs::path& output, const fs::path& gguf) {
  const std::string name = gguf.filename().string();
  const size_t number = name.rfind("-of-");
  if (number == std::string::npos || number < 6) return false;
  const std::string begin = name.substr(0, number - 5), end = name.substr(number);
  const std::string other = output.filename().string();
  return other.size() == name.size() && other.starts_with(begin) && other.ends_with(end);
}

// Wherever a file lies: names in a folder may be links. A GGUF file beside other weights is not read.
bool BelongsTo(const fs::path& output, const fs::path& model) {
  std::error_code ignored;
  const bool folder = fs::is_directory(model, ignored);
  if (!folder && fs::equivalent(output, model, ignored)) return true;
  const std::optional<fs::path> gguf = FindGguf(model);
  if (folder) {
    std::error_code error;
    for (fs::directory_iterator it(model, error), end; !error && it != end; it.increment(error)) {
      if ((gguf || it->path().extension() != ".gguf") && fs::equivalent(output, it->path(), ignored)) return true;
    }
    return false;
  }
  return gguf &&
         fs::equivalent(fs::absolute(output, ignored).parent_path(), fs::absolute(*gguf, ignored).parent_path(),
                        ignored) &&
         IsPartOf(output, *gguf);
}

}  // namespace

void CheckOutput(const fs::path& output, const fs::path& model, bool replace) {
  std::error_code ignored;
  const fs::file_status status = fs::status(output, ignored);
  if (output.filename().empty() || fs::is_directory(status)) {
    throw Error(ErrorCode::kUsage, "{}: a folder; expected the name of a file", output.string());
  }
  if (!fs::exists(status)) return;
  if (!fs::is_regular_file(status)) throw Error(ErrorCode::kUsage, "{}: is no regular file", output.string());
  if (BelongsTo(output, model)) {
    throw Error(ErrorCode::kUsage, "{}: is part of the model that is read; choose another name", output.string());
  }
  if (!replace) throw Error(ErrorCode::kUsage, "{}: exists; --force replaces it", output.string());
}

}  // namespace spate
