// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/sha256.h"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <vector>

#include "core/error.h"
#include "core/files/formats/write_error.h"

namespace potluck {

namespace {

/// libcrypto fails here only where it has no memory, or was set up to have no SHA-256.
void demand(int done) {
  if (done != 1) throw Error("SHA-256 must be had from libcrypto, got an error. Check its configuration");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  demand(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() = default;

void Sha256::update(const void* bytes, size_t count) { demand(EVP_DigestUpdate(context_.get(), bytes, count)); }

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned count = 0;
  demand(EVP_DigestFinal_ex(context_.get(), digest.data(), &count));
  std::string text;
  for (unsigned i = 0; i < count; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

std::string sha256_of_text(std::string_view text) {
  Sha256 digest;
  digest.update(text.data(), text.size());
  return digest.hex();
}

std::string sha256_of_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) blame_machine(file, errno);
  std::vector<char> piece(size_t{1} << 16);
  Sha256 digest;
  while (stream) {
    stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    digest.update(piece.data(), static_cast<size_t>(stream.gcount()));
  }
  // A folder opens, but fails at the first read with badbit.
  if (!stream.eof() || stream.bad()) {
    std::error_code failed;
    const bool there = std::filesystem::exists(file, failed);
    throw FileError(fmt::format("{}: must be a file that can be read, got {}. Check its name and permissions",
                                file.string(), there ? "one that cannot" : "nothing there"));
  }
  return digest.hex();
}

}  // namespace potluck
