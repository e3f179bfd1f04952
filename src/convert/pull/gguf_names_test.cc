#include "convert/pull/gguf_names.h"

#include <gtest/gtest.h>

#include "convert/pull/hub_server_for_test.h"

namespace spate {
namespace {

TEST(GgufNames, FindTheQuantization) {
  EXPECT_EQ(QuantOf("Llama-3.2-1B-Instruct-Q4_K_M.gguf"), "Q4_K_M");
  EXPECT_EQ(QuantOf("llama-2-7b.Q5_0.gguf"), "Q5_0");
  EXPECT_EQ(QuantOf("qwen2.5-0.5b-instruct-fp16.gguf"), "FP16");
  EXPECT_EQ(QuantOf("tiny_q8_0.gguf"), "Q8_0");
  EXPECT_EQ(QuantOf("BF16/Model-BF16-00001-of-00003.gguf"), "BF16");
  EXPECT_EQ(QuantOf("M-UD-IQ2_XXS.gguf"), "IQ2_XXS");
  EXPECT_EQ(QuantOf("F16-tuned-Q8_0.gguf"), "Q8_0");
  EXPECT_EQ(QuantOf("ggml-model.gguf"), "");
}

TEST(GgufNames, AskForWholeWords) {
  EXPECT_TRUE(CarriesQuant("m-Q4_K_M.gguf", "q4_k_m"));
  EXPECT_TRUE(CarriesQuant("m-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"));
  EXPECT_FALSE(CarriesQuant("m-Q4_K_M.gguf", "Q4_K"));
  EXPECT_FALSE(CarriesQuant("m-IQ4_XS.gguf", "Q4_XS"));
  EXPECT_FALSE(CarriesQuant("m-Q4_K_M.gguf", ""));
}

TEST(GgufNames, PartsAreOneModel) {
  const auto models = GgufModelsAmong({"m-Q8_0-00002-of-00002.gguf", "m-Q4_0.gguf", "m-Q8_0-00001-of-00002.gguf",
                                       "mmproj-m-f16.gguf", "imatrix.gguf", "README.md"});
  ASSERT_EQ(models.size(), 2u);
  const GgufModel& split = ChooseGguf(models, "q8_0", "r");
  EXPECT_EQ(split.files, (std::vector<std::string>{"m-Q8_0-00001-of-00002.gguf", "m-Q8_0-00002-of-00002.gguf"}));
  const auto broken = GgufModelsAmong({"m-Q8_0-00002-of-00002.gguf", "m-Q4_0.gguf"});
  EXPECT_EQ(ErrorOf([&] { ChooseGguf(broken, "Q8_0", "r"); }),
            "5: r: m-Q8_0-00002-of-00002.gguf: 1 of 2 parts are there");
  EXPECT_EQ(ErrorOf([&] { ChooseGguf(broken, "Q4_0", "r"); }), "done");
}

TEST(GgufNames, SayWhatThereIs) {
  const auto models = GgufModelsAmong({"m-Q4_0.gguf", "m-Q8_0.gguf"});
  EXPECT_EQ(ErrorOf([&] { ChooseGguf(models, "Q6_K", "r"); }), "2: r: no GGUF file of Q6_K; there are Q4_0, Q8_0");
  EXPECT_NE(ErrorOf([&] { ChooseGguf(models, "", "r"); }).find("there are Q4_0, Q8_0"), std::string::npos);
  EXPECT_EQ(ChooseGguf(GgufModelsAmong({"a-Q4_0.gguf"}), "", "r").quant, "Q4_0");
  EXPECT_EQ(ChooseGguf(GgufModelsAmong({"a-Q4_0.gguf", "a-Q4_K_M.gguf"}), "", "r").quant, "Q4_K_M");
  const auto twins = GgufModelsAmong({"a-Q4_0.gguf", "b-Q4_0.gguf"});
  EXPECT_NE(ErrorOf([&] { ChooseGguf(twins, "Q4_0", "r"); }).find("a-Q4_0.gguf and b-Q4_0.gguf"), std::string::npos);
}

}  // namespace
}  // namespace spate
