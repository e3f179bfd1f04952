#include "tests/program.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace spate {

ProgramResult RunProgram(const std::string& arguments, const std::string& environment, const std::string& input) {
  static int runs = 0;
  const std::string errors =
      std::filesystem::temp_directory_path() / fmt::format("spate-program-{}-{}", getpid(), ++runs);
  const std::string command =
      fmt::format("{} '{}' {} 2>'{}' <'{}'", environment, SPATE_PROGRAM, arguments, errors, input);
  ProgramResult result;
  std::FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  for (size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) result.out.append(buffer.data(), n);
  const int status = pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::ifstream file(errors);
  result.err.assign(std::istreambuf_iterator<char>(file), {});
  std::filesystem::remove(errors);
  return result;
}

}  // namespace spate
