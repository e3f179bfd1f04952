#include "convert/pull/file_hash.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "base/error.h"

namespace spate {
namespace {

void Require(bool ok) {
  if (!ok) throw Error(ErrorCode::kEnvironment, "SHA-1: OpenSSL refused; is its default provider switched off?");
}

}  // namespace

void FileHash::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

FileHash::FileHash(int64_t size, bool git) {
  if (!git) return;
  sha1_.reset(EVP_MD_CTX_new());
  Require(sha1_ != nullptr && EVP_DigestInit_ex(sha1_.get(), EVP_sha1(), nullptr) == 1);
  const std::string head = fmt::format("blob {}", size);
  Require(EVP_DigestUpdate(sha1_.get(), head.c_str(), head.size() + 1) == 1);  // with its final zero
}
FileHash::FileHash(FileHash&&) noexcept = default;
FileHash& FileHash::operator=(FileHash&&) noexcept = default;
FileHash::~FileHash() = default;

void FileHash::Update(std::span<const std::byte> bytes) {
  sha256_.Update(bytes);
  if (sha1_ != nullptr) Require(EVP_DigestUpdate(sha1_.get(), bytes.data(), bytes.size()) == 1);
}

FileHash::Sums FileHash::Finish() {
  Sums sums{sha256_.FinishHex(), ""};
  if (sha1_ == nullptr) return sums;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  Require(EVP_DigestFinal_ex(sha1_.get(), digest.data(), &size) == 1);
  for (unsigned i = 0; i < size; ++i) sums.git_sha1 += fmt::format("{:02x}", digest[i]);
  sha1_.reset();
  return sums;
}

}  // namespace spate
