// What a person typed into earlier chats, oldest first: an entry a line in a private file, newlines escaped. Several
// programs may append at once. A file that cannot be read or written costs the history, never the chat. One thread.
#pragma once

#include <string>
#include <vector>

namespace spate {

class HistoryFile {
 public:
  static constexpr size_t kMaxEntries = 1000;
  static constexpr size_t kMaxEntryBytes = 4096;             // longer ones are not kept
  static constexpr size_t kMaxFileBytes = size_t{16} << 20;  // kMaxEntries of them, every byte escaped, twice

  // Reads the newest kMaxEntries of `path`, and shortens the file when it has grown far beyond them. "" = no file.
  explicit HistoryFile(std::string path);

  const std::vector<std::string>& entries() const { return entries_; }
  void Append(const std::string& entry);
  const std::string& problem() const { return problem_; }  // why there is no file; empty: all is well

 private:
  void Read();

  std::string path_;
  std::vector<std::string> entries_;
  std::string problem_;
};

// $XDG_STATE_HOME/spate/history, else ~/.local/state/spate/history; "" without both.
std::string HistoryPath();

}  // namespace spate
