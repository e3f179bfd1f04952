// docs/models.md is what tools/make_models_doc.py makes of this program and these goldens.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "model/arch.h"
#include "tests/program.h"

namespace spate {
namespace {

std::string Document() {
  std::ifstream file(SPATE_SOURCE_DIR "/docs/models.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ModelsDoc, NamesEveryArchitectureAndGolden) {
  const std::string document = Document();
  const ProgramResult known = RunProgram("inspect --known --json");
  ASSERT_EQ(known.status, 0) << known.err;
  const nlohmann::json list = nlohmann::json::parse(known.out);
  EXPECT_EQ(list.size(), AllArchs().size());
  for (const auto& arch : list) {
    const std::string row = "| " + arch["name"].get<std::string>() + " | " + arch["models"].get<std::string>() + " |";
    EXPECT_NE(document.find(row), std::string::npos) << "run tools/make_models_doc.py: " << row;
  }
  for (const auto& entry : std::filesystem::directory_iterator(SPATE_SOURCE_DIR "/tests/golden")) {
    if (!std::filesystem::exists(entry.path() / "golden.json")) continue;
    EXPECT_NE(document.find(entry.path().filename()), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace spate
