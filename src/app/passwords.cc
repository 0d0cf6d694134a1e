#include "app/passwords.h"

#include <argon2.h>
#include <sys/random.h>

#include <array>

#include "text/text_stream.h"

namespace parley::app {
namespace {

// RFC 9106's second choice with less memory: a server may log in several people at once.
constexpr uint32_t kPasses = 3, kKiB = 32 * 1024, kLanes = 1;
constexpr size_t kSaltBytes = 16, kHashBytes = 32;

bool verifies(const std::string& hash, std::string_view password) {
  return argon2id_verify(hash.c_str(), password.data(), password.size()) == ARGON2_OK;
}

}  // namespace

void require_good_password(std::string_view password) {
  if (text::count_characters(password) < static_cast<int64_t>(kLeastPassword))
    throw server::ApiError(400,
                           fmt::format("A password has at least {} characters.", kLeastPassword),
                           "password", "weak_password");
  if (password.size() > kMostPassword)
    throw server::ApiError(400, fmt::format("A password has at most {} bytes.", kMostPassword),
                           "password", "weak_password");
}

std::string hash_password(std::string_view password) {
  std::array<unsigned char, kSaltBytes> salt{};
  if (getrandom(salt.data(), salt.size(), 0) != static_cast<ssize_t>(salt.size()))
    base::fail("the system gives no random numbers");
  std::string encoded(argon2_encodedlen(kPasses, kKiB, kLanes, kSaltBytes, kHashBytes, Argon2_id),
                      '\0');
  const int result =
      argon2id_hash_encoded(kPasses, kKiB, kLanes, password.data(), password.size(), salt.data(),
                            salt.size(), kHashBytes, encoded.data(), encoded.size());
  if (result != ARGON2_OK)
    base::fail("the password cannot be hashed: {}", argon2_error_message(result));
  encoded.resize(encoded.find('\0'));
  return encoded;
}

bool check_password(const std::string& hash, std::string_view password) {
  if (password.size() > kMostPassword) return false;
  if (hash.starts_with("$argon2id$")) return verifies(hash, password);
  static const std::string nobodys = hash_password("");
  verifies(nobodys, password);
  return false;
}

}  // namespace parley::app
