#include "convert/pull/http_client.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <exception>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace spate {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxDropped = size_t{1} << 20;  // an error's page; then the connection is given up
constexpr std::string_view kSpace = " \t\r\n";

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

// -1 for what is no number.
int64_t Number(std::string_view text) {
  int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0 ? value : -1;
}

// "bytes 100-199/200"; the last byte follows from the others.
void ReadContentRange(std::string_view value, HttpReply* reply) {
  const size_t dash = value.find('-'), slash = value.find('/');
  if (!value.starts_with("bytes ") || dash == std::string_view::npos || slash == std::string_view::npos) return;
  reply->range_first = Number(Trim(value.substr(6, dash - 6)));
  reply->range_total = Number(Trim(value.substr(slash + 1)));
}

void ReadHeaderLine(std::string_view line, HttpReply* reply) {
  if (line.starts_with("HTTP/")) {  // a new head: the one before was "100 Continue" or a proxy's
    HttpReply fresh;
    fresh.from_endpoint = reply->from_endpoint;
    *reply = fresh;
    return;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string name = Lower(line.substr(0, colon));
  const std::string_view value = Trim(line.substr(colon + 1));
  constexpr size_t kMaxEtag = 256;
  if (name == "etag" && value.starts_with('"') && value.size() <= kMaxEtag) reply->etag = value;
  if (name == "content-length") reply->length = Number(value);
  if (name == "content-range") ReadContentRange(value, reply);
}

// What is the same however often it is tried.
bool IsLasting(CURLcode code) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return true;
    default:
      return false;
  }
}

}  // namespace

// What libcurl's callbacks work on. An exception may not pass through libcurl: it is kept and thrown again behind it.
struct HttpClient::Transfer {
  const HttpClient& client;
  const std::function<void(const HttpReply&)>& head;
  const std::function<void(std::span<const std::byte>)>& body;
  HttpReply reply;
  bool head_told = false;
  size_t dropped = 0;  // bytes of a body that nobody wants
  bool stalled = false;
  int64_t window_bytes = 0;  // received when the window of StandsStill began
  Clock::time_point window_start = Clock::now();
  std::exception_ptr failure = nullptr;

  bool wanted() const { return reply.status == 200 || reply.status == 206; }
  bool enough() const { return dropped > kMaxDropped; }

  void TellHead() {
    long status = 0;
    client.curl_.easy_getinfo(client.handle_, CURLINFO_RESPONSE_CODE, &status);
    reply.status = static_cast<int>(status);
    if (head_told || !wanted()) return;
    head_told = true;
    head(reply);
  }

  static size_t OnHeader(char* data, size_t size, size_t count, void* self) {
    ReadHeaderLine({data, size * count}, &static_cast<Transfer*>(self)->reply);
    return size * count;
  }

  static size_t OnBody(char* data, size_t size, size_t count, void* self) {
    auto* const transfer = static_cast<Transfer*>(self);
    try {
      transfer->TellHead();
      if (transfer->wanted()) {
        transfer->body({reinterpret_cast<const std::byte*>(data), size * count});
      } else {
        transfer->dropped += size * count;
        if (transfer->enough()) return CURL_WRITEFUNC_ERROR;
      }
      return size * count;
    } catch (...) {
      transfer->failure = std::current_exception();
      return CURL_WRITEFUNC_ERROR;
    }
  }

  // libcurl's own limit looks at the mean of five seconds, and knows whole seconds only.
  bool StandsStill(int64_t received) {
    const Clock::time_point now = Clock::now();
    if (received - window_bytes >= client.options_.stall_bytes) {
      window_bytes = received;
      window_start = now;
    }
    stalled = now - window_start > std::chrono::milliseconds(client.options_.stall_ms);
    return stalled;
  }

  static int OnProgress(void* self, curl_off_t, curl_off_t received, curl_off_t, curl_off_t) {
    auto* const transfer = static_cast<Transfer*>(self);
    const std::function<bool()>& stop = transfer->client.stop_;
    return transfer->StandsStill(received) || (stop && stop()) ? 1 : 0;
  }
};

HttpClient::HttpClient(const CurlLibrary& curl, const HttpOptions& options, std::function<bool()> stop)
    : curl_(curl),
      options_(options),
      stop_(std::move(stop)),
      endpoint_(ParseHttpUrl(curl, options.endpoint, "--endpoint")),
      handle_(curl.easy_init()) {
  if (handle_ == nullptr) throw Error(ErrorCode::kEnvironment, "pull: libcurl does not start: out of memory?");
}

HttpClient::~HttpClient() { curl_.easy_cleanup(handle_); }

HttpReply HttpClient::Get(const HttpRequest& request, const std::string& what,
                          const std::function<void(const HttpReply&)>& head,
                          const std::function<void(std::span<const std::byte>)>& body) {
  std::string url = request.url;
  HttpUrl here = ParseHttpUrl(curl_, url, what);
  for (int hop = 0; hop <= options_.redirects; ++hop) {
    Transfer transfer{.client = *this, .head = head, .body = body, .reply = {}};
    transfer.reply.from_endpoint = here.SameOrigin(endpoint_);
    HttpReply reply = GetOnce(request, url, what, &transfer);
    char* target = nullptr;
    if (!reply.problem.empty() || reply.status < 300 || reply.status > 399 ||
        curl_.easy_getinfo(handle_, CURLINFO_REDIRECT_URL, &target) != CURLE_OK || target == nullptr) {
      return reply;
    }
    url = target;
    const HttpUrl next = ParseHttpUrl(curl_, url, what + ": redirect");
    if (here.scheme == "https" && next.scheme != "https") {
      throw Error(ErrorCode::kEnvironment, "{}: {} redirects from https to http, which is not followed", what,
                  here.host);
    }
    here = next;
  }
  throw Error(ErrorCode::kEnvironment, "{}: more than {} redirects, last from {}; is --endpoint right?", what,
              options_.redirects, here.host);
}

HttpReply HttpClient::GetOnce(const HttpRequest& request, const std::string& url, const std::string& what,
                              Transfer* transfer) {
  CURLcode refused = CURLE_OK;
  const auto set = [&](CURLoption option, auto value) {
    const CURLcode code = curl_.easy_setopt(handle_, option, value);
    if (refused == CURLE_OK) refused = code;
  };
  std::unique_ptr<curl_slist, decltype(curl_.slist_free_all)> headers(nullptr, curl_.slist_free_all);
  const auto add_header = [&](const std::string& line) {
    curl_slist* const longer = curl_.slist_append(headers.get(), line.c_str());
    if (longer == nullptr) throw Error(ErrorCode::kEnvironment, "{}: out of memory", what);
    static_cast<void>(headers.release());
    headers.reset(longer);
  };
  add_header("Accept-Encoding: identity");  // sizes and sums are those of the file itself
  if (transfer->reply.from_endpoint && !options_.token.empty()) add_header("Authorization: Bearer " + options_.token);
  if (request.from > 0) {
    add_header(fmt::format("Range: bytes={}-", request.from));
    if (!request.if_range.empty()) add_header("If-Range: " + request.if_range);
  }

  curl_.easy_reset(handle_);  // connections stay
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_USERAGENT, "spate");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout_ms));
  set(CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  set(CURLOPT_HEADERDATA, static_cast<void*>(transfer));
  set(CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(transfer));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &Transfer::OnProgress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(transfer));
  // Fewer, larger writes; refused while a failed transfer still holds its buffer, and then as good without.
  curl_.easy_setopt(handle_, CURLOPT_BUFFERSIZE, 512L * 1024);
  // Unknown before 7.85, where the check of each address has to do.
  curl_.easy_setopt(handle_, CURLOPT_PROTOCOLS_STR, "http,https");
  if (refused != CURLE_OK) {
    throw Error(ErrorCode::kEnvironment, "{}: libcurl refused an option: {}", what, curl_.easy_strerror(refused));
  }

  const CURLcode code = curl_.easy_perform(handle_);
  if (transfer->failure != nullptr) std::rethrow_exception(transfer->failure);
  if (stop_ && stop_()) throw Error(ErrorCode::kInterrupted, "{}: interrupted", what);
  transfer->TellHead();  // of a reply without a body
  HttpReply reply = transfer->reply;
  if (IsLasting(code)) throw Error(ErrorCode::kEnvironment, "{}: {}", what, curl_.easy_strerror(code));
  if (code != CURLE_OK && !transfer->enough()) reply.problem = curl_.easy_strerror(code);
  if (transfer->stalled) {
    reply.problem = fmt::format("less than {} bytes arrived in {:.1f} s", options_.stall_bytes,
                                static_cast<double>(options_.stall_ms) / 1'000);
  }
  curl_off_t wait = 0;
  if (curl_.easy_getinfo(handle_, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0) reply.retry_after_s = wait;
  return reply;
}

}  // namespace spate
