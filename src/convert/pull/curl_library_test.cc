#include "convert/pull/curl_library.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace spate {
namespace {

std::string MessageOf(const std::string& file) {
  try {
    const CurlLibrary library(file);
    return "loaded";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kEnvironment);
    return error.what();
  }
}

TEST(CurlLibrary, SaysWhatToInstall) {
  const std::string message = MessageOf("libspate-has-no-such.so.4");
  EXPECT_NE(message.find("install libcurl4"), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(CurlLibrary, RefusesALibraryWithoutItsFunctions) {
  EXPECT_NE(MessageOf("libc.so.6").find("has no curl_easy_init"), std::string::npos);
}

TEST(CurlLibrary, Loads) {
  const CurlLibrary curl;
  CURL* const handle = curl.easy_init();
  EXPECT_NE(handle, nullptr);
  curl.easy_cleanup(handle);
}

}  // namespace
}  // namespace spate
