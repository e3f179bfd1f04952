#include "tests/hostile/broken_copy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "tests/hostile/allocation_meter.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr double kMostSeconds = 1;  // of processor time: others may use the machine

double ProcessorSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

fs::path NewFolder() {
  std::string pattern = (fs::temp_directory_path() / "spate-hostile-XXXXXX").string();
  return mkdtemp(pattern.data());
}

}  // namespace

std::string FileBytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

void ReplaceFile(const fs::path& path, const std::string& bytes) {
  fs::remove(path);  // who has mapped the one that was here keeps it
  std::ofstream(path, std::ios::binary) << bytes;
}

BrokenCopy::BrokenCopy(const fs::path& source, std::vector<HostileFile> files)
    : folder_(NewFolder()), files_(std::move(files)) {
  for (const auto& entry : fs::directory_iterator(source)) {
    if (entry.is_regular_file()) fs::copy(entry.path(), folder_ / entry.path().filename());
  }
}

BrokenCopy::BrokenCopy(std::string name, const std::string& bytes, Grammar grammar) : folder_(NewFolder()) {
  ReplaceFile(folder_ / name, bytes);
  files_.push_back({.name = std::move(name), .grammar = grammar});
}

BrokenCopy::~BrokenCopy() { fs::remove_all(folder_); }

void BrokenCopy::Survives(int rounds, MemoryBound bound, const std::function<void()>& read,
                          const std::function<void()>& use) const {
  constexpr int kUseEvery = 10;
  int taken = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto round = static_cast<uint32_t>(i);
    const HostileFile& file = Choose(round);
    const std::string original = FileBytes(folder_ / file.name);
    ReplaceFile(folder_ / file.name, Mutate(original, file.grammar, round));
    SCOPED_TRACE(file.name + ", mutation " + std::to_string(round));
    if (ReadWithin(bound, read) && taken++ % kUseEvery == 0) use();
    ReplaceFile(folder_ / file.name, original);
  }
  EXPECT_GT(taken, rounds / 50) << "nothing gets past the first checks";
  EXPECT_LT(taken, rounds - rounds / 10) << "the mutations hardly change what is read";
  ::testing::Test::RecordProperty("bytes_of_files", std::to_string(Bytes()));
  ::testing::Test::RecordProperty("largest_allocation", std::to_string(worst_.allocation));
  ::testing::Test::RecordProperty("peak_bytes", std::to_string(worst_.peak));
  ::testing::Test::RecordProperty("slowest_seconds", std::to_string(worst_.seconds));
}

bool BrokenCopy::SurvivesWith(const std::string& file, const std::string& bytes, MemoryBound bound,
                              const std::function<void()>& read) const {
  const std::string original = FileBytes(folder_ / file);
  ReplaceFile(folder_ / file, bytes);
  const bool taken = ReadWithin(bound, read);
  ReplaceFile(folder_ / file, original);
  return taken;
}

bool BrokenCopy::ReadWithin(MemoryBound bound, const std::function<void()>& read) const {
  const size_t bytes = Bytes();
  bool taken = false;
  const double start = ProcessorSeconds();
  const AllocationMeter meter;
  try {
    read();
    taken = true;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadInput) << error.what();
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_LT(message.size(), 2000u) << message;
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
  const Worst now{meter.largest(), meter.peak_live(), ProcessorSeconds() - start};
  EXPECT_LE(now.allocation, std::max(bytes, kSmallAllocation));
  EXPECT_LE(now.peak, bound.times * bytes + bound.slack);
  EXPECT_LT(now.seconds, kMostSeconds);
  worst_ = {std::max(worst_.allocation, now.allocation), std::max(worst_.peak, now.peak),
            std::max(worst_.seconds, now.seconds)};
  return taken;
}

size_t BrokenCopy::Bytes() const {
  size_t bytes = 0;
  for (const HostileFile& file : files_) bytes += fs::file_size(folder_ / file.name);
  return bytes;
}

const HostileFile& BrokenCopy::Choose(uint32_t round) const {
  int shares = 0;
  for (const HostileFile& file : files_) shares += file.share;
  int at = static_cast<int>(round) % shares;
  size_t i = 0;
  while (at >= files_[i].share) at -= files_[i++].share;
  return files_[i];
}

}  // namespace spate
