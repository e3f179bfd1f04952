#include "checkpoint/gguf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/error.h"
#include "checkpoint/gguf_writer_for_test.h"

namespace spate {
namespace {

GgufFile Parse(const std::string& file) {
  return ParseGguf({reinterpret_cast<const std::byte*>(file.data()), file.size()}, "x.gguf");
}

// What the parser says, or the getter that `use` calls; "accepted" if nothing.
template <typename Use>
std::string MessageOf(const std::string& file, Use use) {
  try {
    const GgufFile parsed = Parse(file);
    use(parsed);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadInput);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).rfind("x.gguf: ", 0), 0u) << error.what();
    return error.what();
  }
  return "accepted";
}

std::string Message(const std::string& file) {
  return MessageOf(file, [](const GgufFile&) {});
}

// A file with a key of every type and three tensors.
GgufWriter Everything() {
  GgufWriter w;
  w.Value<uint8_t>("u8", GgufType::kU8, 200);
  w.Value<int8_t>("i8", GgufType::kI8, -3);
  w.Value<uint16_t>("u16", GgufType::kU16, 60000);
  w.Value<int16_t>("i16", GgufType::kI16, -300);
  w.U32("u32", 4'000'000'000);
  w.Value<int32_t>("i32", GgufType::kI32, -70000);
  w.F32("f32", 0.5f);
  w.Bool("bool", true);
  w.String("string", "text");
  w.Value<uint64_t>("u64", GgufType::kU64, uint64_t{1} << 40);
  w.Value<int64_t>("i64", GgufType::kI64, -(int64_t{1} << 40));
  w.Value<double>("f64", GgufType::kF64, 1e-6);
  w.Strings("strings", {"a", "", "ccc"});
  w.List<int32_t>("ints", GgufType::kI32, {1, -2, 3});
  w.List<float>("floats", GgufType::kF32, {0.25f, -1});
  w.List<uint8_t>("bytes", GgufType::kU8, {7, 8});
  w.List<uint8_t>("bools", GgufType::kBool, {0, 1, 1});
  w.Tensor("a.weight", {4, 3}, 0, 48);
  w.Tensor("b.weight", {64, 2, 5}, 2, 64 * 2 * 5 / 32 * 18);
  w.Tensor("c.bias", {5}, 30, 10);
  return w;
}

TEST(Gguf, ReadsEveryTypeInPlace) {
  for (const uint32_t version : {2u, 3u}) {
    GgufWriter writer = Everything();
    writer.version = version;
    const std::string bytes = writer.Finish();
    const GgufFile file = Parse(bytes);
    const GgufMetadata& m = file.metadata;
    constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();
    EXPECT_EQ(m.GetInt("u8", {}, kMin, kMax), 200);
    EXPECT_EQ(m.GetInt("i8", {}, kMin, kMax), -3);
    EXPECT_EQ(m.GetInt("u16", {}, kMin, kMax), 60000);
    EXPECT_EQ(m.GetInt("i16", {}, kMin, kMax), -300);
    EXPECT_EQ(m.GetInt("u32", {}, kMin, kMax), 4'000'000'000);
    EXPECT_EQ(m.GetInt("i32", {}, kMin, kMax), -70000);
    EXPECT_EQ(m.GetInt("u64", {}, kMin, kMax), int64_t{1} << 40);
    EXPECT_EQ(m.GetInt("i64", {}, kMin, kMax), -(int64_t{1} << 40));
    EXPECT_EQ(m.GetFloat("f32", {}, 0, 1), 0.5);
    EXPECT_EQ(m.GetFloat("f64", {}, 0, 1), 1e-6);
    EXPECT_EQ(m.GetFloat("i8", {}, -5, 1), -3.0);
    EXPECT_TRUE(m.GetBool("bool", {}));
    EXPECT_EQ(m.GetString("string", {}), "text");
    EXPECT_EQ(m.GetInt("absent", 7, 0, 9), 7);
    EXPECT_EQ(m.GetString("absent", "x"), "x");
    const GgufStrings strings = *m.FindStrings("strings");
    EXPECT_EQ(std::vector<std::string>(strings.begin(), strings.end()), (std::vector<std::string>{"a", "", "ccc"}));
    EXPECT_EQ(m.FindInts("ints", 3), (std::vector<int64_t>{1, -2, 3}));
    EXPECT_EQ(m.FindInts("bytes", 3), (std::vector<int64_t>{7, 8}));
    EXPECT_EQ(m.FindFloats("floats", 2), (std::vector<float>{0.25f, -1}));
    EXPECT_EQ(m.FindBytes("bytes"), "\x07\x08");
    EXPECT_FALSE(m.FindStrings("absent"));

    ASSERT_EQ(file.tensors.size(), 3u);
    const GgufTensor* b = file.Find("b.weight");
    ASSERT_NE(b, nullptr);
    EXPECT_EQ(b->shape, (Shape{5, 2, 64}));
    EXPECT_EQ(b->type->name, "Q4_0");
    EXPECT_EQ(b->bytes.size(), 360u);
    EXPECT_EQ(std::to_integer<int>(b->bytes[0]), 64);  // behind 48 bytes and their padding
    const TensorMap tensors = TensorsOf(file);
    EXPECT_EQ(tensors.at("b.weight").dtype, DType::kQ4_0);
    EXPECT_EQ(tensors.at("c.bias").dtype, DType::kBF16);
    EXPECT_EQ(tensors.at("a.weight").shape, (Shape{3, 4}));
    EXPECT_EQ(reinterpret_cast<const char*>(tensors.at("a.weight").bytes.data()) - bytes.data(),
              static_cast<std::ptrdiff_t>(bytes.size()) - 32 - 384 - 64);
  }
}

TEST(Gguf, FormatsAreAsLargeAsTheirDTypes) {
  int known = 0;
  for (uint32_t id = 0; id < 64; ++id) {
    const GgufTensorType* type = FindGgufTensorType(id);
    if (type == nullptr || !type->dtype) continue;
    EXPECT_EQ(Traits(*type->dtype).block_elements, type->block_elements) << type->name;
    EXPECT_EQ(Traits(*type->dtype).block_bytes, type->block_bytes) << type->name;
    ++known;
  }
  EXPECT_EQ(known, 20);
}

TEST(Gguf, GettersNameKeyExpectedAndGot) {
  const std::string file = Everything().Finish();
  const auto of = [&](auto get) { return MessageOf(file, [&](const GgufFile& f) { get(f.metadata); }); };
  EXPECT_EQ(of([](const auto& m) { m.GetInt("string", {}, 1, 5); }),
            "x.gguf: string: expected an integer in [1, 5], got \"text\"");
  EXPECT_EQ(of([](const auto& m) { m.GetInt("u8", {}, 1, 5); }), "x.gguf: u8: expected an integer in [1, 5], got 200");
  EXPECT_EQ(of([](const auto& m) { m.GetInt("f32", {}, 0, 5); }),
            "x.gguf: f32: expected an integer in [0, 5], got 0.5");
  EXPECT_EQ(of([](const auto& m) { m.GetInt("none", {}, 1, 5); }),
            "x.gguf: none: missing; expected an integer in [1, 5]");
  EXPECT_EQ(of([](const auto& m) { m.GetFloat("ints", {}, 0, 5); }),
            "x.gguf: ints: expected a number in [0, 5], got a list of 3 i32s");
  EXPECT_EQ(of([](const auto& m) { m.GetBool("u8", {}); }), "x.gguf: u8: expected true or false, got 200");
  EXPECT_EQ(of([](const auto& m) { m.GetString("strings", {}); }),
            "x.gguf: strings: expected a string, got a list of 3 strings");
  EXPECT_EQ(of([](const auto& m) { m.FindStrings("ints"); }),
            "x.gguf: ints: expected a list of strings, got a list of 3 i32s");
  EXPECT_EQ(of([](const auto& m) { m.FindInts("ints", 2); }), "x.gguf: ints: 3 elements, expected at most 2");
  EXPECT_EQ(of([](const auto& m) { m.FindFloats("bool", 2); }), "x.gguf: bool: expected a list of numbers, got true");
  GgufWriter nan;
  nan.F32("nan", std::nanf(""));
  EXPECT_EQ(MessageOf(nan.Finish(), [](const GgufFile& f) { f.metadata.GetFloat("nan", {}, 0, 1); }),
            "x.gguf: nan: expected a number in [0, 1], got nan");
}

TEST(Gguf, RefusesOtherFormatsAndVersions) {
  const auto is_gguf = [](std::string_view text) {
    return IsGguf({reinterpret_cast<const std::byte*>(text.data()), text.size()});
  };
  EXPECT_TRUE(is_gguf("GGUF"));
  EXPECT_FALSE(is_gguf("GGU") || is_gguf("PK\3\4"));
  EXPECT_NE(Message("").find("at byte 0"), std::string::npos);
  EXPECT_NE(Message("PK\3\4 and more").find("not a GGUF file"), std::string::npos);
  EXPECT_NE(Message("tjgg and more bytes").find("before GGUF"), std::string::npos);
  const std::pair<uint32_t, const char*> versions[] = {{0, "big-endian"},
                                                       {1, "version 1, supported are 2 and 3; convert"},
                                                       {4, "version 4"},
                                                       {0x03000000, "big-endian"}};
  for (const auto& [version, expected] : versions) {
    GgufWriter w;
    w.version = version;
    EXPECT_NE(Message(w.Finish()).find(expected), std::string::npos) << version << ": " << Message(w.Finish());
  }
}

TEST(Gguf, RefusesSizesThatTheFileCannotHold) {
  constexpr uint64_t kSizes[] = {uint64_t{1} << 31, (uint64_t{1} << 31) - 1, (uint64_t{1} << 31) + 1,
                                 uint64_t{1} << 63, (uint64_t{1} << 63) - 1, UINT64_MAX,
                                 UINT64_MAX - 7,    UINT64_MAX / 8 + 1};
  for (const uint64_t size : kSizes) {
    GgufWriter keys, tensors, key, text, list, strings, inner, dims, product, offset;
    keys.extra_keys = size;
    tensors.extra_tensors = size;
    text.Key("text", 8, GgufWriter::Raw(size) + "abc");
    list.Key("list", 9, GgufWriter::Raw<uint32_t>(10) + GgufWriter::Raw(size) + std::string(64, 'x'));
    strings.Key("strings", 9, GgufWriter::Raw<uint32_t>(8) + GgufWriter::Raw(size) + std::string(64, '\0'));
    inner.Key("inner", 9, GgufWriter::Raw<uint32_t>(8) + GgufWriter::Raw<uint64_t>(1) + GgufWriter::Raw(size) + "abc");
    dims.Tensor("t", {size}, 0, 64);
    product.Tensor("t", {4, size, 4}, 0, 64);
    offset.TensorAt("t", {4}, 0, size);
    offset.Tensor("u", {4}, 0, 16);
    for (const GgufWriter* w : {&keys, &tensors, &text, &list, &strings, &inner, &dims, &product, &offset}) {
      const std::string message = Message(w->Finish());
      EXPECT_NE(message.find("at byte "), std::string::npos) << size << ": " << message;
    }
  }
}

struct BadCase {
  const char* expected;
  GgufWriter writer;
};

TEST(Gguf, RefusesWhatDoesNotFitTogether) {
  std::vector<BadCase> cases;
  const auto add = [&](const char* expected, auto fill) {
    GgufWriter w;
    fill(w);
    cases.push_back({expected, std::move(w)});
  };
  add("unknown type 13", [](auto& w) { w.Key("k", 13, "abcdefgh"); });
  add("unknown type 4294967295", [](auto& w) { w.Key("k", UINT32_MAX, "abcdefgh"); });
  add("lists of lists", [](auto& w) {
    w.Key("k", 9, GgufWriter::Raw<uint32_t>(9) + GgufWriter::Raw<uint64_t>(1) + std::string(32, '\0'));
  });
  add("bool of value 2", [](auto& w) { w.Key("k", 7, "\2 padding"); });
  add("at byte 51: k: a bool of value 9", [](auto& w) {
    w.template List<uint8_t>("k", GgufType::kBool, {0, 1, 9, 0});
  });
  add("key \"k\" occurs twice", [](auto& w) {
    w.U32("k", 1);
    w.F32("k", 1);
  });
  add("an empty key", [](auto& w) { w.U32("", 1); });
  add("a key of 70000 bytes", [](auto& w) { w.U32(std::string(70000, 'k'), 1); });
  add("tensor \"t\": occurs twice", [](auto& w) {
    w.Tensor("t", {4}, 0, 16);
    w.Tensor("t", {4}, 0, 16);
  });
  add("a name must be", [](auto& w) { w.Tensor("", {4}, 0, 16); });
  add("a name must be", [](auto& w) { w.Tensor("\xff", {4}, 0, 16); });
  add("a tensor's name of 2000 bytes", [](auto& w) { w.Tensor(std::string(2000, 't'), {4}, 0, 16); });
  add("rank 0, expected 1 to 4", [](auto& w) { w.Tensor("t", {}, 0, 64); });
  add("rank 5, expected 1 to 4", [](auto& w) { w.Tensor("t", {1, 1, 1, 1, 1}, 0, 64); });
  add("impossible shape [4, 0]", [](auto& w) { w.Tensor("t", {4, 0}, 0, 64); });
  add("impossible shape", [](auto& w) { w.Tensor("t", {uint64_t{1} << 32, uint64_t{1} << 32}, 0, 64); });
  add("impossible shape", [](auto& w) { w.Tensor("t", {3, 0x5555555555555556}, 0, 64); });
  add("number format 4 is not known", [](auto& w) { w.Tensor("t", {32}, 4, 64); });
  add("number format 1000 is not known", [](auto& w) { w.Tensor("t", {32}, 1000, 64); });
  add("rows of 48 values in Q4_0", [](auto& w) { w.Tensor("t", {48, 2}, 2, 64); });
  add("offset 16 is no multiple of 32", [](auto& w) {
    w.TensorAt("t", {4}, 0, 16);
    w.Tensor("u", {16}, 0, 64);
  });
  add("the file holds 64 bytes", [](auto& w) {
    w.Tensor("t", {16}, 0, 64);
    w.TensorAt("u", {4}, 0, 64);
  });
  add("\"t\" and \"u\" overlap", [](auto& w) {
    w.Tensor("t", {16}, 0, 64);
    w.TensorAt("u", {4}, 0, 32);
  });
  add("overlap", [](auto& w) {
    w.Tensor("t", {4}, 0, 16);
    w.TensorAt("u", {4}, 0, 0);
  });
  for (const uint32_t alignment : {0u, 3u, 24u, 1u, uint32_t{1} << 31}) {
    add("general.alignment", [&](auto& w) {
      w.U32("general.alignment", alignment);
      w.Tensor("t", {4}, 0, 16);
    });
  }
  add("general.alignment: expected an integer", [](auto& w) { w.String("general.alignment", "32"); });
  for (const BadCase& c : cases) {
    EXPECT_NE(Message(c.writer.Finish()).find(c.expected), std::string::npos)
        << c.expected << ": " << Message(c.writer.Finish());
  }
}

TEST(Gguf, RefusesAnyOtherRank) {
  GgufWriter w;
  w.Tensor("some tensor", {4, 3}, 0, 48);
  std::string bytes = w.Finish();
  const size_t at = bytes.find("some tensor") + 11;
  for (const uint32_t rank : {0u, 5u, 255u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    std::memcpy(bytes.data() + at, &rank, sizeof(rank));
    EXPECT_NE(Message(bytes).find(fmt::format("rank {}, expected 1 to 4", rank)), std::string::npos) << Message(bytes);
  }
}

TEST(Gguf, AlignmentOfTheFileCounts) {
  GgufWriter w;
  w.alignment = 64;
  w.U32("general.alignment", 64);
  w.Tensor("t", {4}, 0, 16);
  w.Tensor("u", {4}, 0, 16);
  const std::string bytes = w.Finish();
  const GgufFile file = Parse(bytes);
  EXPECT_EQ(std::to_integer<int>(file.Find("u")->bytes[0]), 64);
}

TEST(Gguf, NamesTheFormatsThatCannotBeComputed) {
  GgufWriter w;
  w.Tensor("a", {256}, 16, 66);
  w.Tensor("b", {32}, 39, 17);
  w.Tensor("c", {32}, 0, 128);
  const std::string message = MessageOf(w.Finish(), [](const GgufFile& f) { TensorsOf(f); });
  EXPECT_NE(message.find("IQ2_XXS, MXFP4"), std::string::npos) << message;
}

TEST(Gguf, RefusesAFileCutAnywhere) {
  const std::string whole = Everything().Finish();
  ASSERT_EQ(Message(whole), "accepted");
  // The last tensor has 10 bytes and 22 of padding, which nobody needs.
  for (size_t size = 0; size < whole.size() - 22; ++size) {
    ASSERT_NE(Message(whole.substr(0, size)).find("at byte "), std::string::npos) << size;
  }
}

// Every value, string and weight that the parser hands out is read, so that a view outside the bytes is found by the
// address sanitizer.
void Touch(const GgufFile& file) {
  size_t sum = 0;
  for (const auto& [key, value] : file.metadata.values()) {
    sum += key.size() + value.Describe().size();
    for (const std::byte b : value.bytes) sum += std::to_integer<size_t>(b);
    if (!value.is_list || value.type != GgufType::kString) continue;
    const std::optional<GgufStrings> strings = file.metadata.FindStrings(key);
    for (const std::string_view text : *strings) sum += text.size();
  }
  for (const auto& tensor : file.tensors) {
    for (const std::byte b : tensor.bytes) sum += std::to_integer<size_t>(b);
  }
  EXPECT_GT(sum + 1, 0u);
}

TEST(Gguf, SurvivesMutations) {
  const std::string whole = Everything().Finish();
  std::mt19937_64 rng(20240607);
  const auto below = [&](size_t n) { return static_cast<size_t>(rng() % n); };
  int accepted = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string mutated = whole;
    const int changes = 1 + static_cast<int>(below(4));
    for (int c = 0; c < changes; ++c) {
      const size_t at = below(mutated.size());
      constexpr uint8_t kExtremes[] = {0, 1, 0x7f, 0x80, 0xff};
      mutated[at] = static_cast<char>(below(2) == 0 ? kExtremes[below(5)] : below(256));
    }
    if (below(8) == 0) mutated.resize(below(mutated.size()));
    accepted += MessageOf(mutated, Touch) == "accepted";
  }
  EXPECT_GT(accepted, 100);  // most bytes are values and weights
  EXPECT_LT(accepted, 900);
}

// A check for every string must not make honest files slow; 200,000 of them take a millisecond.
TEST(Gguf, ReadsLargeVocabularies) {
  std::vector<std::string> tokens(200'000);
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = "token" + std::to_string(i);
  GgufWriter w;
  w.Strings("tokenizer.ggml.tokens", tokens);
  const std::string bytes = w.Finish();
  const GgufFile file = Parse(bytes);
  const GgufStrings strings = *file.metadata.FindStrings("tokenizer.ggml.tokens");
  EXPECT_EQ(strings.size(), tokens.size());
  size_t i = 0;
  for (const std::string_view text : strings) ASSERT_EQ(text, tokens[i++]);
  EXPECT_EQ(i, tokens.size());
}

}  // namespace
}  // namespace spate
