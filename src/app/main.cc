#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include "app/cli.h"
#include "base/error.h"
#include "base/utf8.h"

namespace {
constexpr size_t kLongestMessage = size_t{1} << 16;
}  // namespace

// One of the three places that catch Error: everything a command could not do ends here as one line and an exit code.
int main(int argc, char** argv) {
  try {
    const int status = spate::RunCli(argc, argv);
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
    fmt::print(stderr, "spate: standard output: cannot write: {}\n", std::strerror(errno));
    return static_cast<int>(spate::ErrorCode::kEnvironment);
  } catch (const spate::Error& error) {
    // Names of files are in it: whatever they hold, it stays one line.
    fmt::print(stderr, "spate: {}\n", spate::OneLine(error.what(), kLongestMessage));
    return error.exit_code();
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "spate: out of memory; try a smaller model, a smaller --context or --dtype bf16\n");
    return static_cast<int>(spate::ErrorCode::kDoesNotFit);
  } catch (const std::exception& error) {
    fmt::print(stderr, "spate: bug: {}\n", error.what());
    return 1;
  }
}
