// Several files of one repository at once, each verified and named when it is whole. Stateless.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "convert/pull/downloader.h"
#include "convert/pull/hub_listing.h"

namespace spate {

struct FetchJob {
  HubFile file;
  std::string url;
};

struct FetchOptions {
  TransferOptions transfer;
  int at_once = 4;                                 // transfers; one rarely fills a line
  std::function<void(int64_t, int64_t)> progress;  // bytes that arrived, bytes to come; may be empty
  std::function<bool()> stop;                      // asked ten times a second; may be empty
};

// Fetches into `root`, which exists; returns the SHA-256 of each file by name. `progress` and `stop` are called on this
// thread alone. The first error ends the other transfers and is thrown when they have; what arrived stays for the next
// time. `source` begins messages.
std::map<std::string, std::string> FetchAll(const CurlLibrary& curl, const std::vector<FetchJob>& jobs,
                                            const std::filesystem::path& root, const std::string& source,
                                            const FetchOptions& options);

}  // namespace spate
