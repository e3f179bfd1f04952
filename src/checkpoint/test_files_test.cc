#include "checkpoint/test_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <new>

#include "base/error.h"
#include "base/rng.h"

namespace {

thread_local size_t largest_allocation = 0;  // bytes, since somebody set it to 0

}  // namespace

// This binary's own operator new, so that a test sees the size of what a file made a parser ask for.
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t& /*tag*/) noexcept {
  largest_allocation = std::max(largest_allocation, size);
  return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void* operator new(size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t /*size*/) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept { std::free(memory); }

namespace spate {
namespace {

namespace fs = std::filesystem;

// Numbers from (seed, position in the sequence).
class Random {
 public:
  explicit Random(uint32_t seed) : seed_(seed) {}
  size_t Below(size_t limit) { return Next() % limit; }
  uint32_t Next() { return Philox4x32({count_++, 0, 0, 0}, {seed_, 0})[0]; }

 private:
  uint32_t seed_;
  uint32_t count_ = 0;
};

std::string Mutate(const std::string& original, uint32_t seed) {
  constexpr std::array<uint64_t, 10> kEdges = {
      0, 1, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, uint64_t{1} << 63, ~uint64_t{0}};
  Random random(seed);
  std::string bytes = original;
  for (size_t change = 0; change <= random.Below(4); ++change) {
    if (bytes.empty()) break;
    const size_t at = random.Below(bytes.size());
    const size_t length = std::min(1 + random.Below(16), bytes.size() - at);
    switch (random.Below(6)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.Below(8)));
        break;
      case 1:
        bytes[at] = static_cast<char>(random.Next());
        break;
      case 2: {
        const uint64_t value = kEdges[random.Below(kEdges.size())];
        std::memcpy(bytes.data() + at, &value, std::min<size_t>(size_t{1} << random.Below(4), bytes.size() - at));
        break;
      }
      case 3:
        bytes.erase(at, length);
        break;
      case 4:
        bytes.insert(random.Below(bytes.size()), bytes.substr(at, length));
        break;
      default:
        bytes.resize(at);
    }
  }
  return bytes;
}

}  // namespace

std::string ReadBytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteBytes(const fs::path& path, const std::string& bytes) {
  fs::remove(path);  // a mapping of the file that was here keeps what it maps
  std::ofstream(path, std::ios::binary) << bytes;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (fs::temp_directory_path() / "spate-formats-XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}
TemporaryFolder::~TemporaryFolder() { fs::remove_all(path_); }

std::vector<std::byte> AllBytes(const TensorView& tensor, const Checkpoint& checkpoint) {
  if (tensor.maker == nullptr) return {tensor.bytes.begin(), tensor.bytes.end()};
  const MatrixView matrix = checkpoint.Stream(tensor);
  std::vector<std::byte> bytes;
  for (int64_t row = 0; row < matrix.rows; row += 7) {  // in pieces, as a load asks for them
    const int64_t count = std::min<int64_t>(7, matrix.rows - row);
    const LoadedRows loaded = LoadRows(matrix, row, count);
    bytes.insert(bytes.end(), loaded.rows.data, loaded.rows.data + count * matrix.row_bytes);
  }
  return bytes;
}

void ExpectSameTensors(const Checkpoint& got, const Checkpoint& want) {
  EXPECT_EQ(got.Names(), want.Names());
  for (const std::string_view name : want.Names()) {
    const TensorView *a = got.Find(name), *b = want.Find(name);
    if (a == nullptr) continue;  // reported above
    EXPECT_EQ(Name(a->dtype), Name(b->dtype)) << name;
    EXPECT_EQ(a->shape, b->shape) << name;
    if (a->shape != b->shape) continue;
    EXPECT_EQ(AllBytes(*a, got), AllBytes(*b, want)) << name;
  }
}

std::string BadInputMessage(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadInput) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error.what();
  }
  return "accepted";
}

void ExpectSurvivesMutations(const std::string& original, int rounds,
                             const std::function<void(const std::string&)>& read) {
  constexpr size_t kSmall = size_t{64} << 10;
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::string mutated = Mutate(original, static_cast<uint32_t>(round));
    largest_allocation = 0;
    const auto start = std::chrono::steady_clock::now();
    refused += BadInputMessage([&] { read(mutated); }) != "accepted";
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1)) << "mutation " << round;
    EXPECT_LE(largest_allocation, std::max(mutated.size(), kSmall)) << "mutation " << round;
  }
  EXPECT_GT(refused, rounds / 20) << "the mutations hardly change what is read";
}

TEST(TestFiles, SeeAnAllocation) {
  largest_allocation = 0;
  const std::vector<char> block(123'456);
  EXPECT_GE(largest_allocation, block.size());
}

}  // namespace spate
