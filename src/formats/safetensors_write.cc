// Writing safetensors files, one or several.
#include <algorithm>
#include <atomic>

#include "base/error.h"
#include "base/threads.h"
#include "formats/convert.h"
#include "formats/json.h"
#include "formats/safetensors.h"

namespace parley::formats {
namespace {

using tensor::DType;

constexpr int64_t kChunk = 1 << 20;  // elements converted, then written, at a time
constexpr int64_t kGrain = 1 << 16;  // elements a thread converts at a time

int64_t count(const TensorToSave& t) {
  int64_t n = 1;
  for (const int64_t dim : t.shape) n *= dim;
  return n;
}

// `dtype`: the file's, here and below.
uint64_t bytes_of(const TensorToSave& t, DType dtype) {
  return static_cast<uint64_t>(count(t)) * tensor::dtype_size(t.dtype.value_or(dtype));
}

std::string_view header_name(DType dtype) {
  switch (dtype) {
    case DType::kF32: return "F32";
    case DType::kF16: return "F16";
    case DType::kBF16: return "BF16";
    case DType::kI8: return "I8";
    case DType::kI32: return "I32";
    case DType::kI64: return "I64";
    default: PARLEY_CHECK(false, "saving as {}", tensor::dtype_name(dtype));
  }
}

// Wide elements first, so that all are aligned, then by name: the reference
// implementation's order.
std::vector<TensorToSave> sorted(std::span<const TensorToSave> tensors, DType dtype) {
  std::vector<TensorToSave> order(tensors.begin(), tensors.end());
  const auto width = [&](const TensorToSave& t) {
    return tensor::dtype_size(t.dtype.value_or(dtype));
  };
  std::sort(order.begin(), order.end(), [&](const TensorToSave& a, const TensorToSave& b) {
    return width(a) != width(b) ? width(a) > width(b) : a.name < b.name;
  });
  return order;
}

std::string make_header(std::span<const TensorToSave> tensors, DType dtype) {
  std::string text = R"({"__metadata__":{"format":"pt"})";
  uint64_t offset = 0;
  for (const TensorToSave& t : tensors) {
    const uint64_t end = offset + bytes_of(t, dtype);
    text += fmt::format(R"(,{}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                        Json(t.name).dump(), header_name(t.dtype.value_or(dtype)),
                        fmt::join(t.shape, ","), offset, end);
    offset = end;
  }
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the data starts at a multiple of 8
  return text;
}

// Writes elements in chunks: converted by all threads, then handed to the file.
class ElementWriter {
 public:
  ElementWriter(base::AtomicFile& file, const TensorToSave& tensor, DType dtype)
      : file_(file), tensor_(tensor), dtype_(dtype) {}

  void write(std::span<const float> values) {
    const size_t size = tensor::dtype_size(dtype_);
    bytes_.resize(values.size() * size);
    std::atomic<bool> finite{true};
    base::parallel_blocks(std::ssize(values), kGrain, [&](int64_t begin, int64_t end) {
      if (!from_f32(bytes_.data() + static_cast<size_t>(begin) * size, values.data() + begin,
                    dtype_, end - begin))
        finite = false;
    });
    if (!finite)
      base::fail(
          "tensor \"{}\" holds a value that is NaN, infinite or too large for {}: nothing was "
          "written. If training diverged, go back to a checkpoint; if not, save as bf16 or f32.",
          tensor_.name, tensor::dtype_name(dtype_));
    file_.write(bytes_.data(), bytes_.size());
  }

 private:
  base::AtomicFile& file_;
  const TensorToSave& tensor_;
  DType dtype_;
  std::vector<std::byte> bytes_;
};

void write_tensor(base::AtomicFile& file, const TensorToSave& t, DType dtype) {
  if (!t.bytes.empty()) {
    PARLEY_CHECK(t.dtype && t.bytes.size() == bytes_of(t, dtype), "{} {} in {} bytes", t.name,
                 shape_string(t.shape), t.bytes.size());
    file.write(t.bytes.data(), t.bytes.size());
    return;
  }
  ElementWriter writer(file, t, t.dtype.value_or(dtype));
  const int64_t n = count(t);
  if (!t.transposed) {
    for (int64_t i = 0; i < n; i += kChunk)
      writer.write({t.data + i, static_cast<size_t>(std::min(kChunk, n - i))});
    return;
  }
  PARLEY_CHECK(t.shape.size() == 2, "{}: transpose of {}", t.name, shape_string(t.shape));
  const int64_t rows = t.shape[0], columns = t.shape[1];
  if (n == 0) return;
  const int64_t stripe = std::clamp<int64_t>(kChunk / columns, 1, rows);
  std::vector<float> scratch;  // (rows of the stripe, columns)
  for (int64_t r0 = 0; r0 < rows; r0 += stripe) {
    const int64_t height = std::min(stripe, rows - r0);
    scratch.resize(static_cast<size_t>(height * columns));
    base::parallel_blocks(columns, 64, [&](int64_t c0, int64_t c1) {
      for (int64_t r = 0; r < height; ++r)
        for (int64_t c = c0; c < c1; ++c)
          scratch[static_cast<size_t>(r * columns + c)] = t.data[c * rows + r0 + r];
    });
    writer.write(scratch);
  }
}

// model.safetensors, its index, or a shard: model-00001-of-00002.safetensors.
bool is_model_file(std::string_view name) {
  constexpr std::string_view kShard = "model-", kEnd = ".safetensors";
  if (name == "model.safetensors" || name == "model.safetensors.index.json") return true;
  if (!name.starts_with(kShard) || !name.ends_with(kEnd)) return false;
  name = name.substr(kShard.size(), name.size() - kShard.size() - kEnd.size());
  const size_t of = name.find("-of-");
  const auto is_number = [](std::string_view s) {
    return s.size() >= 5 && s.find_first_not_of("0123456789") == s.npos;
  };
  return of != name.npos && is_number(name.substr(0, of)) && is_number(name.substr(of + 4));
}

// Removes model files of an earlier save that are not among `written`; otherwise a reader
// might take them for the model.
void remove_stale(const fs::path& directory, std::span<const std::string> written) {
  std::vector<fs::path> stale;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (is_model_file(name) && std::find(written.begin(), written.end(), name) == written.end())
      stale.push_back(entry.path());
  }
  for (const fs::path& path : stale) {
    std::error_code error;
    fs::remove(path, error);
    if (error)
      base::fail("{}: cannot remove the file of an earlier save: {}", path.string(),
                 error.message());
  }
}

}  // namespace

void save_safetensors(const fs::path& path, std::span<const TensorToSave> tensors, DType dtype) {
  const std::vector<TensorToSave> order = sorted(tensors, dtype);
  const std::string header = make_header(order, dtype);
  const uint64_t header_bytes = header.size();
  base::AtomicFile file(path);
  file.write(&header_bytes, sizeof header_bytes);
  file.write(header);
  for (const TensorToSave& t : order) write_tensor(file, t, dtype);
  file.commit();
}

void save_sharded(const fs::path& directory, std::span<const TensorToSave> tensors, DType dtype,
                  uint64_t max_shard_bytes) {
  // In the order given: a layer's tensors stay together.
  std::vector<std::vector<TensorToSave>> shards(1);
  uint64_t shard_bytes = 0, total_bytes = 0;
  for (const TensorToSave& t : tensors) {
    const uint64_t bytes = bytes_of(t, dtype);
    if (!shards.back().empty() && shard_bytes + bytes > max_shard_bytes) {
      shards.emplace_back();
      shard_bytes = 0;
    }
    shards.back().push_back(t);
    shard_bytes += bytes;
    total_bytes += bytes;
  }

  std::vector<std::string> written;
  if (shards.size() == 1) {
    written = {"model.safetensors"};
    save_safetensors(directory / written[0], shards[0], dtype);
  } else {
    Json weight_map = Json::object();
    for (size_t i = 0; i < shards.size(); ++i) {
      written.push_back(fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size()));
      save_safetensors(directory / written.back(), shards[i], dtype);
      for (const TensorToSave& t : shards[i]) weight_map[t.name] = written.back();
    }
    const Json index = {{"metadata", {{"total_size", total_bytes}}}, {"weight_map", weight_map}};
    written.push_back("model.safetensors.index.json");
    base::write_file(directory / written.back(), index.dump(2) + "\n");
  }
  remove_stale(directory, written);
}

}  // namespace parley::formats
