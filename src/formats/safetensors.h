// safetensors files (Hugging Face): named tensors, read through a memory map.
//
// A file is an 8-byte little-endian header length, a JSON header
//   {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, …,
//    "__metadata__": {"format": "pt"}}
// and the tensors' bytes, row-major, little-endian, without holes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "tensor/dtype.h"

namespace parley::formats {

namespace fs = std::filesystem;

// A tensor of an open file.
struct StoredTensor {
  std::string file;  // where it stands, for messages
  std::string name;
  tensor::DType dtype;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;  // aligned to nothing; lives as long as its SafeTensors

  int64_t size() const;  // elements
};

// "(2, 3)"
std::string shape_string(std::span<const int64_t> shape);

// Parses the header of a whole safetensors file in memory; the tensors point into
// `bytes`. Error, beginning with `file`, on anything the format forbids: truncated file,
// header over 32 MB, tensors that overlap, leave holes or reach outside the file, sizes that
// are not shape times dtype, names given twice.
std::vector<StoredTensor> parse_safetensors(std::span<const std::byte> bytes,
                                            const std::string& file);

// The tensors of one file or of a model directory, sharded or not.
class SafeTensors {
 public:
  // `path` is a .safetensors file, or a directory with model.safetensors or
  // model.safetensors.index.json and the shards it names. Error on anything malformed or
  // missing.
  static SafeTensors open(const fs::path& path);

  const std::map<std::string, StoredTensor, std::less<>>& tensors() const { return tensors_; }
  // Null when there is no such tensor.
  const StoredTensor* find(std::string_view name) const;
  // Error naming the file when there is no such tensor.
  const StoredTensor& at(std::string_view name) const;

 private:
  void add_file(const fs::path& path);
  void add_shards(const fs::path& index_path);

  std::string path_;
  std::vector<base::MappedFile> files_;
  std::map<std::string, StoredTensor, std::less<>> tensors_;
};

// The elements as f32, from f32, f16 or bf16; out has tensor.size() elements. Error naming
// the tensor if the dtype is another one or an element is NaN or infinite.
void read_f32(const StoredTensor& tensor, std::span<float> out);

// The transpose of a matrix (rows, columns): out (columns, rows).
void read_f32_transposed(const StoredTensor& tensor, std::span<float> out);

// The elements of a tensor of the dtype that T is: i8, i32 or i64. Error naming the tensor
// when it is of another.
template <typename T>
void read_integers(const StoredTensor& tensor, std::span<T> out);

// A tensor to write.
struct TensorToSave {
  std::string name;
  std::vector<int64_t> shape;
  const float* data = nullptr;  // row-major
  bool transposed = false;      // data is the transpose, (shape[1], shape[0])
  // The tensor's own dtype; without, the one the file is written in.
  std::optional<tensor::DType> dtype{};
  // Instead of data: the tensor's bytes as they are to stand in the file (needs dtype).
  std::span<const std::byte> bytes{};
};

// Writes one file, whole or not at all. dtype (f32, f16 or bf16) is that of the tensors
// without their own. Error when an element is not finite in its dtype, so that what is
// written can be read again.
void save_safetensors(const fs::path& file, std::span<const TensorToSave> tensors,
                      tensor::DType dtype);

// Writes model.safetensors into the directory or, when the tensors take more than
// max_shard_bytes, model-00001-of-0000N.safetensors … and model.safetensors.index.json;
// then removes the files of another sharding a former save left there.
void save_sharded(const fs::path& directory, std::span<const TensorToSave> tensors,
                  tensor::DType dtype, uint64_t max_shard_bytes);

}  // namespace parley::formats
