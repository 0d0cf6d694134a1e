// The chat app: its files and its HTTP interface (docs/app_api.md).
#pragma once

#include <memory>
#include <span>

#include "app/call.h"
#include "http/exchange.h"

namespace parley::app {

class App {
 public:
  // Opens the store and marks answers that a killed server left. `pack`: the web app's files, as
  // web_files.h reads them; empty: none were built. Error when the store cannot be opened.
  App(AppOptions options, server::ModelRegistry& models, server::Services& api,
      std::span<const char> pack = {});
  ~App();

  // Whether a request is the app's: /app/…, and files of the web app.
  static bool owns(std::string_view method, std::string_view path);
  http::Task handle(http::Exchange& exchange);
  // Before the models end: answers under way get `seconds`. Blocks.
  void drain(double seconds);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::app
