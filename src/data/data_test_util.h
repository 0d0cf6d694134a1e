// Helpers of this folder's tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "base/files.h"
#include "data/token_shard.h"

namespace parley::data {

// A folder that goes away with the test.
class TempDir {
 public:
  TempDir() {
    std::string name = (fs::temp_directory_path() / "parley_test_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "cannot make " << name;
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  fs::path operator/(const std::string& name) const { return path_ / name; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// The message of the base::Error that fn throws; fails the test when it throws none.
template <typename Fn>
std::string error_of(Fn&& fn) {
  try {
    fn();
  } catch (const base::Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

// One token a byte; 256 and above are free for special tokens.
inline TextEncoder byte_encoder(int64_t vocab_size = 300) {
  return {[](std::string_view text, std::vector<int32_t>& tokens) {
            for (const char c : text) tokens.push_back(static_cast<unsigned char>(c));
          },
          "bytes",
          vocab_size,
          {},
          {}};
}

}  // namespace parley::data
