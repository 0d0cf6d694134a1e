#include "server/config.h"

#include <toml++/toml.h>
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace parley::server {
namespace {

namespace fs = std::filesystem;

// One value of a file, with where it stands.
struct Value {
  Json json;
  std::string where;  // "serve.toml:12"
};
using Section = std::vector<std::pair<std::string, Value>>;

Json json_of(const toml::node& node) {
  if (const auto* value = node.as_string()) return value->get();
  if (const auto* value = node.as_integer()) return value->get();
  if (const auto* value = node.as_floating_point()) return value->get();
  if (const auto* value = node.as_boolean()) return value->get();
  if (const auto* array = node.as_array()) {
    Json list = Json::array();
    for (const toml::node& item : *array) list.push_back(json_of(item));
    return list;
  }
  return {};
}

int distance(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = std::exchange(row[0], static_cast<int>(i));
    for (size_t j = 1; j <= b.size(); ++j) {
      const int changed = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

[[noreturn]] void unknown(const std::string& where, const std::string& name,
                          const std::vector<std::string>& known) {
  const auto nearest = std::ranges::min_element(
      known, {}, [&](const std::string& other) { return distance(name, other); });
  base::fail("{}: there is no field '{}' here; did you mean '{}'? --print-config shows all", where,
             name, *nearest);
}

void set(std::string& to, const Json& from) { to = from.get<std::string>(); }
void set(fs::path& to, const Json& from) { to = from.get<std::string>(); }
void set(bool& to, const Json& from) { to = from.get<bool>(); }
void set(double& to, const Json& from) { to = from.get<double>(); }
void set(std::vector<std::string>& to, const Json& from) {
  to = from.get<std::vector<std::string>>();
}
template <typename Integer>
requires std::is_integral_v<Integer>
void set(Integer& to, const Json& from) {
  const auto value = from.get<int64_t>();
  if (!from.is_number_integer() || !std::in_range<Integer>(value) || value < 0)
    throw std::out_of_range("range");
  to = static_cast<Integer>(value);
}

template <typename T>
std::string expected(const T&) {
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  if constexpr (std::is_same_v<T, double>) return "a number";
  if constexpr (std::is_same_v<T, std::vector<std::string>>) return "a list of texts";
  if constexpr (std::is_integral_v<T>)
    return fmt::format("an integer from 0 to {}", std::numeric_limits<T>::max());
  return "a text";
}

template <typename T>
void assign(T& to, const Value& value, std::string_view name) {
  try {
    if constexpr (!std::is_same_v<T, bool> && !std::is_same_v<T, double>)
      if (value.json.is_boolean()) throw std::out_of_range("type");
    set(to, value.json);
  } catch (const std::exception&) {
    base::fail("{}: '{}' is {}; it must be {}", value.where, name, value.json.dump(), expected(to));
  }
}

// A text of the environment or the command line as what a field of this type takes.
template <typename T>
Value value_of(const T&, const std::string& text, const std::string& where) {
  Value value{Json(text), where};
  if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    value.json = Json::array();
    std::string_view rest = text;
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      value.json.push_back(std::string(rest.substr(0, comma)));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  } else if constexpr (std::is_same_v<T, bool>) {
    const bool yes = text == "true" || text == "on" || text == "yes" || text == "1";
    const bool no = text == "false" || text == "off" || text == "no" || text == "0";
    if (yes || no) value.json = yes;
  } else if constexpr (!std::is_same_v<T, std::string> && !std::is_same_v<T, fs::path>) {
    value.json = Json::parse(text, nullptr, false);
    if (value.json.is_discarded()) value.json = text;
  }
  return value;
}

ModelOptions read_model(const Section& section) {
  ModelOptions options;
  for (const auto& [name, value] : section) {
    bool found = false;
    std::vector<std::string> known;
    for_each_model_field(options, [&](const char* field, auto& to, const char*) {
      known.emplace_back(field);
      if (name != field) return;
      assign(to, value, name);
      found = true;
    });
    if (!found) unknown(value.where, name, known);
  }
  return options;
}

void read_section(ServeConfig& config, const std::string& section, const Section& fields) {
  for (const auto& [name, value] : fields) {
    bool found = false;
    std::vector<std::string> known;
    for_each_field(config, [&](const char* of, const char* field, auto& to, const char*) {
      if (section != of) return;
      known.emplace_back(field);
      if (name != field) return;
      assign(to, value, name);
      found = true;
    });
    if (!found) unknown(value.where, name, known);
  }
}

std::vector<std::string> section_names() {
  std::vector<std::string> names = {"models"};
  ServeConfig config;
  for_each_field(config, [&](const char* section, const char*, auto&, const char*) {
    if (std::ranges::find(names, section) == names.end()) names.emplace_back(section);
  });
  return names;
}

// A file as sections; "models" as a list of them.
struct File {
  std::vector<std::pair<std::string, Section>> sections;
  std::vector<Section> models;
};

Section section_of(const toml::table& table, const std::string& file) {
  Section section;
  for (const auto& [key, node] : table)
    section.emplace_back(std::string(key.str()),
                         Value{json_of(node), fmt::format("{}:{}", file, key.source().begin.line)});
  return section;
}

File read_toml(const fs::path& path) {
  const std::string name = path.string();
  File file;
  toml::table root;
  try {
    root = toml::parse(base::read_file(path, uint64_t{1} << 20), name);
  } catch (const toml::parse_error& error) {
    base::fail("{}:{}: {}", name, error.source().begin.line, error.description());
  }
  for (const auto& [key, node] : root) {
    const std::string where = fmt::format("{}:{}", name, key.source().begin.line);
    const std::string section(key.str());
    if (const auto names = section_names(); std::ranges::find(names, section) == names.end())
      unknown(where, section, names);
    if (section == "models") {
      const toml::array* list = node.as_array();
      if (!list) base::fail("{}: write [[models]] before each model", where);
      for (const toml::node& item : *list) {
        if (!item.is_table()) base::fail("{}: write [[models]] before each model", where);
        file.models.push_back(section_of(*item.as_table(), name));
      }
    } else if (const toml::table* table = node.as_table()) {
      file.sections.emplace_back(section, section_of(*table, name));
    } else {
      base::fail("{}: '{}' is a section: write [{}]", where, section, section);
    }
  }
  return file;
}

File read_json(const fs::path& path) {
  const std::string name = path.string();
  Json root;
  try {
    root = parse_body(base::read_file(path, uint64_t{1} << 20));
  } catch (const ApiError& error) {
    base::fail("{}: {}", name, error.what());
  }
  File file;
  const auto section_from = [&](const Json& object, const std::string& where) {
    if (!object.is_object()) base::fail("{}: {} must be an object", name, where);
    Section section;
    for (const auto& [key, value] : object.items())
      section.emplace_back(key, Value{value, fmt::format("{}, {}", name, where)});
    return section;
  };
  for (const auto& [key, value] : root.items()) {
    if (const auto names = section_names(); std::ranges::find(names, key) == names.end())
      unknown(name, key, names);
    if (key != "models") {
      file.sections.emplace_back(key, section_from(value, key));
      continue;
    }
    if (!value.is_array()) base::fail("{}: models must be an array", name);
    for (size_t i = 0; i < value.size(); ++i)
      file.models.push_back(section_from(value[i], fmt::format("models[{}]", i)));
  }
  return file;
}

std::string toml_text(const std::string& text) {
  return Json(text).dump();  // TOML's basic strings escape as JSON's do
}
std::string toml_text(const fs::path& path) { return toml_text(path.string()); }
std::string toml_text(bool value) { return value ? "true" : "false"; }
std::string toml_text(double value) {
  const std::string text = fmt::format("{}", value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}
std::string toml_text(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : ", ") + toml_text(item);
  return "[" + text + "]";
}
template <typename Integer>
requires std::is_integral_v<Integer> std::string toml_text(Integer value) {
  return fmt::format("{}", value);
}

}  // namespace

ServeConfig load_config(const fs::path& path) {
  const File file = path.extension() == ".json" ? read_json(path) : read_toml(path);
  ServeConfig config;
  for (const auto& [section, fields] : file.sections) read_section(config, section, fields);
  for (const Section& model : file.models) config.models.push_back(read_model(model));

  // Paths are meant from where the file is.
  const fs::path folder = fs::absolute(path).parent_path();
  const auto resolve = [&](auto& place) {
    if (!place.empty() && fs::path(place).is_relative()) place = (folder / place).string();
  };
  for (ModelOptions& model : config.models) {
    resolve(model.path);
    resolve(model.draft);
  }
  resolve(config.keys);
  resolve(config.app.runs);
  resolve(config.app.web);
  if (config.app.database.find(':') == std::string::npos) resolve(config.app.database);
  resolve(config.server.tls_certificate);
  resolve(config.server.tls_key);
  if (config.access_log != "stderr" && config.access_log != "off") resolve(config.access_log);
  return config;
}

void set_field(ServeConfig& config, std::string_view section, std::string_view name,
               const std::string& text, const std::string& where) {
  for_each_field(config, [&](const char* of, const char* field, auto& to, const char*) {
    if (section == of && name == field) assign(to, value_of(to, text, where), name);
  });
}

void set_model_field(ModelOptions& options, std::string_view name, const std::string& text,
                     const std::string& where) {
  for_each_model_field(options, [&](const char* field, auto& to, const char*) {
    if (name == field) assign(to, value_of(to, text, where), name);
  });
}

void apply_environment(ServeConfig& config, const std::function<const char*(const char*)>& get) {
  for_each_field(config, [&](const char* section, const char* name, auto& to, const char*) {
    std::string variable = fmt::format("PARLEY_{}_{}", section, name);
    std::ranges::transform(variable, variable.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (const char* text = get(variable.c_str()))
      assign(to, value_of(to, text, "the environment's " + variable), name);
  });
}

std::string to_toml(const ServeConfig& config) {
  std::string out, last;
  for_each_field(
      config, [&](const char* section, const char* name, const auto& value, const char* meaning) {
        if (last != section) out += fmt::format("{}[{}]\n", last.empty() ? "" : "\n", section);
        last = section;
        out += fmt::format("{} = {}  # {}\n", name, toml_text(value), meaning);
      });
  for (const ModelOptions& model : config.models) {
    out += "\n[[models]]\n";
    for_each_model_field(model, [&](const char* name, const auto& value, const char* meaning) {
      out += fmt::format("{} = {}  # {}\n", name, toml_text(value), meaning);
    });
  }
  return out;
}

void validate(const ServeConfig& config) {
  const auto require = [](bool good, std::string_view message) {
    if (!good) base::fail("{}", message);
  };
  require(config.server.tls_certificate.empty() == config.server.tls_key.empty(),
          "server.tls_certificate and server.tls_key are needed both, or none");
  require(config.access_format == "text" || config.access_format == "json",
          "log.access_format must be text or json");
  require(config.app.summaries == "extract" || config.app.summaries == "model" ||
              config.app.summaries == "off",
          "app.summaries must be extract, model or off");
  require(config.server.threads >= 1 && config.server.threads <= 64,
          "server.http_threads must be 1 to 64");
  require(config.server.max_connections >= 1, "server.max_connections must be at least 1");
  require(config.server.max_header_bytes >= 1024, "server.max_header_bytes must be at least 1024");
  require(config.server.max_body_bytes >= 1024, "server.max_body_bytes must be at least 1024");
  for (const double seconds : {config.server.header_seconds, config.server.body_seconds,
                               config.server.idle_seconds, config.server.write_seconds})
    require(seconds > 0 && seconds < 1e6, "the time limits of [server] must be above 0");
  require(config.drain_seconds >= 0 && config.drain_seconds < 1e6 &&
              config.api.request_seconds >= 0 && config.api.request_seconds < 1e6,
          "drain_seconds and request_seconds must not be negative");
  for (const ModelOptions& model : config.models) {
    require(!model.path.empty(), "a model without a path");
    if (model.max_sequences < 1 || model.max_sequences > 1024 || model.max_waiting < 1 ||
        model.draft_tokens < 1)
      base::fail(
          "model {}: max_sequences must be 1 to 1024, max_waiting and draft_tokens at least 1",
          model.path.string());
    static_cast<void>(model.storage.precision(model::Precision::kF32));  // names are known
    static_cast<void>(model.storage.kv_format(model::Precision::kF32));
  }
}

}  // namespace parley::server
