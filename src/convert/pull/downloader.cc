#include "convert/pull/downloader.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/error.h"

namespace spate {
namespace {

// What a server may say and mean "later".
bool IsPassing(const HttpReply& reply) {
  if (!reply.problem.empty() || reply.status == 200 || reply.status == 206) return true;
  if (reply.status == 408 || reply.status == 416 || reply.status == 429 || reply.status >= 500) return true;
  return reply.status == 403 && !reply.from_endpoint;  // a signed address that ran out; the hub gives a new one
}

std::string Reason(const HttpReply& reply) {
  if (!reply.problem.empty()) return reply.problem;
  if (reply.status == 200 || reply.status == 206) return "the answer ended early";
  return fmt::format("the server answered {}", reply.status);
}

[[noreturn]] void ThrowStatus(const HttpReply& reply, const std::string& what, bool has_token) {
  if (reply.status == 401 || reply.status == 403) {
    throw Error(ErrorCode::kEnvironment, "{}: the server answered {}: {}", what, reply.status,
                has_token ? "this HF_TOKEN may not read it; accept the model's terms on its page, or use another token"
                          : "no such repository, or it needs a token: set HF_TOKEN");
  }
  if (reply.status == 404) {
    throw Error(ErrorCode::kEnvironment, "{}: the server answered 404: no such repository, revision or file", what);
  }
  throw Error(ErrorCode::kEnvironment, "{}: the server answered {}, expected 200; is --endpoint right?", what,
              reply.status);
}

void CheckLength(const HttpReply& reply, int64_t expected, const std::string& what) {
  if (reply.length < 0 || reply.length == expected) return;
  throw Error(ErrorCode::kEnvironment,
              "{}: the server announces {} bytes, expected {}; try again later, or another "
              "--endpoint",
              what, reply.length, expected);
}

}  // namespace

Downloader::Downloader(const CurlLibrary& curl, const TransferOptions& options, std::function<bool()> stop)
    : options_(options), stop_(std::move(stop)), client_(curl, options.http, stop_) {}

// Between two attempts: throws when another one is of no use.
void Downloader::WaitOrThrow(const HttpReply& reply, const std::string& what, bool progressed, bool kept,
                             int* failures) {
  if (!IsPassing(reply)) ThrowStatus(reply, what, !options_.http.token.empty());
  *failures = progressed ? 1 : *failures + 1;
  if (*failures >= options_.tries) {
    throw Error(ErrorCode::kEnvironment, "{}: {}, {} times in a row; {}try again later", what, Reason(reply), *failures,
                kept ? "what arrived is kept, " : "");
  }
  int64_t wait_ms = options_.longest_wait_ms;
  if (*failures < 16) wait_ms = std::min(wait_ms, options_.first_wait_ms << (*failures - 1));
  if (reply.retry_after_s) {
    if (*reply.retry_after_s > options_.longest_asked_wait_s) {
      throw Error(ErrorCode::kEnvironment, "{}: the server answered {} and asks to come back in {} s; try again then",
                  what, reply.status, *reply.retry_after_s);
    }
    wait_ms = std::max(wait_ms, *reply.retry_after_s * 1'000);
  }
  if (options_.retrying) {
    options_.retrying(fmt::format("{}: {}; trying again in {:.3g} s, {} of {} attempts left", what, Reason(reply),
                                  static_cast<double>(wait_ms) / 1'000, options_.tries - *failures, options_.tries));
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
  const auto stopped = [&] { return stop_ && stop_(); };
  while (!stopped() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(
        std::chrono::milliseconds(20), std::max(end - std::chrono::steady_clock::now(), {})));
  }
  if (stopped()) throw Error(ErrorCode::kInterrupted, "{}: interrupted", what);
}

std::string Downloader::Read(const std::string& url, const std::string& what, size_t max_bytes) {
  for (int failures = 0;;) {
    std::string text;
    const HttpReply reply = client_.Get(
        {.url = url, .from = 0, .if_range = ""}, what, [](const HttpReply&) {},
        [&](std::span<const std::byte> bytes) {
          if (bytes.size() > max_bytes - text.size()) {
            throw Error(ErrorCode::kEnvironment, "{}: more than {} bytes; is --endpoint right?", what, max_bytes);
          }
          text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        });
    if (reply.status == 200 && reply.problem.empty()) return text;
    WaitOrThrow(reply, what, false, false, &failures);
  }
}

void Downloader::Fetch(const std::string& url, const std::string& what, PartFile* part,
                       const std::function<void(int64_t)>& arrived) {
  const int64_t size = part->expected_size();
  int64_t furthest = part->size();
  std::string etag;
  const auto restart = [&] {
    arrived(-part->size());
    part->Restart();
  };
  const auto head = [&](const HttpReply& reply) {
    etag = reply.etag;
    if (reply.status == 200) {  // all of it, asked for or not
      CheckLength(reply, size, what);
      return restart();
    }
    if (reply.range_first != part->size() || (reply.range_total >= 0 && reply.range_total != size)) {
      throw Error(ErrorCode::kEnvironment, "{}: asked for bytes from {} of {}, the server sends from {} of {}", what,
                  part->size(), size, reply.range_first, reply.range_total);
    }
    CheckLength(reply, size - part->size(), what);
  };
  const auto body = [&](std::span<const std::byte> bytes) {
    part->Append(bytes);
    arrived(static_cast<int64_t>(bytes.size()));
  };
  for (int failures = 0; !part->whole();) {
    const HttpReply reply = client_.Get({.url = url, .from = part->size(), .if_range = etag}, what, head, body);
    if (part->whole()) return;
    if (reply.status == 416) restart();
    const bool progressed = part->size() > furthest;
    furthest = std::max(furthest, part->size());
    WaitOrThrow(reply, what, progressed, true, &failures);
  }
}

}  // namespace spate
