#include "base/sha256.h"

#include <gtest/gtest.h>

#include <string_view>

namespace spate {
namespace {

std::span<const std::byte> Bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

// FIPS 180-2, appendix B, and the empty message.
TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(Sha256Hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex(Bytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex(Bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, PiecesGiveTheSame) {
  const std::string text(1'000'000, 'a');
  Sha256 hash;
  size_t done = 0;
  for (size_t step = 1; done < text.size(); step = step * 2 + 1) {
    const size_t count = std::min(step, text.size() - done);
    hash.Update(Bytes(text).subspan(done, count));
    done += count;
  }
  Sha256 moved = std::move(hash);
  EXPECT_EQ(moved.FinishHex(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256DeathTest, NothingAfterFinish) {
  Sha256 hash;
  hash.Finish();
  EXPECT_EXIT(hash.Update({}), testing::ExitedWithCode(1), "Update after Finish");
}

}  // namespace
}  // namespace spate
