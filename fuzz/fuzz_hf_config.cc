// Any text as a config.json. What is accepted must be a usable configuration: it has a size, a
// list of tensors, and is the same after being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/log.h"
#include "model/hf.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace parley;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  model::ModelConfig config;
  try {
    config = model::parse_config(text, "input");
  } catch (const base::Error&) {
    return 0;
  }
  if (model::count_parameters(config) <= 0) std::abort();
  if (model::hf_tensors(config).empty()) std::abort();
  try {
    const auto json = model::config_json(config, tensor::DType::kF32);
    if (model::parse_config(json.dump(), "saved") != config) std::abort();
  } catch (const base::Error&) {  // a combination that no architecture computes
  }
  return 0;
}
