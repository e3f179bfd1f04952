#include "convert/pull/http_url.h"

#include <memory>

#include "base/error.h"

namespace spate {
namespace {

bool IsAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

std::string Part(const CurlLibrary& curl, CURLU* url, CURLUPart part, unsigned flags) {
  char* text = nullptr;
  if (curl.url_get(url, part, &text, flags) != CURLUE_OK || text == nullptr) return "";
  std::string copy = text;
  curl.free(text);
  return copy;
}

}  // namespace

HttpUrl ParseHttpUrl(const CurlLibrary& curl, const std::string& url, std::string_view what) {
  const std::unique_ptr<CURLU, decltype(curl.url_cleanup)> parsed(curl.url(), curl.url_cleanup);
  if (parsed == nullptr || curl.url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    throw Error(ErrorCode::kEnvironment, "{}: no valid address; expected https://HOST[:PORT][/PATH]", what);
  }
  HttpUrl out;
  out.scheme = Part(curl, parsed.get(), CURLUPART_SCHEME, 0);
  out.host = Part(curl, parsed.get(), CURLUPART_HOST, 0);
  out.port = Part(curl, parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  out.has_query = url.find_first_of("?#") != std::string::npos;
  for (char& c : out.host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (out.scheme != "http" && out.scheme != "https") {
    throw Error(ErrorCode::kEnvironment, "{}: expected an http or https address, got another kind", what);
  }
  if (!Part(curl, parsed.get(), CURLUPART_USER, 0).empty() ||
      !Part(curl, parsed.get(), CURLUPART_PASSWORD, 0).empty()) {
    throw Error(ErrorCode::kEnvironment, "{}: an address with a user or password in it; use HF_TOKEN instead", what);
  }
  return out;
}

std::string PercentEncode(std::string_view text, bool keep_slashes) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (IsAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~' || (keep_slashes && c == '/')) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

}  // namespace spate
