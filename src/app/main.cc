#include <fmt/format.h>

#include <cstdio>
#include <new>

#include "app/cli.h"
#include "base/error.h"

// One of the three places that catch Error: everything a command could not do ends here as one line and an exit code.
int main(int argc, char** argv) {
  try {
    return spate::RunCli(argc, argv);
  } catch (const spate::Error& error) {
    fmt::print(stderr, "spate: {}\n", error.what());
    return error.exit_code();
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "spate: out of memory; try a smaller model, a smaller --context or --dtype bf16\n");
    return static_cast<int>(spate::ErrorCode::kDoesNotFit);
  } catch (const std::exception& error) {
    fmt::print(stderr, "spate: bug: {}\n", error.what());
    return 1;
  }
}
