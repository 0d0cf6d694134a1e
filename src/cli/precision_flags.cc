#include "cli/precision_flags.h"

namespace parley::cli {

void add_precision_flags(CLI::App& app, text::Storage& storage) {
  app.add_option("--precision", storage.weights, "how weights are stored: f32, bf16, int8 or int4")
      ->check(CLI::IsMember({"f32", "bf16", "int8", "int4"}));
  app.add_option("--group", storage.group, "int4: inputs that share a scale")
      ->capture_default_str()
      ->check(CLI::IsMember({32, 64}));
  app.add_option("--kv", storage.kv,
                 "how keys and values are stored: f32, bf16 or int8 (default: as the weights)")
      ->check(CLI::IsMember({"f32", "bf16", "int8"}));
}

}  // namespace parley::cli
