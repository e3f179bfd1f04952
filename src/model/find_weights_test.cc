// The same weights stored in other orders and under other names come out as the same canonical rows.
#include "model/find_weights.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "model/arch/llama_tensors.h"
#include "model/dialects.h"
#include "model/fake_checkpoint_for_test.h"

namespace spate {
namespace {

// Two layers would find nothing that one does not.
ModelSpec SmallSpec() {
  ModelSpec spec;
  spec.dim = 6;
  spec.vocab = 5;
  spec.tied_head = true;
  spec.ropes.push_back({.inv_freq = {1.0f, 0.5f}});  // four of a head's six values are rotated
  LayerSpec layer;
  layer.attn = {.heads = 4, .kv_heads = 2, .head_dim = 6, .rope = 0};
  layer.ffn = {.hidden = 7};
  spec.layers = {layer};
  return spec;
}

constexpr int64_t kQueryRows = 24, kKeyRows = 12;

// Row r of matrix `which` is which * 1000 + r * 10 + column.
float Value(int which, int64_t row, int64_t col) { return static_cast<float>(which * 1000 + row * 10 + col); }

// Adds rows [count, cols] in the order that `row_of` says.
void AddRows(FakeCheckpoint& c, const std::string& name, int which, int64_t count, int64_t cols,
             const std::function<int64_t(int64_t)>& row_of) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t col = 0; col < cols; ++col) values.push_back(Value(which, row_of(i), col));
  }
  c.AddFloats(name, {count, cols}, values);
}

int64_t Same(int64_t row) { return row; }

std::unique_ptr<FakeCheckpoint> Stem(const std::string& embed, const std::string& norm) {
  auto c = std::make_unique<FakeCheckpoint>();
  c->Add(embed, {5, 6});
  c->Add(norm, {6});
  return c;
}

std::vector<float> Floats(const std::vector<MatrixView>& parts) {
  std::vector<float> all;
  for (const MatrixView& part : parts) {
    for (int64_t r = 0; r < part.rows; ++r) {
      const LoadedRows row = LoadRows(part, r, 1);
      std::vector<float> values(static_cast<size_t>(part.cols));
      Unpack(part.dtype, row.rows.data, values.data(), values.size());
      all.insert(all.end(), values.begin(), values.end());
    }
  }
  return all;
}

// Canonical rows of q, k and v, which are matrices 1, 2 and 3.
std::vector<float> CanonicalQkv() {
  std::vector<float> all;
  for (int which = 1; which <= 3; ++which) {
    for (int64_t row = 0; row < (which == 1 ? kQueryRows : kKeyRows); ++row) {
      for (int64_t col = 0; col < 6; ++col) all.push_back(Value(which, row, col));
    }
  }
  return all;
}

std::vector<float> FindQkv(const FakeCheckpoint& c, std::span<const TensorRule> rules, bool adjacent_pairs,
                           const std::vector<float>* biases = nullptr) {
  const Arch arch{"Small", nullptr, rules, ""};
  const ModelSpec spec = SmallSpec();
  const Dialect dialect{.adjacent_pairs = adjacent_pairs};
  const FoundModel found(c, arch, dialect, spec);
  if (biases != nullptr) {
    EXPECT_EQ(Floats(found.Get(Slot::kQkv, 0).biases), *biases);
  }
  return Floats(found.Get(Slot::kQkv, 0).weights);
}

constexpr std::array kOneSource = {
    TensorRule{Slot::kEmbed, {"embed"}},
    TensorRule{Slot::kFinalNorm, {"norm"}},
    TensorRule{Slot::kAttnNorm, {"{l}.attn_norm"}},
    TensorRule{Slot::kAttnOut, {"{l}.out"}},
    TensorRule{Slot::kFfnNorm, {"{l}.ffn_norm"}},
    TensorRule{Slot::kGateUp, {"{l}.gate_up"}},
    TensorRule{Slot::kDown, {"{l}.down"}},
};

std::unique_ptr<FakeCheckpoint> WithOneSource() {
  auto c = Stem("embed.weight", "norm.weight");
  for (const char* name : {"0.attn_norm.weight", "0.ffn_norm.weight"}) c->Add(name, {6});
  c->Add("0.out.weight", {6, 24});
  c->Add("0.gate_up.weight", {14, 6});
  c->Add("0.down.weight", {6, 7});
  return c;
}

TEST(FindWeights, GroupsOfKeyValueHeadsAreTakenApart) {
  static constexpr auto kRules = Join(kOneSource, std::array{TensorRule{Slot::kQkv, {"{l}.qkv"}, RowOrder::kByGroup}});
  auto c = WithOneSource();
  // Two groups of two query heads, a key and a value head, six rows each.
  std::vector<float> values;
  std::vector<float> bias;
  for (int64_t row = 0; row < 48; ++row) {
    const int64_t group = row / 24, in_group = row % 24;
    const int which = in_group < 12 ? 1 : in_group < 18 ? 2 : 3;
    const int64_t canonical = which == 1 ? group * 12 + in_group : group * 6 + in_group % 6;
    for (int64_t col = 0; col < 6; ++col) values.push_back(Value(which, canonical, col));
    bias.push_back(Value(which, canonical, 0));
  }
  c->AddFloats("0.qkv.weight", {48, 6}, values);
  c->AddFloats("0.qkv.bias", {48}, bias);
  std::vector<float> canonical_bias;
  for (size_t i = 0; i < CanonicalQkv().size(); i += 6) canonical_bias.push_back(CanonicalQkv()[i]);
  EXPECT_EQ(FindQkv(*c, kRules, false, &canonical_bias), CanonicalQkv());
}

TEST(FindWeights, TransposedMatricesAreTurned) {
  static constexpr auto kRules =
      Join(kOneSource, std::array{TensorRule{.slot = Slot::kQkv, .sources = {"{l}.qkv"}, .transposed = true}});
  auto c = WithOneSource();
  const std::vector<float> canonical = CanonicalQkv();
  std::vector<float> turned;
  for (size_t col = 0; col < 6; ++col) {
    for (size_t row = 0; row < 48; ++row) turned.push_back(canonical[row * 6 + col]);
  }
  c->AddFloats("0.qkv.weight", {6, 48}, turned);
  EXPECT_EQ(FindQkv(*c, kRules, false), canonical);
}

TEST(FindWeights, AdjacentPairsAreBroughtToHalves) {
  auto c = WithOneSource();
  static constexpr auto kRules = Join(kOneSource, std::array{TensorRule{Slot::kQkv, {"{l}.q", "{l}.k", "{l}.v"}}});
  // Stored row 2i is canonical row i, 2i + 1 is i + 2; the last two values of a head stay.
  const auto paired = [](int64_t row) {
    const int64_t i = row % 6;
    return row - i + (i >= 4 ? i : i / 2 + i % 2 * 2);
  };
  AddRows(*c, "0.q.weight", 1, kQueryRows, 6, paired);
  AddRows(*c, "0.k.weight", 2, kKeyRows, 6, paired);
  AddRows(*c, "0.v.weight", 3, kKeyRows, 6, Same);
  std::vector<float> bias, stored;
  for (int64_t row = 0; row < kQueryRows; ++row) stored.push_back(Value(1, paired(row), 0));
  c->AddFloats("0.q.bias", {kQueryRows}, stored);
  stored.clear();
  for (int64_t row = 0; row < kKeyRows; ++row) stored.push_back(Value(2, paired(row), 0));
  c->AddFloats("0.k.bias", {kKeyRows}, stored);
  stored.clear();
  for (int64_t row = 0; row < kKeyRows; ++row) stored.push_back(Value(3, row, 0));
  c->AddFloats("0.v.bias", {kKeyRows}, stored);
  for (size_t i = 0; i < CanonicalQkv().size(); i += 6) bias.push_back(CanonicalQkv()[i]);
  EXPECT_EQ(FindQkv(*c, kRules, true, &bias), CanonicalQkv());
}

TEST(FindWeights, ExpertsComeOneByOneOrAsAStack) {
  ModelSpec spec = SmallSpec();
  spec.layers[0].ffn = {.hidden = 7, .experts = 3, .active = 2};
  const auto found_rows = [&](const FakeCheckpoint& c) {
    const Arch arch{"Small", nullptr, {}, ""};
    const Dialect gguf = GgufNames(false, false);
    const FoundModel found(c, arch, gguf, spec);
    return Floats(found.Get(Slot::kGateUp, 0).weights);
  };
  const auto stem = [] {
    auto c = Stem("token_embd.weight", "output_norm.weight");
    for (const char* name : {"blk.0.attn_norm.weight", "blk.0.ffn_norm.weight"}) c->Add(name, {6});
    c->Add("blk.0.attn_qkv.weight", {48, 6});
    c->Add("blk.0.attn_output.weight", {6, 24});
    c->Add("blk.0.ffn_gate_inp.weight", {3, 6});
    return c;
  };
  auto each = stem();
  auto stack = stem();
  std::vector<float> gates, ups, expected;
  for (int e = 0; e < 3; ++e) {
    AddRows(*each, "blk.0.ffn_gate." + std::to_string(e) + ".weight", e, 7, 6, Same);
    AddRows(*each, "blk.0.ffn_up." + std::to_string(e) + ".weight", e + 3, 7, 6, Same);
    each->Add("blk.0.ffn_down." + std::to_string(e) + ".weight", {6, 7});
    for (const int which : {e, e + 3}) {
      for (int64_t i = 0; i < 42; ++i) {
        (which < 3 ? gates : ups).push_back(Value(which, i / 6, i % 6));
        expected.push_back(Value(which, i / 6, i % 6));
      }
    }
  }
  stack->AddFloats("blk.0.ffn_gate_exps.weight", {3, 7, 6}, gates);
  stack->AddFloats("blk.0.ffn_up_exps.weight", {3, 7, 6}, ups);
  stack->Add("blk.0.ffn_down_exps.weight", {3, 6, 7});
  EXPECT_EQ(found_rows(*each), expected);
  EXPECT_EQ(found_rows(*stack), expected);
}

TEST(FindWeights, StackedExpertsAreTurnedOneByOne) {
  static constexpr auto kRules =
      Join(kOneSource, std::array{TensorRule{Slot::kQkv, {"{l}.qkv"}}, TensorRule{Slot::kRouter, {"{l}.router"}},
                                  TensorRule{.slot = Slot::kGateUp, .sources = {"{l}.experts.fc1"}, .transposed = true},
                                  TensorRule{.slot = Slot::kDown, .sources = {"{l}.experts.fc2"}, .transposed = true}});
  ModelSpec spec = SmallSpec();
  spec.layers[0].ffn = {.hidden = 7, .experts = 3, .active = 2};
  auto c = Stem("embed.weight", "norm.weight");
  for (const char* name : {"0.attn_norm.weight", "0.ffn_norm.weight"}) c->Add(name, {6});
  c->Add("0.qkv.weight", {48, 6});
  c->Add("0.out.weight", {6, 24});
  c->Add("0.router.weight", {3, 6});
  std::vector<float> gate_up, down, expected_gate_up, expected_down;
  for (int e = 0; e < 3; ++e) {
    for (int64_t col = 0; col < 6; ++col) {
      for (int64_t row = 0; row < 14; ++row) gate_up.push_back(Value(e, row, col));
    }
    for (int64_t col = 0; col < 7; ++col) {
      for (int64_t row = 0; row < 6; ++row) down.push_back(Value(e, row, col));
    }
    for (int64_t i = 0; i < 84; ++i) expected_gate_up.push_back(Value(e, i / 6, i % 6));
    for (int64_t i = 0; i < 42; ++i) expected_down.push_back(Value(e, i / 7, i % 7));
  }
  c->AddFloats("0.experts.fc1.weight", {3, 6, 14}, gate_up);
  c->AddFloats("0.experts.fc2.weight", {3, 7, 6}, down);
  const Arch arch{"Small", nullptr, kRules, ""};
  const Dialect plain;
  const FoundModel found(*c, arch, plain, spec);
  EXPECT_EQ(Floats(found.Get(Slot::kGateUp, 0).weights), expected_gate_up);
  EXPECT_EQ(Floats(found.Get(Slot::kDown, 0).weights), expected_down);
}

}  // namespace
}  // namespace spate
