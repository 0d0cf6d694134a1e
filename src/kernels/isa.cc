#include "kernels/isa.h"

#include <fmt/ranges.h>
#include <oneapi/dnnl/dnnl.h>

#include "base/error.h"
#include "kernels/simd_targets.h"
// The targets must be limited before Highway is seen.
#include <hwy/highway.h>

namespace parley::kernels {
namespace {

struct Level {
  std::string name;
  int64_t target;  // Highway's
  dnnl_cpu_isa_t dnnl;
};

// What is compiled in and what the CPU has, slowest first.
std::vector<Level> available_levels() {
  std::vector<Level> levels;
#if HWY_ARCH_X86
  const int64_t has = hwy::SupportedTargets() | HWY_STATIC_TARGET;
  // Kernels written with Highway know no VNNI; the products with packed weights do.
  if (has & HWY_AVX3) {
    if (__builtin_cpu_supports("avx512vnni"))
      levels.push_back({"avx512vnni", HWY_AVX3, dnnl_cpu_isa_all});
    levels.push_back({"avx512", HWY_AVX3, dnnl_cpu_isa_all});
  }
  if (has & HWY_AVX2) levels.push_back({"avx2", HWY_AVX2, dnnl_cpu_isa_avx2});
#endif
  levels.push_back({"scalar", HWY_STATIC_TARGET, dnnl_cpu_isa_sse41});
  return {levels.rbegin(), levels.rend()};
}

// Asked once, before anything is forced: forcing changes what Highway reports.
const std::vector<Level>& levels() {
  static const std::vector<Level> all = available_levels();
  return all;
}

std::string& current() {
  static std::string name = levels().back().name;
  return name;
}

}  // namespace

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Level& level : levels()) names.push_back(level.name);
  return names;
}

void force_isa(std::string_view name) {
  for (const Level& level : levels()) {
    if (level.name != name) continue;
    current() = level.name;
    hwy::SetSupportedTargetsForTest(level.target);
    hwy::GetChosenTarget().Update(level.target);
    dnnl_set_max_cpu_isa(level.dnnl);  // refused once oneDNN has run; see the header
    return;
  }
  base::fail("no instruction set \"{}\" here; this machine has {}", name,
             fmt::join(available_isas(), ", "));
}

std::string current_isa() { return current(); }

}  // namespace parley::kernels
