// parley key: who may use a server.
#include <ctime>

#include "base/error.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "server/api_keys.h"
#include "server/fields.h"

namespace parley::cli {
namespace {

constexpr const char* kKeyExamples = R"(Examples:
  parley key new --name laptop
  parley key new --name team --requests-per-minute 60 --tokens-per-minute 20000 --expires 30
  parley key list
  parley key revoke key_4Vd0pQx81ZbN
  parley serve --model DIR --keys ~/.config/parley/keys.json
Only hashes are kept: a key is shown once, when it is made. A server sees changes within a second.
)";

struct KeyOptions {
  base::fs::path file = server::default_key_file();
  std::string name, id;
  server::RateLimits limits;
  int64_t days = 0;
};

std::string date_text(int64_t time) {
  if (time == 0) return "never";
  const std::time_t value = time;
  std::tm parts{};
  gmtime_r(&value, &parts);
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

void make(const KeyOptions& options, bool json) {
  const int64_t expires = options.days > 0 ? std::time(nullptr) + options.days * 86400 : 0;
  server::ApiKey key;
  const std::string secret =
      server::KeyFile(options.file).add(options.name, expires, options.limits, &key);
  if (json) {
    server::Json line = server::key_json(key);
    line["key"] = secret;
    line["file"] = options.file.string();
    write_out(line.dump() + "\n");
    return;
  }
  spdlog::info("{} in {}; the key is shown this once:", key.id, options.file.string());
  write_out(secret + "\n");
}

void list_keys(const KeyOptions& options, bool json) {
  for (const server::ApiKey& key : server::KeyFile(options.file).read()) {
    if (json) {
      write_out(server::key_json(key).dump() + "\n");
      continue;
    }
    const auto limit = [](int64_t n) { return n > 0 ? std::to_string(n) : std::string("-"); };
    write_out(fmt::format("{}  …{}  {:<10}  {}  until {}  {}/min  {} tokens/min  {}\n", key.id,
                          key.last_four, key.disabled ? "revoked" : "good", date_text(key.created),
                          date_text(key.expires), limit(key.limits.requests_per_minute),
                          limit(key.limits.tokens_per_minute), key.name));
  }
}

}  // namespace

void add_key(CLI::App& app, Common& common) {
  auto options = std::make_shared<KeyOptions>();
  CLI::App* command = app.add_subcommand("key", "API keys of `parley serve`");
  command->footer(kKeyExamples);
  command->require_subcommand(1);
  const auto file = [&](CLI::App* sub) {
    sub->add_option("--file", options->file, "where the keys are kept")->capture_default_str();
    return sub;
  };
  CLI::App* make_key = file(command->add_subcommand("new", "make a key, and show it once"));
  make_key->add_option("--name", options->name, "whose it is, or what for")->required();
  make_key->add_option("--requests-per-minute", options->limits.requests_per_minute, "0: no limit")
      ->check(CLI::NonNegativeNumber);
  make_key->add_option("--tokens-per-minute", options->limits.tokens_per_minute, "0: no limit")
      ->check(CLI::NonNegativeNumber);
  make_key->add_option("--expires", options->days, "days until it ends; 0: never")
      ->check(CLI::Range(0, 36500));
  make_key->callback([options, &common] { make(*options, common.json); });
  CLI::App* list = file(command->add_subcommand("list", "the keys there are"));
  list->callback([options, &common] { list_keys(*options, common.json); });
  CLI::App* revoke = file(command->add_subcommand("revoke", "end a key"));
  revoke->add_option("id", options->id, "of the key: key_…")->required();
  revoke->callback([options] {
    if (!server::KeyFile(options->file).disable(options->id))
      base::fail("{}: there is no key '{}'; `parley key list` shows them", options->file.string(),
                 options->id);
    spdlog::info("{} is revoked", options->id);
  });
}

}  // namespace parley::cli
