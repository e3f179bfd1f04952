// Downloader: files and lists of one hub, with as many attempts as a bad line needs. A transfer that broke goes on
// where it was; one that brings nothing several times in a row is given up. Owned and used by one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "convert/pull/http_client.h"
#include "convert/pull/hub_listing.h"
#include "convert/pull/part_file.h"

namespace spate {

struct TransferOptions {
  HttpOptions http;
  int tries = 5;                  // in a row that bring nothing new
  int64_t first_wait_ms = 1'000;  // doubled by each of them
  int64_t longest_wait_ms = 30'000;
  int64_t longest_asked_wait_s = 120;  // that a server's Retry-After may ask for
  // Told before each wait, in one line, what failed and when it is tried again; by several threads. May be empty.
  std::function<void(const std::string&)> retrying;
};

class Downloader {
 public:
  // `curl` and `options` outlive it; `stop` as in HttpClient.
  Downloader(const CurlLibrary& curl, const TransferOptions& options, std::function<bool()> stop);

  // The body at `url`, which `what` names in messages.
  std::string Read(const std::string& url, const std::string& what, size_t max_bytes);

  // Completes the part. `arrived` is called with the bytes that were added; negative when they are begun anew.
  // Both throw Error(kEnvironment) in one line when it cannot be done, Error(kInterrupted) after `stop`.
  void Fetch(const std::string& url, const std::string& what, PartFile* part,
             const std::function<void(int64_t)>& arrived);

 private:
  // `kept`: what arrived stays for the next time.
  void WaitOrThrow(const HttpReply& reply, const std::string& what, bool progressed, bool kept, int* failures);

  const TransferOptions& options_;
  std::function<bool()> stop_;
  HttpClient client_;
};

}  // namespace spate
