// parley serve: models behind OpenAI's API and the chat app.
#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "app/app.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "cli/app_place.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/web_pack.h"
#include "server/access_log.h"
#include "server/api.h"
#include "server/config.h"

namespace parley::cli {
namespace {

using server::ServeConfig;

constexpr const char* kServeExamples = R"(Examples:
  parley serve --model runs/mini/model
  parley serve --model runs/sft/model --alias gpt-3.5-turbo --port 8080 --precision int8
  parley serve --model chat=runs/sft/model --model code=runs/code/model
  parley serve --model runs/sft/model --users on --runs runs
  parley key new --name laptop && parley serve --config serve.toml
  parley serve --config serve.toml --print-config
  curl http://127.0.0.1:8080/v1/models
Later settings win: the file, the environment (PARLEY_SERVER_PORT=80), the flags.
Signals: TERM and INT end it when what is under way has ended (twice: at once); HUP reads the
configuration again, loads models that changed, and opens the access log anew.
The chat app is at /, its data in ~/.local/share/parley unless --database says else.
docs/api.md lists the endpoints, docs/operation.md tells how to run it.
)";

// A flag that was given: which field it sets, and to what.
struct Setting {
  std::string section, name, value, flag;
};

struct ServeOptions {
  base::fs::path config, port_file;
  std::vector<std::string> models;   // DIR or ID=DIR
  std::vector<std::string> aliases;  // NAME or NAME=ID
  std::vector<Setting> settings, model_settings;
  bool print_config = false;
};

std::string flag_of(std::string_view section, std::string name) {
  if (section == "app" && name == "enabled") return "--app";
  std::ranges::replace(name, '_', '-');
  return "--" + name;
}

// A flag for each field of the configuration; what is given is kept for later, since the file
// comes first.
void add_field_flags(CLI::App& command, ServeOptions& options) {
  ServeConfig defaults;
  server::for_each_field(defaults, [&](const char* section, const char* name, auto& value,
                                       const char* meaning) {
    const std::string flag = flag_of(section, name);
    constexpr bool kSwitch = std::is_same_v<std::remove_reference_t<decltype(value)>, bool>;
    command
        .add_option_function<std::vector<std::string>>(
            flag,
            [&options, section, name, flag](const std::vector<std::string>& given) {
              options.settings.push_back({section, name, given.empty() ? "true" : given[0], flag});
            },
            meaning)
        ->expected(kSwitch ? 0 : 1, 1)
        ->group(fmt::format("[{}]", section));
  });
  server::ModelOptions model;
  server::for_each_model_field(model, [&](const char* name, auto&, const char* meaning) {
    const std::string field = name, flag = flag_of("models", name);
    if (field == "path" || field == "id" || field == "aliases") return;
    command
        .add_option_function<std::string>(
            flag,
            [&options, field, flag](const std::string& given) {
              options.model_settings.push_back({"", field, given, flag});
            },
            meaning)
        ->group("Models of --model");
  });
}

void add_models(ServeConfig& config, const ServeOptions& options) {
  const size_t first = config.models.size();
  for (const std::string& text : options.models) {
    server::ModelOptions model;
    const size_t equals = text.find('=');
    const bool named = equals != std::string::npos && !base::fs::exists(text);
    if (named) model.id = text.substr(0, equals);
    model.path = base::fs::absolute(named ? text.substr(equals + 1) : text);
    for (const Setting& setting : options.model_settings)
      server::set_model_field(model, setting.name, setting.value, setting.flag);
    config.models.push_back(std::move(model));
  }
  for (const std::string& text : options.aliases) {
    const size_t equals = text.find('=');
    const std::string alias = text.substr(0, equals);
    server::ModelOptions* target = nullptr;
    if (equals == std::string::npos) {
      if (config.models.size() > first) target = &config.models[first];
      if (!target && !config.models.empty()) target = &config.models.front();
    } else {
      for (server::ModelOptions& model : config.models)
        if (model.id == text.substr(equals + 1)) target = &model;
    }
    if (!target)
      throw base::UsageError(fmt::format("--alias {}: there is no model it could name", text));
    target->aliases.push_back(alias);
  }
}

ServeConfig configuration(const ServeOptions& options) {
  ServeConfig config = options.config.empty() ? ServeConfig{} : server::load_config(options.config);
  server::apply_environment(config, [](const char* name) { return std::getenv(name); });
  try {
    for (const Setting& setting : options.settings)
      server::set_field(config, setting.section, setting.name, setting.value, setting.flag);
    add_models(config, options);
  } catch (const base::Error& error) {
    throw base::UsageError(error.what());
  }
  server::validate(config);
  return config;
}

// SIGINT, SIGTERM and SIGHUP wait until somebody asks for them, in every thread made from now on.
// A handler would run on whichever thread is computing (base/interrupt.h tells why not).
sigset_t hold_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// A second signal while the server drains ends the process at once.
void release_signals(const sigset_t& signals) {
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

bool is_local(const std::string& host) {
  return host == "::1" || host == "localhost" || host.starts_with("127.");
}

void warn_of_openness(const ServeConfig& config) {
  const std::string& host = config.server.address;
  if (is_local(host)) return;
  if (config.keys.empty())
    spdlog::warn(
        "{} can be reached from other machines, and nobody is asked for a key: `parley key new`, "
        "then --keys FILE",
        host);
  if (config.app.enabled && !config.app.users)
    spdlog::warn(
        "{} can be reached from other machines, and whoever comes reads and writes the same chats: "
        "--users on, or --app off",
        host);
}

app::AppOptions app_options(const ServeConfig& config) {
  const server::AppConfig& from = config.app;
  app::AppOptions options;
  options.database = app_database(from.database);
  options.address = config.server.address;
  options.users = from.users;
  options.runs = from.runs;
  options.web = from.web;
  options.summaries = from.summaries;
  options.daily_tokens = from.daily_tokens;
  options.max_documents = from.max_documents;
  options.secure_cookies = from.secure_cookies || !config.server.tls_key.empty();
  options.hosts = from.hosts;
  return options;
}

void serve(const ServeOptions& options) {
  ServeConfig config = configuration(options);
  if (options.print_config) {
    write_out(server::to_toml(config));
    return;
  }
  const sigset_t signals = hold_signals();
  warn_of_openness(config);

  // 1. What is served, and to whom. The connections end before the models do.
  std::unique_ptr<server::ApiKeys> keys;
  if (!config.keys.empty()) keys = std::make_unique<server::ApiKeys>(config.keys);
  server::AccessLog access(config.access_log, config.access_format == "json");
  server::ModelRegistry models(config.models);
  http::Server* listening = nullptr;
  server::Api api({.models = models,
                   .keys = keys.get(),
                   .limits = {config.requests_per_minute, config.tokens_per_minute},
                   .options = config.api,
                   .numbers = [&] { return listening->numbers(); }});
  std::unique_ptr<app::App> chat;
  if (config.app.enabled)
    chat = std::make_unique<app::App>(app_options(config), models, api.services(), web_pack());

  // 2. Connections.
  http::Server http(config.server,
                    {.handler =
                         [&](http::Exchange& exchange) {
                           const http::Request& request = exchange.request();
                           return chat && app::App::owns(request.method, request.path)
                                      ? chat->handle(exchange)
                                      : api.handle(exchange);
                         },
                     .error = server::Api::error,
                     .access = [&](const http::AccessRecord& record) { access.write(record); }});
  listening = &http;
  http.start();
  spdlog::info("serving {} on {}/v1", fmt::join(models.names(), ", "), http.url());
  if (chat) spdlog::info("the chat app: {}/", http.url());
  if (!options.port_file.empty())
    base::write_file(options.port_file, fmt::format("{}\n", http.port()));

  // 3. Until a signal says so.
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) {
    try {
      config = configuration(options);
      models.reload(config.models);
      access.reopen();
      spdlog::info("reloaded: {}", fmt::join(models.names(), ", "));
    } catch (const std::exception& error) {
      spdlog::error("everything stays as it was: {}", error.what());
    }
  }
  spdlog::info("ending; what is under way has {} seconds", config.drain_seconds);
  release_signals(signals);
  api.leave();
  // Who watches an answer sees it end, so both end together.
  std::jthread answers([&] {
    if (chat) chat->drain(config.drain_seconds);
  });
  const bool all = http.drain(config.drain_seconds);
  answers.join();
  if (!all) spdlog::warn("some requests were cut short");
  http.stop();
}

}  // namespace

void add_serve(CLI::App& app, Common&) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command =
      app.add_subcommand("serve", "OpenAI's API and a chat app over one model or several");
  command->footer(kServeExamples);
  command->add_option("--model", options->models, "model directory, or NAME=DIR; repeatable")
      ->allow_extra_args(false);
  command
      ->add_option("--alias", options->aliases,
                   "another name for the first --model, or NAME=ID; repeatable")
      ->allow_extra_args(false);
  command->add_option("--config", options->config, "TOML or JSON file");
  command->add_flag("--print-config", options->print_config,
                    "the whole configuration as TOML, and end");
  command->add_option("--port-file", options->port_file,
                      "write the port there once requests are taken");
  add_field_flags(*command, *options);
  command->callback([options] { serve(*options); });
}

}  // namespace parley::cli
