// Pull: a model from a Hugging Face-compatible hub into the store. Files that are there and right stay, parts go on
// where they were, and the model counts as whole only when all its files have the sums that the hub lists.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "convert/pull/fetch_all.h"
#include "convert/pull/model_store.h"
#include "convert/pull/store_manifest.h"

namespace spate {

inline constexpr const char* kDefaultEndpoint = "https://huggingface.co";

struct PullOptions {
  ModelName model;
  std::filesystem::path store;                     // StoreFolder()
  FetchOptions fetch;                              // with the endpoint and token in fetch.transfer.http
  std::function<void(int64_t, int64_t)> checking;  // bytes of files already there: read so far, in all; may be empty
};

struct PullReport {
  std::string commit;
  std::filesystem::path folder;
  FileSums files;             // that this model needs
  int64_t bytes = 0;          // of them
  int64_t fetched_bytes = 0;  // now
};

// Throws Error: kUsage for an endpoint or quantization that cannot be, kBadInput for a repository without a model,
// kDoesNotFit for a disk that is too small, kEnvironment for the hub, the network and the file system, kInterrupted
// after fetch.stop; all but the first two leave what arrived for the next time.
PullReport Pull(const PullOptions& options);

}  // namespace spate
