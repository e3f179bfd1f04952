// The sums that a hub knows files by: SHA-256, and git's SHA-1 of small ones. Used by one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/sha256.h"

namespace spate {

class FileHash {
 public:
  // `size`: bytes that the whole file will have, which git puts in front. Without `git` only SHA-256 is computed.
  FileHash(int64_t size, bool git);
  FileHash(FileHash&&) noexcept;
  FileHash& operator=(FileHash&&) noexcept;
  ~FileHash();

  void Update(std::span<const std::byte> bytes);

  struct Sums {
    std::string sha256, git_sha1;  // lower-case hexadecimal; git_sha1 is empty without `git`
  };
  Sums Finish();  // once

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  Sha256 sha256_;
  std::unique_ptr<evp_md_ctx_st, Free> sha1_;  // null without `git`
};

}  // namespace spate
