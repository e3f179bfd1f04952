#include "engine/kv_size.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace spate {
namespace {

// 2 layers x 2 heads x 8 dims x (K and V) x 2 bytes = 128 bytes a token, 2,048 a block.
KvLayout Layout() { return {.dtype = DType::kBF16, .groups = 1, .layers = {{0, 2, 8}, {0, 2, 8}}}; }

std::string MessageOf(const KvWish& wish, int64_t free, ErrorCode code) {
  try {
    ChooseKvSize(Layout(), wish, free);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code);
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(KvSize, AllContextsWhenMemorySuffices) {
  const KvSize size = ChooseKvSize(Layout(), {.model_context = 100, .sequences = 8}, int64_t{1} << 30);
  EXPECT_EQ(size.blocks, 7 * 8);
  EXPECT_EQ(size.context, 100);
}

TEST(KvSize, HalfOfTheFreeMemoryButOneContext) {
  const KvWish wish{.model_context = 1600, .sequences = 64};  // 100 blocks each
  EXPECT_EQ(ChooseKvSize(Layout(), wish, 2048 * 1000).blocks, 500);
  EXPECT_EQ(ChooseKvSize(Layout(), wish, 2048 * 120).blocks, 100);
  const std::string message = MessageOf(wish, 2048 * 90, ErrorCode::kDoesNotFit);
  EXPECT_NE(message.find("100 blocks"), std::string::npos) << message;
  EXPECT_NE(message.find("context of 720"), std::string::npos) << message;
}

TEST(KvSize, FewBlocksLimitTheContext) {
  const KvSize size = ChooseKvSize(Layout(), {.model_context = 1600, .sequences = 4, .blocks = 5}, int64_t{1} << 30);
  EXPECT_EQ(size.blocks, 5);
  EXPECT_EQ(size.context, 80);
}

TEST(KvSize, ImpossibleWishes) {
  MessageOf({.model_context = 100, .context = 1, .sequences = 1}, 1 << 30, ErrorCode::kUsage);
  MessageOf({.model_context = 100, .sequences = 1, .blocks = -1}, 1 << 30, ErrorCode::kUsage);
  const std::string message =
      MessageOf({.model_context = 100, .context = 101, .sequences = 1}, 1 << 30, ErrorCode::kDoesNotFit);
  EXPECT_NE(message.find("101"), std::string::npos);
  EXPECT_NE(message.find("100"), std::string::npos);
  MessageOf({.model_context = 1 << 30, .sequences = 1, .blocks = int64_t{1} << 40}, int64_t{1} << 62,
            ErrorCode::kDoesNotFit);
}

}  // namespace
}  // namespace spate
