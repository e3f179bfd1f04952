#include "convert/gguf/same_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>

#include "model/arch.h"
#include "model/model_files.h"

namespace spate {
namespace {

ModelSpec Demo() { return MakeSpec(ReadModelConfig(std::filesystem::path(SPATE_SOURCE_DIR) / "models" / "demo")); }

TEST(DifferenceOf, NamesTheFieldAndBothValues) {
  struct Case {
    std::function<void(ModelSpec&)> change;
    const char* difference;
  };
  const Case cases[] = {
      {[](ModelSpec&) {}, ""},
      {[](ModelSpec& s) { s.architecture = "other"; }, ""},
      {[](ModelSpec& s) { s.notes.emplace_back("other"); }, ""},
      {[](ModelSpec& s) { s.context = 99; }, "context 512 and 99"},
      {[](ModelSpec& s) { s.norm.eps = 0.5f; }, "norm epsilon 1e-05 and 0.5"},
      {[](ModelSpec& s) { s.tied_head = false; }, "tied head true and false"},
      {[](ModelSpec& s) { s.layers.pop_back(); }, "layers 4 and 3"},
      {[](ModelSpec& s) { s.layers[3].ffn.act = Act::kRelu; }, "activation 0 and 3"},
      {[](ModelSpec& s) { s.layers[2].attn.window = 7; }, "window 0 and 7"},
      {[](ModelSpec& s) { s.layers[1].post_norms = true; }, "norms behind false and true"},
      {[](ModelSpec& s) { s.ropes[0].inv_freq[0] = 0.5f; }, "frequency 0 1 and 0.5"},
      {[](ModelSpec& s) { s.ropes[0].inv_freq[0] = std::nextafter(1.0f, 2.0f); }, ""},
      {[](ModelSpec& s) { s.ropes[0].magnitude = 2; }, "magnitude of rotation 1 and 2"},
      {[](ModelSpec& s) { s.ropes.clear(); }, "rope tables 1 and 0"},
      {[](ModelSpec& s) { s.alibi.push_back({1}); }, "alibi tables 0 and 1"},
  };
  for (const Case& c : cases) {
    ModelSpec other = Demo();
    c.change(other);
    EXPECT_EQ(DifferenceOf(Demo(), other), c.difference);
  }
}

}  // namespace
}  // namespace spate
