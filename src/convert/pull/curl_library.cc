#include "convert/pull/curl_library.h"

#include <dlfcn.h>

#include "base/error.h"
#include "base/utf8.h"

namespace spate {
namespace {

constexpr size_t kMaxShown = 200;

template <typename Function>
void Find(void* library, const std::string& file, const char* name, Function* function) {
  void* const found = dlsym(library, name);
  if (found == nullptr) {
    throw Error(ErrorCode::kEnvironment, "pull: {} has no {}; libcurl 7.66 or newer is needed: apt install libcurl4",
                file, name);
  }
  *function = reinterpret_cast<Function>(found);
}

}  // namespace

CurlLibrary::CurlLibrary(const std::string& file) {
  // Never closed: threads that resolve names, and OpenSSL's handlers, may run until the process ends.
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = dlerror();
    throw Error(ErrorCode::kEnvironment, "pull: cannot load {}: {}; install libcurl4 (apt install libcurl4)", file,
                OneLine(reason == nullptr ? "no reason given" : reason, kMaxShown));
  }
  Find(library, file, "curl_easy_init", &easy_init);
  Find(library, file, "curl_easy_reset", &easy_reset);
  Find(library, file, "curl_easy_setopt", &easy_setopt);
  Find(library, file, "curl_easy_perform", &easy_perform);
  Find(library, file, "curl_easy_getinfo", &easy_getinfo);
  Find(library, file, "curl_easy_strerror", &easy_strerror);
  Find(library, file, "curl_easy_cleanup", &easy_cleanup);
  Find(library, file, "curl_slist_append", &slist_append);
  Find(library, file, "curl_slist_free_all", &slist_free_all);
  Find(library, file, "curl_url", &url);
  Find(library, file, "curl_url_set", &url_set);
  Find(library, file, "curl_url_get", &url_get);
  Find(library, file, "curl_url_cleanup", &url_cleanup);
  Find(library, file, "curl_free", &free);
  Find(library, file, "curl_global_init", &global_init_);
  Find(library, file, "curl_global_cleanup", &global_cleanup_);
  if (global_init_(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    throw Error(ErrorCode::kEnvironment, "pull: {} does not start; is OpenSSL's configuration broken?", file);
  }
}

CurlLibrary::~CurlLibrary() { global_cleanup_(); }

}  // namespace spate
