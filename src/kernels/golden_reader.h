// Reads tests/golden/kernels_golden.bin (tools/oracle/kernels_golden.py), for tests: lines
// "name dim dim …", each followed by the raw values; int32 where the name ends in ".i32".
#pragma once

#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "tensor/buffer.h"

namespace parley::kernels::testing {

class Golden {
 public:
  Golden() {
    std::ifstream file(PARLEY_SOURCE_DIR "/tests/golden/kernels_golden.bin", std::ios::binary);
    std::string line;
    PARLEY_CHECK(std::getline(file, line), "no tests/golden/kernels_golden.bin");  // versions
    while (std::getline(file, line)) {
      std::istringstream words(line);
      std::string name;
      tensor::Shape shape;
      words >> name;
      for (int64_t dim; words >> dim;) shape.append(dim);
      tensor::Tensor<float> values(shape);
      file.read(reinterpret_cast<char*>(values.data()),
                shape.size() * static_cast<std::streamsize>(sizeof(float)));
      PARLEY_CHECK(file.good(), "kernels_golden.bin ends inside {}", name);
      tensors_[name] = std::move(values);
    }
  }

  tensor::ConstF32 operator[](const std::string& name) const {
    PARLEY_CHECK(tensors_.count(name) == 1, "kernels_golden.bin has no {}", name);
    return tensors_.at(name);
  }
  tensor::Tensor<int32_t> ints(const std::string& name) const {
    const tensor::ConstF32 bits = (*this)[name + ".i32"];
    tensor::Tensor<int32_t> out(bits.shape());
    std::memcpy(out.data(), bits.data(), static_cast<size_t>(bits.size()) * sizeof(int32_t));
    return out;
  }

 private:
  std::map<std::string, tensor::Tensor<float>> tensors_;
};

}  // namespace parley::kernels::testing
