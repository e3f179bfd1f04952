#include "base/aligned_buffer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <vector>

#include "base/error.h"

namespace spate {
namespace {

constexpr size_t kMib = size_t{1} << 20;

TEST(AlignedBuffer, ZeroedAlignedAndWritableToTheEnd) {
  for (const size_t bytes :
       {size_t{1}, size_t{63}, size_t{64}, size_t{4097}, 2 * kMib - 1, 2 * kMib, 2 * kMib + 1, 5 * kMib + 12345}) {
    AlignedBuffer buffer(bytes);
    ASSERT_EQ(buffer.size(), bytes);
    ASSERT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % (bytes >= 2 * kMib ? 2 * kMib : 64), 0u);
    ASSERT_TRUE(std::all_of(buffer.data(), buffer.data() + bytes, [](std::byte b) { return b == std::byte{0}; }));
    std::fill(buffer.data(), buffer.data() + bytes, std::byte{0xa5});
    EXPECT_EQ(buffer.As<uint8_t>()[bytes - 1], 0xa5);
  }
}

TEST(AlignedBuffer, Moves) {
  AlignedBuffer a(100);
  std::byte* data = a.data();
  AlignedBuffer b(std::move(a));
  EXPECT_EQ(b.data(), data);
  EXPECT_EQ(b.size(), 100u);
  AlignedBuffer c(3 * kMib);
  c = std::move(b);
  EXPECT_EQ(c.data(), data);
  EXPECT_EQ(AlignedBuffer().data(), nullptr);
  EXPECT_EQ(AlignedBuffer(0).data(), nullptr);
}

// Matrices of 3 MiB once took 4 MiB each: a mixture of experts has thousands.
TEST(AlignedBuffer, TakesNoHugePageForATail) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "a sanitizer's own memory counts too";
#endif
  const auto resident = [] {
    int64_t total = 0, pages = 0;
    std::ifstream("/proc/self/statm") >> total >> pages;
    return pages * sysconf(_SC_PAGESIZE);
  };
  const int64_t before = resident();
  constexpr int kBuffers = 16;
  std::vector<AlignedBuffer> buffers;
  for (int i = 0; i < kBuffers; ++i) {
    buffers.emplace_back(3 * kMib);
    std::fill(buffers.back().data(), buffers.back().data() + 3 * kMib, std::byte{1});
  }
  const int64_t taken = resident() - before;
  EXPECT_GE(taken, kBuffers * 3 * int64_t{kMib});
  EXPECT_LE(taken, kBuffers * 3 * int64_t{kMib} + 4 * int64_t{kMib});
}

TEST(AlignedBuffer, TooMuchIsAnErrorWithNumbers) {
  for (const size_t bytes :
       {size_t{1} << 62, std::numeric_limits<size_t>::max(), std::numeric_limits<size_t>::max() - kMib}) {
    try {
      AlignedBuffer buffer(bytes);
      FAIL() << "allocated " << bytes;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kDoesNotFit);
      const std::string message = error.what();
      EXPECT_NE(message.find(std::to_string(bytes)), std::string::npos) << message;
      EXPECT_NE(message.find("available"), std::string::npos) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace spate
