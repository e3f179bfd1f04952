// CurlLibrary: libcurl, found while the program runs. Its archive in Debian needs Kerberos and LDAP, which have none,
// and no other command may need a library installed; so the few functions that are used are looked up by name, with the
// types of <curl/curl.h>.
// One object per pull; threads may share it. What it returns is used as libcurl says: one handle, one thread.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

namespace spate {

class CurlLibrary {
 public:
  // Throws Error(kEnvironment), which says what to install, when there is no such library or it is too old.
  explicit CurlLibrary(const std::string& file = "libcurl.so.4");
  ~CurlLibrary();
  CurlLibrary(const CurlLibrary&) = delete;
  CurlLibrary& operator=(const CurlLibrary&) = delete;

  // As in <curl/curl.h> with "curl_" before each.
  decltype(&curl_easy_init) easy_init = nullptr;
  decltype(&curl_easy_reset) easy_reset = nullptr;
  decltype(&curl_easy_setopt) easy_setopt = nullptr;
  decltype(&curl_easy_perform) easy_perform = nullptr;
  decltype(&curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&curl_easy_strerror) easy_strerror = nullptr;
  decltype(&curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&curl_slist_append) slist_append = nullptr;
  decltype(&curl_slist_free_all) slist_free_all = nullptr;
  decltype(&curl_url) url = nullptr;
  decltype(&curl_url_set) url_set = nullptr;
  decltype(&curl_url_get) url_get = nullptr;
  decltype(&curl_url_cleanup) url_cleanup = nullptr;
  decltype(&curl_free) free = nullptr;

 private:
  decltype(&curl_global_init) global_init_ = nullptr;
  decltype(&curl_global_cleanup) global_cleanup_ = nullptr;
};

}  // namespace spate
