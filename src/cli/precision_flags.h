// Flags of every command that runs a model: how its weights and its cache are stored.
#pragma once

#include <CLI/CLI.hpp>

#include "text/storage.h"

namespace parley::cli {

void add_precision_flags(CLI::App& app, text::Storage& storage);

}  // namespace parley::cli
