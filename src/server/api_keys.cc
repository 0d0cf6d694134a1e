#include "server/api_keys.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "base/error.h"
#include "base/log.h"
#include "server/fields.h"
#include "server/secrets.h"

namespace parley::server {
namespace {

namespace fs = base::fs;

ApiKey key_of(const Json& json) {
  ApiKey key;
  key.id = json.at("id").get<std::string>();
  key.name = json.at("name").get<std::string>();
  key.hash = json.at("sha256").get<std::string>();
  key.last_four = json.at("last_four").get<std::string>();
  key.created = json.at("created").get<int64_t>();
  key.expires = json.value("expires", int64_t{0});
  key.disabled = json.value("disabled", false);
  key.limits = {json.value("requests_per_minute", int64_t{0}),
                json.value("tokens_per_minute", int64_t{0})};
  return key;
}

Json json_of(const ApiKey& key) {
  Json json = key_json(key);
  json["sha256"] = key.hash;
  return json;
}

// Held while a file of keys is changed.
class FileLock {
 public:
  explicit FileLock(const fs::path& file) {
    fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0 || ::flock(fd_, LOCK_EX) != 0)
      base::fail("{}: cannot be locked: {}", file.string(), std::strerror(errno));
  }
  ~FileLock() { ::close(fd_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int fd_;
};

}  // namespace

Json key_json(const ApiKey& key) {
  return {{"id", key.id},
          {"name", key.name},
          {"last_four", key.last_four},
          {"created", key.created},
          {"expires", key.expires},
          {"disabled", key.disabled},
          {"requests_per_minute", key.limits.requests_per_minute},
          {"tokens_per_minute", key.limits.tokens_per_minute}};
}

fs::path default_key_file() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  if (config && *config) return fs::path(config) / "parley" / "keys.json";
  const char* home = std::getenv("HOME");
  return fs::path(home && *home ? home : ".") / ".config" / "parley" / "keys.json";
}

std::vector<ApiKey> KeyFile::read() const {
  if (!fs::exists(file_)) return {};
  std::vector<ApiKey> keys;
  try {
    const Json json = Json::parse(base::read_file(file_, uint64_t{16} << 20));
    for (const Json& key : json.at("keys")) keys.push_back(key_of(key));
  } catch (const Json::exception& error) {
    base::fail("{}: not a file of keys: {}; `parley key new` makes one", file_.string(),
               error.what());
  }
  return keys;
}

void KeyFile::write(const std::vector<ApiKey>& keys) const {
  Json list = Json::array();
  for (const ApiKey& key : keys) list.push_back(json_of(key));
  const Json json = {{"keys", std::move(list)}};
  base::write_file(file_, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  ::chmod(file_.c_str(), 0600);
}

template <typename Change>
void KeyFile::change(Change&& change) {
  std::error_code error;
  if (file_.has_parent_path()) fs::create_directories(file_.parent_path(), error);
  const FileLock lock(file_.string() + ".lock");
  std::vector<ApiKey> keys = read();
  if (change(keys)) write(keys);
}

std::string KeyFile::add(const std::string& name, int64_t expires, RateLimits limits,
                         ApiKey* described) {
  const std::string secret = "pk-" + random_text(43);  // 258 bits
  ApiKey key;
  key.id = "key_";
  while (key.id.size() < 16) {
    const std::string letter = random_text(1);
    if (std::isalnum(static_cast<unsigned char>(letter[0]))) key.id += letter;
  }
  key.name = name;
  key.hash = sha256(secret);
  key.last_four = secret.substr(secret.size() - 4);
  key.created = std::time(nullptr);
  key.expires = expires;
  key.limits = limits;
  change([&](std::vector<ApiKey>& keys) {
    keys.push_back(key);
    return true;
  });
  if (described) *described = key;
  return secret;
}

bool KeyFile::disable(const std::string& id) {
  bool found = false;
  change([&](std::vector<ApiKey>& keys) {
    for (ApiKey& key : keys)
      if (key.id == id) found = key.disabled = true;
    return found;
  });
  return found;
}

ApiKeys::ApiKeys(fs::path file) : file_(file), path_(std::move(file)) {
  if (!fs::exists(path_))
    base::fail("{}: there is no such file of keys; make a key with\n  parley key new --file {}",
               path_.string(), path_.string());
  keys_ = file_.read();
  changed_ = fs::last_write_time(path_);
  looked_ = std::chrono::steady_clock::now();
}

void ApiKeys::refresh() {
  const auto now = std::chrono::steady_clock::now();
  if (now < looked_ + std::chrono::seconds(1)) return;
  looked_ = now;
  try {
    const auto changed = fs::last_write_time(path_);
    if (changed == changed_) return;
    keys_ = file_.read();
    changed_ = changed;
  } catch (const std::exception& error) {
    spdlog::error("the keys stay as they were: {}", error.what());
  }
}

KeyStatus ApiKeys::check(std::string_view key, ApiKey* found) {
  const std::string hash = sha256(key);
  const std::lock_guard lock(mutex_);
  refresh();
  for (const ApiKey& known : keys_) {
    if (!same_secret(known.hash, hash)) continue;
    if (found) *found = known;
    if (known.disabled) return KeyStatus::kDisabled;
    if (known.expires > 0 && known.expires <= std::time(nullptr)) return KeyStatus::kExpired;
    return KeyStatus::kGood;
  }
  return KeyStatus::kUnknown;
}

}  // namespace parley::server
