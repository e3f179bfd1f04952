// `spate run` on the bundled model, as a person meets it.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/program.h"

namespace spate {
namespace {

const std::string kRun = "run -m " SPATE_SOURCE_DIR "/models/demo -p 'Once upon a time' -n 24 ";

TEST(Run, TheSameSeedGivesTheSameTextWithAnyThreads) {
  const ProgramResult one = RunProgram(kRun + "--quiet --seed 7 --threads 1");
  ASSERT_EQ(one.status, 0) << one.err;
  EXPECT_EQ(one.out, RunProgram(kRun + "--quiet --seed 7 --threads 2").out);
  EXPECT_NE(one.out, RunProgram(kRun + "--quiet --seed 8").out);
  EXPECT_EQ(one.err, "");
}

TEST(Run, AReportedSeedRepeatsTheText) {
  const nlohmann::json first = nlohmann::json::parse(RunProgram(kRun + "--json").out);
  const auto seed = first.at("seed").get<uint64_t>();
  const nlohmann::json again = nlohmann::json::parse(RunProgram(kRun + fmt::format("--json --seed {}", seed)).out);
  EXPECT_EQ(first.at("output_ids"), again.at("output_ids"));
  EXPECT_EQ(first.at("output_ids").size(), 24u);
}

TEST(Run, TextEndsItsLineBeforeTheFiguresWhereBothGoToOneFile) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / fmt::format("spate-run-{}", getpid());
  const ProgramResult text = RunProgram(kRun + "--quiet --seed 7");
  RunProgram(kRun + "--seed 7 >'" + file.string() + "' 2>&1; true");
  std::ifstream stream(file);
  const std::string both(std::istreambuf_iterator<char>(stream), {});
  std::filesystem::remove(file);
  EXPECT_TRUE(both.starts_with(text.out + "prefill ")) << both;
}

}  // namespace
}  // namespace spate
