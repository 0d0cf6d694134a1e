// Who may call: keys, of which only hashes are kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace parley::server {

// What a key (or an address) may use in a minute; 0: no limit.
struct RateLimits {
  int64_t requests_per_minute = 0, tokens_per_minute = 0;
};

struct ApiKey {
  std::string id;         // "key_" and 12 letters and digits
  std::string name;       // what the owner calls it
  std::string hash;       // SHA-256 of the key, hexadecimal
  std::string last_four;  // of the key, to recognise it
  int64_t created = 0;    // Unix time
  int64_t expires = 0;    // 0: never
  bool disabled = false;
  RateLimits limits;
};

// What is told of a key: all but its hash.
nlohmann::ordered_json key_json(const ApiKey& key);

// Where `parley key` keeps them: $XDG_CONFIG_HOME/parley/keys.json, else
// ~/.config/parley/keys.json.
base::fs::path default_key_file();

// Reads and changes a file of keys; several processes may do so at once.
class KeyFile {
 public:
  explicit KeyFile(base::fs::path file) : file_(std::move(file)) {}

  // Error naming the file when it is malformed; none when it does not exist.
  std::vector<ApiKey> read() const;
  // A new key; returned once and never again. `key` gets its description.
  std::string add(const std::string& name, int64_t expires, RateLimits limits,
                  ApiKey* key = nullptr);
  // False when there is no key of that id.
  bool disable(const std::string& id);

 private:
  template <typename Change>
  void change(Change&& change);
  void write(const std::vector<ApiKey>& keys) const;

  base::fs::path file_;
};

enum class KeyStatus { kGood, kUnknown, kDisabled, kExpired };

// The keys as the server checks them. Sees changes of the file within a second. Thread-safe.
class ApiKeys {
 public:
  // Error when the file cannot be read.
  explicit ApiKeys(base::fs::path file);

  KeyStatus check(std::string_view key, ApiKey* found = nullptr);

 private:
  void refresh();

  KeyFile file_;
  base::fs::path path_;
  std::mutex mutex_;
  std::vector<ApiKey> keys_;
  base::fs::file_time_type changed_{};
  std::chrono::steady_clock::time_point looked_{};
};

}  // namespace parley::server
