// Shared by the tokenizer's tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/files.h"
#include "base/random.h"
#include "tokenizer/unicode.h"

namespace parley::tokenizer {

inline std::filesystem::path golden(std::string_view name) {
  return std::filesystem::path(PARLEY_SOURCE_DIR "/tests/golden") / name;
}

inline nlohmann::json golden_json(std::string_view name) {
  return nlohmann::json::parse(base::read_file(golden(name)));
}

// The folder of data that is not part of the project.
inline std::filesystem::path shared_data() {
  const char* folder = std::getenv("PARLEY_DATA");
  return folder ? folder : PARLEY_SOURCE_DIR "/../shared/data";
}

// A folder of a test's own, removed at its end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "parley-test-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// What an error says; empty if there was none.
template <typename Fn>
std::string error_of(Fn&& fn) {
  try {
    fn();
  } catch (const base::Error& error) {
    return error.what();
  }
  return {};
}

// Random texts made of what split patterns treat differently.
class TextSoup {
 public:
  explicit TextSoup(uint64_t seed) : random_(seed, 0) {}

  uint64_t below(uint64_t n) { return random_.below(position_++, n); }

  std::string text(uint64_t parts) {
    static constexpr std::string_view kParts[] = {
        " ",  " ",  "  ",  "\n",     "\r",   "\t",     "\u00a0", "\u3000", "\u180e", "\u2028",
        "a",  "B",  "cd",  "Word",   "HTML", "ß",      "İ",      "ǅ",      "ʰ",      "א",
        "'",  "'s", "'S",  "'ſ",     "'ll",  "'VE",    "'r",     "中文",   "é",      "\u0301",
        "1",  "23", "456", "7890",   "½",    "२",      ".",      "!?",     "//",     "\U0001F600",
        "--", "_",  "\v",  "\u200d", "\r\n", "\u0085", "<|",     "\u093e"};
    std::string result;
    for (uint64_t i = 0; i < parts; ++i) {
      if (below(8) == 0) {
        append_utf8(code_point(), result);
      } else {
        result += kParts[below(std::size(kParts))];
      }
    }
    return result;
  }

  std::string bytes(uint64_t count) {
    std::string result;
    for (uint64_t i = 0; i < count; ++i) result += static_cast<char>(below(256));
    return result;
  }

 private:
  uint32_t code_point() {
    const auto c = static_cast<uint32_t>(below(below(2) ? 0x3000 : 0x11000));
    return c >= 0xD800 && c < 0xE000 ? '?' : c;
  }

  base::Philox random_;
  uint64_t position_ = 0;
};

}  // namespace parley::tokenizer
