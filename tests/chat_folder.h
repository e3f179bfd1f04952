// What tests of `spate chat` share: a folder that stands for a person's home, and the demo model's flags.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

namespace spate {

inline const std::string kDemo = SPATE_SOURCE_DIR "/models/demo";

class ChatFolder : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ / name; }
  std::string History() const { return folder_ / "state" / "spate" / "history"; }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  std::string Read(const std::string& path) const {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  nlohmann::json ReadJson(const std::string& name) const { return nlohmann::json::parse(Read(Path(name))); }

  const std::filesystem::path folder_ = std::filesystem::temp_directory_path() / fmt::format("spate-chat-{}", getpid());
};

}  // namespace spate
