#include "formats/safetensors.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include "base/error.h"
#include "formats/json.h"

namespace parley::formats {
namespace {

using base::fail;
using tensor::DType;

// The reference implementation allows 100 MB; real headers are below 1 MB, and parsing one takes
// many times its size.
constexpr uint64_t kMaxHeaderBytes = 32'000'000;
constexpr size_t kMaxRank = 8;
constexpr std::string_view kSingleFile = "model.safetensors";
constexpr std::string_view kIndexFile = "model.safetensors.index.json";

struct DTypeName {
  std::string_view name;
  DType dtype;
};
constexpr DTypeName kDTypes[] = {
    {"F32", DType::kF32}, {"F16", DType::kF16}, {"BF16", DType::kBF16},
    {"F64", DType::kF64}, {"I8", DType::kI8},   {"U8", DType::kU8},
    {"I32", DType::kI32}, {"I64", DType::kI64}, {"BOOL", DType::kBool},
};

DType parse_dtype(const JsonFields& entry) {
  const std::string text = entry.string_or("dtype", "");
  for (const auto& [name, dtype] : kDTypes)
    if (text == name) return dtype;
  fail("{}: dtype \"{}\" is not one of F32, F16, BF16, F64, I8, U8, I32, I64, BOOL", entry.where(),
       text);
}

// An array of integers ≥ 0.
std::vector<int64_t> parse_integers(const JsonFields& entry, std::string_view key,
                                    size_t max_count) {
  const Json* array = entry.find(key);
  if (!array || !array->is_array())
    fail("{}: \"{}\" is missing or not an array", entry.where(), key);
  if (array->size() > max_count)
    fail("{}: \"{}\" has {} numbers, more than {}", entry.where(), key, array->size(), max_count);
  std::vector<int64_t> values;
  for (const Json& value : *array) {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > uint64_t{INT64_MAX})
      fail("{}: \"{}\" holds something other than an integer from 0 to 2^63 - 1", entry.where(),
           key);
    values.push_back(value.get<int64_t>());
  }
  return values;
}

// Bytes of a tensor; Error when they overflow 63 bits.
int64_t checked_bytes(const StoredTensor& t, const std::string& where) {
  auto bytes = static_cast<int64_t>(tensor::dtype_size(t.dtype));
  for (const int64_t dim : t.shape)
    if (__builtin_mul_overflow(bytes, dim, &bytes))
      fail("{}: shape {} is too large", where, shape_string(t.shape));
  return bytes;
}

StoredTensor parse_tensor(const std::string& name, const Json& json,
                          std::span<const std::byte> data, const std::string& file) {
  const std::string where = fmt::format("{}: tensor \"{}\"", file, name);
  const JsonFields entry(json, where);
  StoredTensor t{file, name, parse_dtype(entry), parse_integers(entry, "shape", kMaxRank), {}};
  const std::vector<int64_t> offsets = parse_integers(entry, "data_offsets", 2);
  if (offsets.size() != 2) fail("{}: \"data_offsets\" needs two numbers", where);
  const int64_t begin = offsets[0], end = offsets[1];
  if (begin > end) fail("{}: its data ends ({}) before it begins ({})", where, end, begin);
  if (static_cast<uint64_t>(end) > data.size())
    fail(
        "{}: its data ends at byte {} of {}. The file is truncated: copy or download it "
        "again.",
        where, end, data.size());
  const int64_t expected = checked_bytes(t, where);
  if (end - begin != expected)
    fail("{}: {} bytes of data, but shape {} of {} takes {}", where, end - begin,
         shape_string(t.shape), tensor::dtype_name(t.dtype), expected);
  t.bytes = data.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
  return t;
}

// The tensors must tile the data exactly: no overlap, no hole, nothing behind the last.
void check_tiling(const std::vector<StoredTensor>& tensors, std::span<const std::byte> data,
                  const std::string& file) {
  std::vector<const StoredTensor*> order;
  for (const StoredTensor& t : tensors) order.push_back(&t);
  const auto begin = [&](const StoredTensor* t) { return t->bytes.data() - data.data(); };
  std::sort(order.begin(), order.end(), [&](const StoredTensor* a, const StoredTensor* b) {
    return std::pair(begin(a), a->bytes.size()) < std::pair(begin(b), b->bytes.size());
  });
  std::ptrdiff_t expected = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (begin(order[i]) < expected)
      fail("{}: tensors \"{}\" and \"{}\" overlap", file, order[i - 1]->name, order[i]->name);
    if (begin(order[i]) > expected)
      fail("{}: {} unused bytes before tensor \"{}\"", file, begin(order[i]) - expected,
           order[i]->name);
    expected += std::ssize(order[i]->bytes);
  }
  if (expected != std::ssize(data))
    fail("{}: {} unused bytes at the end of the file", file, std::ssize(data) - expected);
}

// A name in the index may only mean a file in the same folder.
void check_shard_name(const std::string& name, const std::string& index) {
  if (name.empty() || name == "." || name == ".." ||
      name.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos)
    fail("{}: {} is not the name of a file in the same folder", index, Json(name).dump());
}

}  // namespace

int64_t StoredTensor::size() const {
  return std::ssize(bytes) / static_cast<int64_t>(tensor::dtype_size(dtype));
}

std::string shape_string(std::span<const int64_t> shape) {
  return fmt::format("({})", fmt::join(shape, ", "));
}

std::vector<StoredTensor> parse_safetensors(std::span<const std::byte> bytes,
                                            const std::string& file) {
  uint64_t header_bytes = 0;
  if (bytes.size() < sizeof header_bytes)
    fail("{}: {} bytes are too few for a safetensors file", file, bytes.size());
  std::memcpy(&header_bytes, bytes.data(), sizeof header_bytes);
  bytes = bytes.subspan(sizeof header_bytes);
  if (header_bytes > kMaxHeaderBytes)
    fail("{}: a header of {} bytes; not a safetensors file, or a damaged one", file, header_bytes);
  if (header_bytes > bytes.size())
    fail(
        "{}: the header takes {} bytes, but only {} follow. The file is truncated: copy or "
        "download it again.",
        file, header_bytes, bytes.size());
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()), header_bytes);
  const std::span<const std::byte> data = bytes.subspan(header_bytes);

  const Json json = parse_json(header, file + ": header", /*max_depth=*/4);
  if (!json.is_object()) fail("{}: the header is not a JSON object", file);
  std::vector<StoredTensor> tensors;
  for (const auto& [name, entry] : json.items())
    if (name != "__metadata__") tensors.push_back(parse_tensor(name, entry, data, file));
  check_tiling(tensors, data, file);
  return tensors;
}

SafeTensors SafeTensors::open(const fs::path& path) {
  SafeTensors result;
  result.path_ = path.string();
  if (!fs::is_directory(path)) {
    result.add_file(path);
  } else if (fs::exists(path / kSingleFile)) {
    result.add_file(path / kSingleFile);
  } else if (fs::exists(path / kIndexFile)) {
    result.add_shards(path / kIndexFile);
  } else if (fs::exists(path / "pytorch_model.bin")) {
    fail(
        "{}: the weights are in pytorch_model.bin, a pickle, which can run code. Convert it with "
        "transformers: AutoModelForCausalLM.from_pretrained(DIR).save_pretrained(DIR)",
        path.string());
  } else {
    fail("{}: neither {} nor {} is there; expected a Hugging Face model directory", path.string(),
         kSingleFile, kIndexFile);
  }
  return result;
}

void SafeTensors::add_file(const fs::path& path) {
  files_.emplace_back(path);
  for (StoredTensor& t : parse_safetensors(files_.back().bytes(), path.string())) {
    const auto [it, is_new] = tensors_.try_emplace(t.name, t);
    if (!is_new) fail("{}: tensor \"{}\" is in {} too", path.string(), it->first, it->second.file);
  }
}

void SafeTensors::add_shards(const fs::path& index_path) {
  const std::string index = index_path.string();
  const Json json = parse_json(base::read_file(index_path, kMaxHeaderBytes), index);
  const Json* weight_map = JsonFields(json, index).find("weight_map");
  if (!weight_map || !weight_map->is_object()) fail("{}: no \"weight_map\"", index);

  std::set<std::string> shards;
  for (const auto& [name, shard] : weight_map->items()) {
    if (!shard.is_string()) fail("{}: the file of tensor \"{}\" is not a string", index, name);
    check_shard_name(shard.get_ref<const std::string&>(), index);
    shards.insert(shard.get<std::string>());
  }
  for (const std::string& shard : shards) {
    if (!fs::exists(index_path.parent_path() / shard))
      fail("{}: the shard {} is missing; copy or download it again", index, shard);
    add_file(index_path.parent_path() / shard);
  }
  for (const auto& [name, shard] : weight_map->items()) {
    const StoredTensor* t = find(name);
    const fs::path expected = index_path.parent_path() / shard.get_ref<const std::string&>();
    if (!t || t->file != expected.string())
      fail("{}: tensor \"{}\" should be in {}, but it is {}{}", index, name,
           shard.get_ref<const std::string&>(), t ? "in " : "in none of the shards",
           t ? t->file : "");
  }
}

const StoredTensor* SafeTensors::find(std::string_view name) const {
  const auto it = tensors_.find(name);
  return it == tensors_.end() ? nullptr : &it->second;
}

const StoredTensor& SafeTensors::at(std::string_view name) const {
  const StoredTensor* t = find(name);
  if (!t) fail("{}: there is no tensor \"{}\"", path_, name);
  return *t;
}

}  // namespace parley::formats
