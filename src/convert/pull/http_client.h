// HttpClient: GET requests over one connection that is kept, with redirects followed by hand, so that a token goes to
// the endpoint's own host alone and nothing leads from https to http. No retries: convert/downloader.h.
// Owned and used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "convert/pull/curl_library.h"
#include "convert/pull/http_url.h"

namespace spate {

struct HttpOptions {
  std::string endpoint;  // without a slash at its end
  std::string token;     // sent to the endpoint's host as a bearer; empty = none
  int connect_timeout_ms = 30'000;
  int stall_ms = 30'000;         // a transfer is broken when in so long
  int64_t stall_bytes = 30'000;  // less than this arrives; the slowest line that anybody would wait for has more
  int redirects = 8;
};

struct HttpRequest {
  std::string url;
  int64_t from = 0;      // first byte wanted
  std::string if_range;  // with `from`: only if the file still has this ETag, else all of it
};

// What came back, after redirects.
struct HttpReply {
  int status = 0;                              // 0: no answer
  std::string problem;                         // of the connection, in libcurl's words; empty: the whole reply arrived
  std::string etag;                            // strong ones only
  int64_t length = -1;                         // bytes that the body should have; -1 = not said
  int64_t range_first = -1, range_total = -1;  // of Content-Range
  std::optional<int64_t> retry_after_s;
  bool from_endpoint = true;  // false: a redirect led to another host
};

class HttpClient {
 public:
  // `curl` and `options` outlive it. When `stop`, asked often, says so, a transfer ends within a second with
  // Error(kInterrupted); it may be empty.
  HttpClient(const CurlLibrary& curl, const HttpOptions& options, std::function<bool()> stop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // `head` is called once before the body of a reply with status 200 or 206, then `body` for each piece of it; either
  // may throw, which ends the transfer. Bodies of other replies are dropped.
  // Throws Error(kEnvironment), beginning with `what`, for what trying again cannot mend: a certificate that is not
  // trusted, a redirect that is not followed.
  HttpReply Get(const HttpRequest& request, const std::string& what, const std::function<void(const HttpReply&)>& head,
                const std::function<void(std::span<const std::byte>)>& body);

 private:
  struct Transfer;
  HttpReply GetOnce(const HttpRequest& request, const std::string& url, const std::string& what, Transfer* transfer);

  const CurlLibrary& curl_;
  const HttpOptions& options_;
  std::function<bool()> stop_;
  HttpUrl endpoint_;
  CURL* handle_;
};

}  // namespace spate
