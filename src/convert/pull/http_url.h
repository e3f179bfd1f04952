// Addresses as a request needs them, taken apart by libcurl itself, so that what is checked is what is asked.
// Stateless, thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "convert/pull/curl_library.h"

namespace spate {

struct HttpUrl {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case
  std::string port;    // always there
  bool has_query = false;

  bool SameOrigin(const HttpUrl& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
  }
};

// Throws Error(kEnvironment) for what is no http or https address, or holds a user or password. Messages begin with
// `what` and never show the address, which may hold a secret.
HttpUrl ParseHttpUrl(const CurlLibrary& curl, const std::string& url, std::string_view what);

// Every byte but letters, digits and -._~ as %XX; '/' stays where `keep_slashes`.
std::string PercentEncode(std::string_view text, bool keep_slashes);

}  // namespace spate
