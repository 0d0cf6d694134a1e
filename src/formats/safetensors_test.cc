#include "formats/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/random.h"
#include "base/threads.h"
#include "formats/convert.h"
#include "formats/json.h"

namespace parley::formats {
namespace {

using tensor::DType;

const fs::path kGolden = fs::path(PARLEY_SOURCE_DIR) / "tests" / "golden";

class SafeTensorsTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    directory_ = fs::path(testing::TempDir()) / fmt::format("{}_{}", info->name(), getpid());
    fs::create_directories(directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }

  fs::path directory_;
};

template <typename Fn>
std::string error_of(Fn&& fn) {
  try {
    fn();
  } catch (const base::Error& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}
#define EXPECT_ERROR(statement, words) \
  EXPECT_PRED2(contains, error_of([&] { statement; }), std::string(words))

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// A file with this header and so many bytes of data.
std::string make_file(const std::string& header, size_t data_bytes) {
  const uint64_t size = header.size();
  std::string file(sizeof size, '\0');
  std::memcpy(file.data(), &size, sizeof size);
  return file + header + std::string(data_bytes, '\0');
}

std::vector<StoredTensor> parse(const std::string& header, size_t data_bytes) {
  // A copy of exactly the right size, so that the sanitizer sees reads behind its end.
  const std::string file = make_file(header, data_bytes);
  std::vector<char> exact(file.begin(), file.end());
  std::vector<StoredTensor> tensors =
      parse_safetensors(std::as_bytes(std::span(exact)), "x.safetensors");
  for (StoredTensor& t : tensors) t.bytes = {};
  return tensors;
}

std::vector<float> random_values(size_t n, uint64_t seed) {
  std::vector<float> values(n);
  const base::Philox random(seed, 0);
  for (size_t i = 0; i < n; ++i) values[i] = static_cast<float>(random.normal(i));
  return values;
}

TEST_F(SafeTensorsTest, RoundTripIsBitwise) {
  const std::vector<float> a = random_values(6, 1), b = random_values(1, 2),
                           c = random_values(300 * 170, 3);
  const TensorToSave tensors[] = {{"z \"quoted\" \xC3\xA9", {2, 3}, a.data()},
                                  {"scalar", {}, b.data()},
                                  {"empty", {0, 7}, a.data()},
                                  {"matrix", {300, 170}, c.data()},
                                  {"transposed", {170, 300}, c.data(), true}};
  save_safetensors(directory_ / "x.safetensors", tensors, DType::kF32);
  const SafeTensors file = SafeTensors::open(directory_ / "x.safetensors");
  ASSERT_EQ(file.tensors().size(), 5u);
  const auto read = [&](const char* name) {
    std::vector<float> out(static_cast<size_t>(file.at(name).size()));
    read_f32(file.at(name), out);
    return out;
  };
  EXPECT_EQ(read("z \"quoted\" \xC3\xA9"), a);
  EXPECT_EQ(read("scalar"), b);
  EXPECT_EQ(file.at("scalar").shape.size(), 0u);
  EXPECT_EQ(read("empty"), std::vector<float>());
  EXPECT_EQ(read("matrix"), c);
  const std::vector<float> t = read("transposed");
  for (size_t i = 0; i < 300; ++i)
    for (size_t j = 0; j < 170; ++j) ASSERT_EQ(t[j * 300 + i], c[i * 170 + j]);
  std::vector<float> back(c.size());
  read_f32_transposed(file.at("transposed"), back);
  EXPECT_EQ(back, c);
  EXPECT_ERROR((void)file.at("nothing"), "there is no tensor \"nothing\"");
}

TEST_F(SafeTensorsTest, WritesTheSameBytesAsTheReferenceImplementation) {
  for (const char* name : {"hf_gpt2", "hf_llama", "hf_llama_f16"}) {
    const fs::path path = kGolden / name / "model.safetensors";
    const SafeTensors file = SafeTensors::open(path);
    std::vector<std::vector<float>> storage;
    std::vector<TensorToSave> tensors;
    DType dtype = DType::kF32;
    for (const auto& [key, t] : file.tensors()) {
      storage.emplace_back(static_cast<size_t>(t.size()));
      read_f32(t, storage.back());
      tensors.push_back({key, t.shape, storage.back().data()});
      dtype = t.dtype;
    }
    save_safetensors(directory_ / "x.safetensors", tensors, dtype);
    EXPECT_TRUE(base::read_file(directory_ / "x.safetensors") == base::read_file(path)) << name;
  }
}

TEST_F(SafeTensorsTest, ThreadsDoNotMatter) {
  const std::vector<float> values = random_values(2'500'000, 5);
  const TensorToSave tensors[] = {{"a", {2500, 1000}, values.data(), true},
                                  {"b", {1000, 2500}, values.data()}};
  base::set_num_threads(1);
  save_safetensors(directory_ / "one", tensors, DType::kBF16);
  base::set_num_threads(4);
  save_safetensors(directory_ / "four", tensors, DType::kBF16);
  EXPECT_TRUE(base::read_file(directory_ / "one") == base::read_file(directory_ / "four"));
  base::set_num_threads(0);
}

TEST(ConvertTest, HalfTypesEqualTheScalarConversions) {
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  std::vector<float> wide(all.size());
  const auto* bytes = reinterpret_cast<const std::byte*>(all.data());
  EXPECT_FALSE(to_f32(wide.data(), bytes, DType::kF16, 65536));
  for (size_t i = 0; i < all.size(); ++i) {
    const uint32_t expected = std::bit_cast<uint32_t>(tensor::f16_to_f32(all[i]));
    ASSERT_EQ(std::bit_cast<uint32_t>(wide[i]), expected) << i;
  }
  EXPECT_TRUE(to_f32(wide.data(), bytes, DType::kF16, 0x7C00));
  EXPECT_FALSE(to_f32(wide.data(), bytes, DType::kF16, 0x7C01));
  EXPECT_FALSE(to_f32(wide.data(), bytes, DType::kBF16, 65536));
  for (size_t i = 0; i < all.size(); ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(wide[i]), static_cast<uint32_t>(i) << 16);
  EXPECT_TRUE(to_f32(wide.data(), bytes, DType::kBF16, 0x7F80));
  EXPECT_FALSE(to_f32(wide.data(), bytes, DType::kBF16, 0x7F81));
}

TEST(ConvertTest, NarrowingRoundsAndReportsOverflow) {
  const std::vector<float> values = random_values(10000, 9);
  std::vector<uint16_t> narrow(values.size());
  auto* bytes = reinterpret_cast<std::byte*>(narrow.data());
  EXPECT_TRUE(from_f32(bytes, values.data(), DType::kBF16, 10000));
  for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(narrow[i], tensor::f32_to_bf16(values[i]));
  EXPECT_TRUE(from_f32(bytes, values.data(), DType::kF16, 10000));
  for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(narrow[i], tensor::f32_to_f16(values[i]));

  const float large = 65520, f16_max = 65504, f32_max = std::numeric_limits<float>::max();
  const float infinite = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(from_f32(bytes, &large, DType::kF16, 1));
  EXPECT_TRUE(from_f32(bytes, &f16_max, DType::kF16, 1));
  EXPECT_FALSE(from_f32(bytes, &f32_max, DType::kBF16, 1));  // rounds to infinity
  for (const float value : {infinite, -infinite, nan})
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16})
      EXPECT_FALSE(from_f32(bytes, &value, dtype, 1));
}

TEST(SafeTensorsHeaderTest, RefusesWhatTheFormatForbids) {
  struct Case {
    std::string header;
    size_t data_bytes;
    const char* words;
  };
  const std::string a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  const Case cases[] = {
      {"", 0, "not valid JSON"},
      {"{", 0, "not valid JSON"},
      {"[]", 0, "not a JSON object"},
      {"{" + a + "," + a + "}", 8, "the key \"a\" appears twice"},
      {"{" + a + "}", 7, "truncated"},
      {"{" + a + "}", 9, "1 unused bytes at the end"},
      {"{" + a + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8,
       "\"a\" and \"b\" overlap"},
      {"{" + a + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}})", 16,
       "4 unused bytes before tensor \"b\""},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8,
       "8 bytes of data, but shape (3) of f32 takes 12"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8, "before it begins"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "\"shape\" holds"},
      {R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8, "\"shape\" holds"},
      {R"({"a":{"dtype":"F32","shape":"2","data_offsets":[0,8]}})", 8, "\"shape\" is missing"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,-8]}})", 8, "\"data_offsets\" holds"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8]}})", 8, "needs two numbers"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4,8]}})", 8, "more than 2"},
      {R"({"a":{"dtype":"F32","shape":[2]}})", 8, "\"data_offsets\" is missing"},
      {R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}})", 8,
       "more than 8"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0,
       "too large"},
      {R"({"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,0]}})", 0,
       "\"shape\" holds"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]}})", 8,
       "\"data_offsets\" holds"},
      {R"({"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})", 8,
       "dtype \"F8_E4M3\" is not one of"},
      {R"({"a":{"dtype":7,"shape":[8],"data_offsets":[0,8]}})", 8, "expected a string"},
      {R"({"a":7})", 0, "expected a JSON object"},
      {std::string(1'000'000, '['), 0, "nested deeper"},
      {"{\"a\":" + std::string(1'000'000, '['), 0, "nested deeper"},
      {"{\"\xFF\":1}", 0, "not valid JSON"},
  };
  for (const Case& test : cases) {
    const std::string message = error_of([&] { parse(test.header, test.data_bytes); });
    EXPECT_PRED2(contains, message, test.words) << test.header.substr(0, 100);
    EXPECT_PRED2(contains, message, "x.safetensors");
    EXPECT_LT(message.size(), 1000u);
  }
  EXPECT_EQ(parse("{}", 0).size(), 0u);
  EXPECT_EQ(parse(R"({"__metadata__":{"format":"pt"}})", 0).size(), 0u);
  EXPECT_EQ(parse("{" + a + "}  ", 8).size(), 1u);
  EXPECT_EQ(parse(R"({"a":{"dtype":"F32","shape":[0,5],"data_offsets":[0,0]}})", 0).size(), 1u);
}

TEST(SafeTensorsHeaderTest, RefusesAHugeHeader) {
  for (const uint64_t size : {uint64_t{32'000'001}, uint64_t{1} << 63, ~uint64_t{0}}) {
    std::string file(64, ' ');
    std::memcpy(file.data(), &size, sizeof size);
    EXPECT_ERROR(parse_safetensors(as_bytes(file), "x"), "x: a header of");
  }
  std::string file(64, ' ');
  const uint64_t size = 57;
  std::memcpy(file.data(), &size, sizeof size);
  EXPECT_ERROR(parse_safetensors(as_bytes(file), "x"), "truncated");
}

TEST_F(SafeTensorsTest, TruncatedAtEveryLength) {
  const std::vector<float> values = random_values(40, 4);
  const TensorToSave tensors[] = {{"a", {5, 4}, values.data()}, {"b", {4, 5}, values.data() + 20}};
  save_safetensors(directory_ / "x", tensors, DType::kF32);
  const std::string whole = base::read_file(directory_ / "x");
  for (size_t n = 0; n < whole.size(); ++n) {
    // On the heap and of exactly n bytes, for the sanitizer.
    const std::vector<char> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_ERROR(parse_safetensors(std::as_bytes(std::span(part)), "x"), "x: ");
  }
  base::write_file(directory_ / "empty", "");
  EXPECT_ERROR(SafeTensors::open(directory_ / "empty"), "too few");
}

TEST_F(SafeTensorsTest, ReadingChecksTypeAndValues) {
  const std::vector<float> values = {1, 2, std::numeric_limits<float>::infinity(), 4};
  std::string file = make_file(R"({"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
                               R"("i":{"dtype":"I64","shape":[1],"data_offsets":[16,24]}})",
                               24);
  std::memcpy(file.data() + file.size() - 24, values.data(), 16);
  base::write_file(directory_ / "x", file);
  const SafeTensors files = SafeTensors::open(directory_ / "x");
  std::vector<float> out(4);
  EXPECT_ERROR(read_f32(files.at("a"), out), "tensor \"a\": element 2 is infinite");
  EXPECT_ERROR(read_f32_transposed(files.at("a"), out), "element 2 is infinite");
  EXPECT_ERROR(read_f32(files.at("i"), std::span(out).first(1)), "has dtype i64, expected f32");
  std::vector<int32_t> ids(1);
  EXPECT_ERROR(read_integers<int32_t>(files.at("i"), ids), "expected i32");
}

class ShardsTest : public SafeTensorsTest {
 protected:
  void SetUp() override {
    SafeTensorsTest::SetUp();
    save("one.safetensors", "a");
    save("two.safetensors", "b");
  }
  void save(const std::string& file, const std::string& name) {
    const float value = 1;
    const TensorToSave tensors[] = {{name, {1}, &value}};
    save_safetensors(directory_ / file, tensors, DType::kF32);
  }
  std::string open_with_index(const std::string& index) {
    base::write_file(directory_ / "model.safetensors.index.json", index);
    return error_of([&] { SafeTensors::open(directory_); });
  }
};

TEST_F(ShardsTest, IndexIsChecked) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})", "no error"},
      {R"({"weight_map":{"a":"one.safetensors","b":"three.safetensors"}})",
       "the shard three.safetensors is missing"},
      {R"({"weight_map":{"a":"../one.safetensors"}})", "not the name of a file in the same folder"},
      {R"({"weight_map":{"a":"/etc/passwd"}})", "not the name of a file in the same folder"},
      {R"({"weight_map":{"a":".."}})", "not the name of a file in the same folder"},
      {R"({"weight_map":{"a":""}})", "not the name of a file in the same folder"},
      {R"({"weight_map":{"a":"one.safetensors\u0000x"}})", "not the name of a file"},
      {R"({"weight_map":{"a":1}})", "the file of tensor \"a\" is not a string"},
      {R"({"weight_map":[]})", "no \"weight_map\""},
      {R"({})", "no \"weight_map\""},
      {R"([])", "expected a JSON object"},
      {R"({"weight_map":{"a":"one.safetensors","c":"two.safetensors"}})",
       "tensor \"c\" should be in two.safetensors, but it is in none of the shards"},
      {R"({"weight_map":{"a":"two.safetensors","b":"one.safetensors"}})", "but it is in "},
      {"nonsense", "not valid JSON"},
  };
  for (const auto& [index, words] : cases)
    EXPECT_PRED2(contains, open_with_index(index), std::string(words)) << index;
  save("three.safetensors", "a");
  EXPECT_PRED2(contains,
               open_with_index(R"({"weight_map":{"a":"one.safetensors","b":"three.safetensors"}})"),
               "tensor \"a\" is in ");
}

TEST_F(SafeTensorsTest, MissingFilesSayWhatIsExpected) {
  EXPECT_ERROR(SafeTensors::open(directory_), "expected a Hugging Face model directory");
  EXPECT_ERROR(SafeTensors::open(directory_ / "x"), "cannot open");
  base::write_file(directory_ / "pytorch_model.bin", "");
  EXPECT_ERROR(SafeTensors::open(directory_), "save_pretrained");
}

TEST(JsonTest, FieldsAreCheckedWithTheirPlace) {
  const std::string text = R"({"i":3,"f":0.5,"b":true,"s":"x","n":null})";
  const Json json = parse_json(text, "f.json");
  const JsonFields fields(json, "f.json");
  EXPECT_EQ(fields.integer("i", 0, 3), 3);
  EXPECT_EQ(fields.integer_or("n", 7, 0, 9), 7);
  EXPECT_EQ(fields.number_or("f", 0), 0.5);
  EXPECT_EQ(fields.number_or("i", 0), 3);
  EXPECT_TRUE(fields.boolean_or("b", false));
  EXPECT_EQ(fields.string_or("s", ""), "x");
  EXPECT_ERROR(fields.integer("i", 0, 2), "f.json: \"i\" is 3, expected an integer from 0 to 2");
  EXPECT_ERROR(fields.integer("f", 0, 2), "\"f\" is 0.5, expected an integer");
  EXPECT_ERROR(fields.integer("n", 0, 2), "\"n\" is missing");
  EXPECT_ERROR((void)fields.boolean_or("i", true), "expected true or false");
  EXPECT_ERROR((void)fields.string_or("i", ""), "expected a string");
  EXPECT_ERROR(parse_json("[1e999]", "f.json"), "f.json: not valid JSON");
  EXPECT_ERROR(parse_json(R"({"a":{"b":1,"b":2}})", "f.json"), "\"b\" appears twice");
  EXPECT_EQ(parse_json(R"({"a":{"b":1},"c":[{"b":1},{"b":2}]})", "f.json").size(), 2u);
}

}  // namespace
}  // namespace parley::formats
