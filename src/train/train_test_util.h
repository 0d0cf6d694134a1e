// Helpers of this folder's tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <string>

#include "base/files.h"
#include "model/weights.h"
#include "tokenizer/train.h"

namespace parley::train {

// A folder that goes away with the test.
class TempDir {
 public:
  TempDir() {
    std::string name = (base::fs::temp_directory_path() / "parley_train_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "cannot make " << name;
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    base::fs::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  base::fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  base::fs::path path_;
};

// A Qwen3 of a few thousand parameters.
inline model::ModelConfig tiny_config() {
  model::ModelConfig c = model::preset("mini", 300);
  c.T = 32;
  c.C = 32;
  c.L = 2;
  c.NH = 2;
  c.NKV = 1;
  c.HS = 16;
  c.F = 64;
  return c;
}

inline std::string tiny_text(int documents) {
  std::string lines;
  for (int i = 0; i < documents; ++i)
    lines += "{\"text\":\"Document " + std::to_string(i * 37 % 101) +
             " says: the quick brown fox jumps over the lazy dog. 敏捷的棕色狐狸。\"}\n";
  return lines;
}

inline tokenizer::Tokenizer tiny_tokenizer() {
  tokenizer::TrainOptions options;
  options.vocab_size = 300;
  options.quiet = true;
  int left = 20;
  return tokenizer::train(options, [&](std::string& document) {
    document = "the quick brown fox jumps over the lazy dog";
    return left-- > 0;
  });
}

}  // namespace parley::train
