#include "term/history_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace spate {
namespace {

using Entries = std::vector<std::string>;

class History : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder_); }
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("spate-history-{}", getpid());
  const std::string path_ = folder_ / "state" / "spate" / "history";
};

TEST_F(History, KeepsEntriesAsTheyWere) {
  const Entries typed = {"one", "two\nlines\n", "back\\slash \\n", "caf\xc3\xa9"};
  {
    HistoryFile history(path_);
    for (const std::string& entry : typed) history.Append(entry);
    history.Append(typed.back());  // twice in a row is once
    history.Append(std::string(HistoryFile::kMaxEntryBytes + 1, 'x'));
  }
  EXPECT_EQ(HistoryFile(path_).entries(), typed);
}

TEST_F(History, IsPrivate) {
  HistoryFile(path_).Append("secret");
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(stat((folder_ / "state" / "spate").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(History, StaysBounded) {
  {
    HistoryFile history(path_);
    for (size_t i = 0; i < 2 * HistoryFile::kMaxEntries; ++i) history.Append(std::to_string(i));
  }
  const HistoryFile shortened(path_);
  ASSERT_EQ(shortened.entries().size(), HistoryFile::kMaxEntries);
  EXPECT_EQ(shortened.entries().front(), std::to_string(HistoryFile::kMaxEntries));
  std::ifstream file(path_);
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(file), {}, '\n'), HistoryFile::kMaxEntries);
}

TEST_F(History, ForeignBytesAndAbsentFilesCostNothing) {
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
  std::ofstream(path_) << "bad \xff byte\nend without newline\\";
  EXPECT_EQ(HistoryFile(path_).entries(), (Entries{"bad \xef\xbf\xbd byte", "end without newline\\"}));

  HistoryFile nowhere("/proc/nonexistent/history");
  nowhere.Append("x");
  nowhere.Append("y");
  EXPECT_NE(nowhere.problem(), "");
  EXPECT_EQ(nowhere.entries().size(), 2u) << "for this session";
}

}  // namespace
}  // namespace spate
