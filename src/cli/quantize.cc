// parley quantize: a model directory in fewer bits.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/convert.h"
#include "cli/measure.h"
#include "cli/output.h"
#include "model/model_files.h"

namespace parley::cli {
namespace {

constexpr const char* kQuantizeExamples = R"(Examples:
  parley quantize models/mini mini-int8 --precision int8
  parley quantize models/mini mini-int4 --precision int4 --group 64 --check book.txt
  parley generate --model mini-int4 --prompt "Once upon a time"
OUT is a model directory like any other: generate, chat, score and eval run it in its own
precision. --check prints bits per byte before and after, as generation computes them, keys
and values stored as --kv says by default. docs/quantisation.md has the formats.
)";

struct QuantizeOptions {
  base::fs::path from, out;
  std::string precision;
  int64_t group = 32;
  std::vector<base::fs::path> check;
};

// Bytes of the files that hold the weights.
uint64_t weight_bytes(const base::fs::path& directory) {
  uint64_t bytes = 0;
  for (const auto& entry : base::fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("model") && name.ends_with(".safetensors")) bytes += entry.file_size();
  }
  return bytes;
}

// Checked first, so that no work is lost.
void check_out(const base::fs::path& out) {
  if (!base::fs::exists(out)) return;
  if (!base::fs::is_directory(out) || !base::fs::is_empty(out))
    base::fail("{}: is there already; choose another name, or remove it", out.string());
}

void quantize(const QuantizeOptions& options) {
  const model::ModelFiles files(options.from);
  const model::Precision stored = files.quantization().precision;
  if (stored == model::Precision::kInt8 || stored == model::Precision::kInt4)
    base::fail("{}: is {} already, and rounding again would lose more; quantise the original",
               options.from.string(), model::precision_name(stored));
  base::AtomicDirectory directory(options.out);
  model::save_quantized(
      directory.path(), files.config(), files.read(),
      {.precision = model::parse_precision(options.precision), .group = options.group});
  copy_companions(options.from, directory.path());
  directory.commit();
}

data::TextLoss loss_of(const base::fs::path& directory, const QuantizeOptions& options) {
  return measure_bpb(text::load(directory), {}, {.data = options.check});
}

nlohmann::ordered_json to_json(const data::TextLoss& loss) {
  return {{"bpb", loss.bits_per_byte()},
          {"loss", loss.loss()},
          {"perplexity", std::exp(loss.loss())},
          {"tokens", loss.targets}};
}

std::string percent(double after, double before) {
  return fmt::format("{:+.2f} %", 100 * (after / before - 1));
}

void quantize(const QuantizeOptions& options, const Common& common) {
  check_out(options.out);
  quantize(options);
  const uint64_t before = weight_bytes(options.from), after = weight_bytes(options.out);
  nlohmann::ordered_json json = {{"out", options.out.string()},
                                 {"precision", options.precision},
                                 {"bytes_before", before},
                                 {"bytes_after", after}};
  if (options.precision == "int4") json["group"] = options.group;
  std::string text = fmt::format("{}: {} became {}, {:.1f} % of it\n", options.out.string(),
                                 base::human_bytes(static_cast<double>(before)),
                                 base::human_bytes(static_cast<double>(after)),
                                 100 * static_cast<double>(after) / static_cast<double>(before));
  if (!options.check.empty()) {
    const data::TextLoss a = loss_of(options.from, options), b = loss_of(options.out, options);
    json["before"] = to_json(a);
    json["after"] = to_json(b);
    text += fmt::format("bits per byte {:.4f} became {:.4f} ({}), perplexity {:.4f} {:.4f} ({})\n",
                        a.bits_per_byte(), b.bits_per_byte(),
                        percent(b.bits_per_byte(), a.bits_per_byte()), std::exp(a.loss()),
                        std::exp(b.loss()), percent(std::exp(b.loss()), std::exp(a.loss())));
  }
  write_out(common.json ? json.dump() + "\n" : text);
}

}  // namespace

void add_quantize(CLI::App& app, Common& common) {
  auto options = std::make_shared<QuantizeOptions>();
  CLI::App* command =
      app.add_subcommand("quantize", "write a model in fewer bits: smaller, and faster to run");
  command->footer(kQuantizeExamples);
  command->add_option("MODEL", options->from, "model directory")->required();
  command->add_option("OUT", options->out, "the directory to write; not there yet")->required();
  command->add_option("--precision", options->precision, "int8, int4 or bf16")
      ->check(CLI::IsMember({"int8", "int4", "bf16"}))
      ->required();
  command->add_option("--group", options->group, "int4: inputs that share a scale")
      ->check(CLI::IsMember({32, 64}))
      ->capture_default_str();
  command->add_option("--check", options->check,
                      "measure both on this text (text, JSON Lines, folders)");
  command->callback([options, &common] { quantize(*options, common); });
}

}  // namespace parley::cli
