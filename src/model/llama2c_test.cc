#include "model/llama2c.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "base/error.h"
#include "model/hf.h"

namespace parley::model {
namespace {

fs::path data_directory() {
  const char* data = std::getenv("PARLEY_DATA");
  return data ? fs::path(data) : fs::path(PARLEY_SOURCE_DIR) / ".." / "shared" / "data";
}

// A checkpoint whose weights count up in the order of the file.
std::vector<std::byte> make_checkpoint(std::vector<int32_t> header, size_t floats) {
  std::vector<std::byte> bytes(header.size() * 4 + floats * 4);
  std::memcpy(bytes.data(), header.data(), header.size() * 4);
  for (size_t i = 0; i < floats; ++i) {
    const auto value = static_cast<float>(i);
    std::memcpy(bytes.data() + header.size() * 4 + i * 4, &value, 4);
  }
  return bytes;
}

std::string error_of(const std::vector<std::byte>& bytes) {
  try {
    parse_llama2c(bytes, "m.bin");
  } catch (const base::Error& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

// dim 8, hidden 6, 1 layer, 2 heads of 4, 1 key/value head, 3 tokens, context 5
constexpr size_t kTiedFloats =
    3 * 8 + 8 + 8 * 8 + 2 * (4 * 8) + 8 * 8 + 8 + 6 * 8 + 8 * 6 + 6 * 8 + 8 + 5 * 4;

TEST(Llama2cTest, RowsOfQueriesAndKeysTakeTheHalfLayout) {
  const Model model = parse_llama2c(make_checkpoint({8, 6, 1, 2, 1, 3, 5}, kTiedFloats), "m.bin");
  const ModelConfig& c = model.config;
  EXPECT_EQ(c.HS, 4);
  EXPECT_EQ(c.NKV, 1);
  EXPECT_EQ(c.F, 6);
  EXPECT_TRUE(c.tied_embeddings);
  const LayerWeights& layer = model.weights.layers[0];
  const float wq = 3 * 8 + 8, wk = wq + 64, wv = wk + 32, wo = wv + 32;
  // Rows of each head: 0, 2, 1, 3 of the file; the values' rows stay.
  const int order[] = {0, 2, 1, 3};
  for (int h = 0; h < 2; ++h)
    for (int i = 0; i < 4; ++i)
      EXPECT_EQ(layer.qkv_w.row(h * 4 + i)[0], wq + static_cast<float>((h * 4 + order[i]) * 8));
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(layer.qkv_w.row(8 + i)[0], wk + static_cast<float>(order[i] * 8));
    EXPECT_EQ(layer.qkv_w.row(12 + i)[0], wv + static_cast<float>(i * 8));
  }
  EXPECT_EQ(layer.att_w[0], wo);
  const float w1 = wo + 64 + 8, w2 = w1 + 48, w3 = w2 + 48;
  EXPECT_EQ(layer.norm2_w[0], wo + 64);
  EXPECT_EQ(layer.fc_w.row(0)[0], w1);
  EXPECT_EQ(layer.proj_w[0], w2);
  EXPECT_EQ(layer.fc_w.row(6)[0], w3);
  EXPECT_EQ(model.weights.norm_f_w[0], w3 + 48);
}

TEST(Llama2cTest, NegativeVocabularyMeansAnOutputMatrix) {
  const Model model =
      parse_llama2c(make_checkpoint({8, 6, 1, 2, 1, -3, 5}, kTiedFloats + 24), "m.bin");
  EXPECT_FALSE(model.config.tied_embeddings);
  EXPECT_EQ(model.weights.lm_head[0], static_cast<float>(kTiedFloats));
  EXPECT_EQ(model.weights.lm_head[23], static_cast<float>(kTiedFloats + 23));
}

TEST(Llama2cTest, RefusesImpossibleFiles) {
  const std::vector<int32_t> good = {8, 6, 1, 2, 1, 3, 5};
  const std::vector<std::byte> whole = make_checkpoint(good, kTiedFloats);
  EXPECT_EQ(error_of(whole), "no error");
  for (size_t n = 0; n < whole.size(); ++n)
    EXPECT_PRED2(contains, error_of({whole.begin(), whole.begin() + static_cast<ptrdiff_t>(n)}),
                 n < 28 ? "too few" : "its header asks for");
  for (size_t field = 0; field < good.size(); ++field)
    for (const int32_t value : {0, -1, 7, 1 << 20, std::numeric_limits<int32_t>::max(),
                                std::numeric_limits<int32_t>::min()}) {
      std::vector<int32_t> header = good;
      header[field] = value;
      EXPECT_PRED2(contains, error_of(make_checkpoint(header, kTiedFloats)), "m.bin: ");
    }
  EXPECT_PRED2(contains, error_of(make_checkpoint({0x616b3432, 1, 0, 0, 0, 0, 0}, 8)),
               "--version 0");
  std::vector<std::byte> damaged = whole;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(damaged.data() + 28 + 400, &nan, 4);
  EXPECT_PRED2(contains, error_of(damaged), "NaN or infinite");
}

TEST(Llama2cTest, Stories260kSurvivesAHuggingFaceDirectory) {
  const fs::path path = data_directory() / "weights" / "stories260K" / "model.bin";
  if (!fs::exists(path)) GTEST_SKIP() << path << " is not there";
  const Model model = load_llama2c(path);
  EXPECT_EQ(model.config.V, 512);
  EXPECT_EQ(model.config.L, 5);
  EXPECT_EQ(model.config.NKV, 4);
  const fs::path directory = fs::path(testing::TempDir()) / fmt::format("stories260K_{}", getpid());
  save_model(directory, model.config, model.weights);
  const Model loaded = load_model(directory);
  EXPECT_EQ(loaded.config, model.config);
  EXPECT_TRUE(std::equal(loaded.weights.flat().begin(), loaded.weights.flat().end(),
                         model.weights.flat().begin()));
  fs::remove_all(directory);
}

}  // namespace
}  // namespace parley::model
