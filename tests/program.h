// Runs the spate program as a person would, for tests of what it prints and how it ends.
#pragma once

#include <string>

namespace spate {

struct ProgramResult {
  int status = -1;  // exit code; 128 + signal when it was killed
  std::string out;
  std::string err;
};

// `arguments` as a shell reads them; `environment` such as "SPATE_ISA=avx2", may be empty; `input` is the file that
// standard input comes from.
ProgramResult RunProgram(const std::string& arguments, const std::string& environment = "",
                         const std::string& input = "/dev/null");

}  // namespace spate
