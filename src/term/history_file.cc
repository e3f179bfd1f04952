#include "term/history_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/mmap_file.h"
#include "base/utf8.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

std::string Escape(std::string_view text) {
  std::string line;
  for (const char c : text) line += c == '\\' ? "\\\\" : c == '\n' ? "\\n" : std::string(1, c);
  return line + "\n";
}

std::string Unescape(std::string_view line) {
  std::string text;
  for (size_t i = 0; i < line.size(); ++i) {
    const bool escape = line[i] == '\\' && i + 1 < line.size();
    if (escape) ++i;
    text += escape && line[i] == 'n' ? '\n' : line[i];
  }
  return text;
}

// Private, with the folders above it as they are.
void MakePrivateFolder(const fs::path& folder) {
  std::error_code ignored;
  fs::create_directories(folder.parent_path(), ignored);
  mkdir(folder.c_str(), 0700);
}

}  // namespace

HistoryFile::HistoryFile(std::string path) : path_(std::move(path)) {
  std::error_code ignored;
  if (path_.empty() || !fs::exists(path_, ignored) || fs::file_size(path_, ignored) == 0) return;
  try {
    Read();
  } catch (const Error& error) {
    problem_ = error.what();
    path_.clear();
  }
}

void HistoryFile::Read() {
  const std::string text = ReadTextFile(path_, kMaxFileBytes);
  size_t lines = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    entries_.push_back(ReplaceInvalidUtf8(Unescape(std::string_view(text).substr(at, end - at))));
    at = end + 1;
    ++lines;
  }
  if (lines <= kMaxEntries) return;
  entries_.erase(entries_.begin(), entries_.end() - kMaxEntries);
  if (lines <= kMaxEntries + kMaxEntries / 4) return;  // a rewrite at every start would be one too many
  std::string kept;
  for (const std::string& entry : entries_) kept += Escape(entry);
  WriteFileAtomically(path_, kept);
}

void HistoryFile::Append(const std::string& entry) {
  if (entry.empty() || entry.size() > kMaxEntryBytes) return;
  if (!entries_.empty() && entries_.back() == entry) return;
  entries_.push_back(entry);
  if (path_.empty()) return;
  MakePrivateFolder(fs::path(path_).parent_path());
  const std::string line = Escape(entry);
  const int fd = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  // One write call: entries of two programs do not mix.
  if (fd < 0 || write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    problem_ = fmt::format("{}: cannot write: {}", OneLine(path_, 200), std::strerror(errno));
    path_.clear();
  }
  if (fd >= 0) close(fd);
}

std::string HistoryPath() {
  const auto absolute = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value == '/' ? fs::path(value) : fs::path();
  };
  if (const fs::path state = absolute("XDG_STATE_HOME"); !state.empty()) return state / "spate" / "history";
  if (const fs::path home = absolute("HOME"); !home.empty()) return home / ".local" / "state" / "spate" / "history";
  return "";
}

}  // namespace spate
