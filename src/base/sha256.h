// SHA-256 (OpenSSL), of memory or piece by piece. Move-only, used by one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace spate {

class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void Update(std::span<const std::byte> bytes);
  std::array<std::byte, 32> Finish();  // once; no Update afterwards
  std::string FinishHex();             // the same, 64 lower-case digits

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string Sha256Hex(std::span<const std::byte> bytes);

}  // namespace spate
