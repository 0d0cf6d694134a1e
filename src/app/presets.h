// Presets that come with the app, in both languages.
#pragma once

#include <string_view>
#include <vector>

#include "app/call.h"

namespace parley::app {

struct BuiltinPreset {
  std::string_view name;  // the same in both languages; with the language it is the id
  std::string_view language;
  std::string_view title, system, text_template;
  double temperature;  // < 0: the model's own
};

const std::vector<BuiltinPreset>& builtin_presets();

}  // namespace parley::app
