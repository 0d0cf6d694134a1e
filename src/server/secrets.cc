#include "server/secrets.h"

#include <openssl/evp.h>
#include <sys/random.h>

#include <array>

#include "base/error.h"

namespace parley::server {
namespace {

constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  PARLEY_CHECK(
      EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1,
      "SHA-256 failed");
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

std::string random_text(size_t length) {
  std::string text(length, '\0');
  if (getrandom(text.data(), length, 0) != static_cast<ssize_t>(length))
    base::fail("the system gives no random numbers");
  for (char& c : text) c = kLetters[static_cast<unsigned char>(c) & 63];
  return text;
}

bool same_secret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace parley::server
