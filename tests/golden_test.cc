// Every architecture against PyTorch: tiny random checkpoints in tests/golden (made by tools/make_goldens.py) with
// logits of every position, hidden states after each layer and greedy continuations. A failure names the first
// layer that diverges.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/isa.h"
#include "base/json.h"
#include "base/npy.h"
#include "tests/single_sequence.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

struct Case {
  std::string golden;
  std::string backend;
  std::string isa;  // "" for ref

  friend void PrintTo(const Case& test, std::ostream* out) {
    *out << test.golden << " on " << test.backend << " " << test.isa;
  }
};

fs::path Root() { return fs::path(SPATE_SOURCE_DIR) / "tests" / "golden"; }

std::vector<Case> Cases() {
  std::vector<Case> cases;
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(Root())) {
    if (fs::exists(entry.path() / "golden.json")) names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    cases.push_back({name, "ref", ""});
    for (int isa = 0; isa <= static_cast<int>(DetectIsa()); ++isa) {
      cases.push_back({name, "cpu", std::string(IsaName(static_cast<Isa>(isa)))});
    }
  }
  return cases;
}

float Largest(const std::vector<float>& values) {
  float largest = 0;
  for (const float v : values) largest = std::max(largest, std::abs(v));
  return largest;
}

class Golden : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    folder_ = Root() / GetParam().golden;
    golden_ = ReadJsonFile((folder_ / "golden.json").string(), {});
    if (!GetParam().isa.empty()) setenv("SPATE_ISA", GetParam().isa.c_str(), 1);
  }
  void TearDown() override { unsetenv("SPATE_ISA"); }

  SingleSequence Open(DType dtype, DType kv) const { return SingleSequence(folder_, GetParam().backend, dtype, kv, 2); }

  // Share of max|logit| by which f32 may differ: plain loops in double, or f32 kernels in another order.
  double F32Tolerance() const { return GetParam().backend == "ref" ? 1e-4 : 5e-4; }

  // Compares logits with those PyTorch computed; returns the largest difference over max|logit|.
  double CompareLogits(SingleSequence& model, int chunk, double tolerance) {
    double worst = 0;
    for (const auto& prompt : golden_["prompts"]) {
      const auto ids = prompt["ids"].get<std::vector<int32_t>>();
      const std::vector<float> want =
          ReadNpy((folder_ / prompt["logits"].get<std::string>()).string()).Floats("logits");
      const std::vector<float> got = model.Logits(ids, chunk);
      EXPECT_EQ(got.size(), want.size());
      if (got.size() != want.size()) return 1e9;
      const size_t vocab = got.size() / ids.size();
      const double scale = Largest(want);
      for (size_t i = 0; i < got.size(); ++i) {
        const double error = std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i])) / scale;
        if (!(error <= tolerance)) {
          ADD_FAILURE() << "prompt of " << ids.size() << ", chunks of " << chunk << ": position " << i / vocab
                        << ", token " << i % vocab << ": " << got[i] << ", expected " << want[i] << " (" << error
                        << " of max|logit|, allowed " << tolerance << "); " << FirstDivergence(model, tolerance);
          return error;
        }
        worst = std::max(worst, error);
      }
    }
    return worst;
  }

  std::string FirstDivergence(SingleSequence& model, double tolerance) {
    const auto& hidden = golden_["hidden"];
    const auto ids = golden_["prompts"][hidden["prompt"].get<size_t>()]["ids"].get<std::vector<int32_t>>();
    const std::vector<float> want = ReadNpy((folder_ / hidden["file"].get<std::string>()).string()).Floats("hidden");
    const size_t state = ids.size() * static_cast<size_t>(model.spec().dim);  // values of one [T, dim]
    std::string result = "hidden states agree everywhere, so it is the final norm or the head";
    bool found = false;
    model.ops().SetTap([&](std::string_view name, int layer, const Mat& mat) {
      if (found || (name != "embed" && name != "layer")) return;
      std::vector<float> got(state);
      model.ops().Download(mat, got);
      const float* expected = want.data() + static_cast<size_t>(layer + 1) * state;
      const double scale = Largest({expected, expected + state});
      for (size_t i = 0; i < state; ++i) {
        if (std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i])) <= tolerance * scale) continue;
        found = true;
        result = layer < 0 ? "the embedding diverges first" : "layer " + std::to_string(layer) + " diverges first";
        return;
      }
    });
    model.Logits(ids, static_cast<int>(ids.size()));
    model.ops().SetTap(nullptr);
    return result;
  }

  fs::path folder_;
  nlohmann::json golden_;
};

TEST_P(Golden, LogitsInF32) {
  SingleSequence model = Open(DType::kF32, DType::kF32);
  for (const int chunk : {1000, 1, 5})
    RecordProperty("worst", std::to_string(CompareLogits(model, chunk, F32Tolerance())));
}

// A bf16 run rounds weights, activations at every matrix input and the KV cache: each rounding is off by at most
// 2^-9 of the value. With r roundings in a row of independent sign the result of a unit-gain chain is off by about
// sqrt(r) 2^-9; a layer has seven (normed, q/k/v in the cache, mixed, normed, hidden, and weights twice over), and
// max|logit| stands six sigma from a typical error. The goldens' weights are drawn so that gains are above one, hence
// the 4.
TEST_P(Golden, LogitsInBf16) {
  SingleSequence model = Open(DType::kBF16, DType::kBF16);
  const double roundings = 7.0 * model.spec().Layers() + 2;
  CompareLogits(model, 1000, 4 * std::sqrt(roundings) * 0x1p-9);
}

TEST_P(Golden, HiddenStates) {
  SingleSequence model = Open(DType::kF32, DType::kF32);
  EXPECT_EQ(FirstDivergence(model, F32Tolerance()),
            "hidden states agree everywhere, so it is the final norm or the head");
}

TEST_P(Golden, GreedyContinuations) {
  SingleSequence model = Open(DType::kF32, DType::kF32);
  for (const auto& greedy : golden_["greedy"]) {
    const auto prompt = greedy["prompt"].get<std::vector<int32_t>>();
    const auto want = greedy["ids"].get<std::vector<int32_t>>();
    const std::vector<float> logits = model.Logits(prompt, 1000);
    std::vector<float> last(logits.end() - model.spec().vocab, logits.end());
    std::vector<int32_t> got;
    while (true) {
      got.push_back(static_cast<int32_t>(std::max_element(last.begin(), last.end()) - last.begin()));
      if (got.size() == want.size()) break;
      last = model.Step(got.back());
    }
    EXPECT_EQ(got, want);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Golden, ::testing::ValuesIn(Cases()), [](const auto& test) {
  return test.param.golden + "_" + test.param.backend + (test.param.isa.empty() ? "" : "_" + test.param.isa);
});

}  // namespace
}  // namespace spate
