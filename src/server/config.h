// How `parley serve` runs: one file (TOML or JSON), over it the environment, over it the flags.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "http/server.h"
#include "server/context.h"

namespace parley::server {

// The chat app (src/app) that is served beside the API.
struct AppConfig {
  bool enabled = true;
  std::string database{};  // empty: a file in the user's data directory
  bool users = false;
  std::string runs{}, web{};
  std::string summaries = "extract";
  int64_t daily_tokens = 0;
  int64_t max_documents = 200;
  bool secure_cookies = false;
  std::vector<std::string> hosts{};
};

struct ServeConfig {
  http::ServerOptions server;
  double drain_seconds = 30;

  std::string keys;  // file of `parley key`; empty: nobody is asked for one
  int64_t requests_per_minute =
      0;  // of a key (or an address) that has no limit of its own; 0: none
  int64_t tokens_per_minute = 0;

  ApiOptions api;
  AppConfig app;

  std::string access_log = "stderr";   // "off", or a file
  std::string access_format = "text";  // or "json"

  std::vector<ModelOptions> models;
};

// The fields of a configuration, in their order: visit(section, name, value, what it is). What
// the file, the environment, the flags and --print-config know of them is this.
template <typename Config, typename Visit>
void for_each_field(Config& c, Visit&& visit) {
  visit("server", "host", c.server.address, "address to listen on; 0.0.0.0 or :: for all");
  visit("server", "port", c.server.port, "0: any free one");
  visit("server", "tls_certificate", c.server.tls_certificate, "PEM file; with tls_key: HTTPS");
  visit("server", "tls_key", c.server.tls_key, "PEM file");
  visit("server", "cors_origins", c.server.cors_origins,
        "web pages that may call the API; \"*\": all");
  visit("server", "trusted_proxies", c.server.trusted_proxies,
        "addresses whose X-Forwarded-For is believed");
  visit("server", "http_threads", c.server.threads, "threads that serve connections");
  visit("server", "max_connections", c.server.max_connections, "more are refused");
  visit("server", "max_header_bytes", c.server.max_header_bytes, "longer heads are refused");
  visit("server", "max_body_bytes", c.server.max_body_bytes, "longer bodies are refused");
  visit("server", "header_seconds", c.server.header_seconds, "to send the head of a request");
  visit("server", "body_seconds", c.server.body_seconds, "to send its body");
  visit("server", "idle_seconds", c.server.idle_seconds, "between two requests of a connection");
  visit("server", "write_seconds", c.server.write_seconds, "without a reader taking anything");
  visit("server", "drain_seconds", c.drain_seconds, "for what is under way when the server ends");
  visit("access", "keys", c.keys, "file of `parley key`; empty: nobody is asked for a key");
  visit("access", "requests_per_minute", c.requests_per_minute,
        "for each key, or address where there are no keys; 0: no limit");
  visit("access", "tokens_per_minute", c.tokens_per_minute, "the same for tokens");
  visit("api", "truncate_chats", c.api.truncate_chats,
        "leave out the oldest turns of chats that outgrow the context, unless a request says no");
  visit("api", "request_seconds", c.api.request_seconds, "the longest a request may take; 0: any");
  visit("app", "enabled", c.app.enabled, "the chat app at /; off: only the API");
  visit("app", "database", c.app.database,
        "SQLite file, or postgresql://…; empty: parley/parley.db in $XDG_DATA_HOME or "
        "~/.local/share");
  visit("app", "users", c.app.users,
        "accounts with passwords; off: everybody is the one local user");
  visit("app", "runs", c.app.runs, "folder of training runs to show; empty: none");
  visit("app", "web", c.app.web, "folder of the web app's files; empty: those built in");
  visit("app", "summaries", c.app.summaries,
        "of turns that outgrow the context: extract, model, off");
  visit("app", "daily_tokens", c.app.daily_tokens,
        "of each user without a quota of their own; 0: no limit");
  visit("app", "max_documents", c.app.max_documents, "files of a user");
  visit("app", "secure_cookies", c.app.secure_cookies,
        "behind a proxy that speaks TLS; with tls_key they are");
  visit("app", "hosts", c.app.hosts,
        "names the app answers to besides this machine's; needed behind a proxy");
  visit("log", "access_log", c.access_log, "one line a request: stderr, off, or a file");
  visit("log", "access_format", c.access_format, "text or json");
  visit("log", "log_prompts", c.api.log_prompts,
        "what users write, at log level debug; otherwise it is never logged");
}

// The same for one model: visit(name, value, what it is).
template <typename Options, typename Visit>
void for_each_model_field(Options& o, Visit&& visit) {
  visit("path", o.path, "model directory");
  visit("id", o.id, "the name requests use; empty: the directory's");
  visit("aliases", o.aliases, "other names, such as gpt-3.5-turbo");
  visit("precision", o.storage.weights, "f32, bf16, int8, int4; empty: as it is stored");
  visit("kv", o.storage.kv, "keys and values: f32, bf16, int8; empty: as the weights");
  visit("group", o.storage.group, "int4: inputs that share a scale");
  visit("max_sequences", o.max_sequences, "answers made side by side");
  visit("max_waiting", o.max_waiting, "requests in the queue; more are refused with 429");
  visit("kv_mb", o.kv_mb, "memory for keys and values; 0: by the context and the machine");
  visit("draft", o.draft, "a smaller model of the same tokenizer that guesses ahead");
  visit("lookup", o.lookup, "guess what followed the last N tokens before; 0: off");
  visit("draft_tokens", o.draft_tokens, "tokens guessed at once");
}

// Reads a .toml or .json file; paths in it are meant from where it is. Error naming file, line and
// field when one is unknown (with the nearest name), of the wrong type or out of range.
ServeConfig load_config(const base::fs::path& file);

// Sets a field from text ("8080", "true", "a,b"), as the environment and flags give it; `where`
// names its origin in messages. Error when the text does not fit.
void set_field(ServeConfig& config, std::string_view section, std::string_view name,
               const std::string& text, const std::string& where);
void set_model_field(ModelOptions& options, std::string_view name, const std::string& text,
                     const std::string& where);

// Takes over PARLEY_SECTION_NAME for each field of for_each_field ("PARLEY_SERVER_PORT=80"; lists
// separated by commas). `get` is getenv.
void apply_environment(ServeConfig& config, const std::function<const char*(const char*)>& get);

// What load_config reads again to the same, with what each field is as comments.
std::string to_toml(const ServeConfig& config);

// Error when values do not go together.
void validate(const ServeConfig& config);

}  // namespace parley::server
