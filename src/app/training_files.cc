#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <vector>

#include "app/training.h"
#include "base/files.h"
#include "tokenizer/unicode.h"

namespace parley::app {
namespace {

constexpr int kMostDepth = 5;
constexpr int64_t kMostEntries = 20'000;  // of folders that are looked at
constexpr size_t kMostRuns = 500, kMostTables = 100;
constexpr size_t kMostLine = 1 << 20;
constexpr size_t kSampleBytes = 1 << 20;
constexpr uint64_t kConfigBytes = 1 << 20, kReportBytes = 64 << 20;

ApiError no_such_run() { return {404, "There is no such run.", {}, "not_found"}; }

// Calls `line` for each whole line: its text (empty when it is longer than any line of metrics) and
// its number, from 0. Returns how many there are. False from `line` ends the reading.
template <typename Line>
int64_t each_line(const fs::path& file, Line line) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "rb"),
                                                           &std::fclose);
  if (!in) return 0;
  std::vector<char> buffer(1 << 18);
  std::string text;
  bool too_long = false;
  int64_t number = 0;
  while (const size_t n = std::fread(buffer.data(), 1, buffer.size(), in.get())) {
    std::string_view rest(buffer.data(), n);
    while (true) {
      const size_t end = rest.find('\n');
      too_long = too_long || text.size() + std::min(end, rest.size()) > kMostLine;
      if (!too_long) text.append(rest.substr(0, end));
      if (end == std::string_view::npos) break;
      if (!line(too_long ? std::string_view() : std::string_view(text), number++)) return number;
      text.clear();
      too_long = false;
      rest.remove_prefix(end + 1);
    }
  }
  return number;
}

std::optional<Json> parse_line(std::string_view text) {
  if (text.empty()) return std::nullopt;
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

// The last whole line that is an object.
Json last_line(const fs::path& file) {
  constexpr int64_t kTail = 1 << 16;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "rb"),
                                                           &std::fclose);
  if (!in || std::fseek(in.get(), 0, SEEK_END) != 0) return Json::object();
  const int64_t size = std::ftell(in.get());
  std::string tail(static_cast<size_t>(std::clamp<int64_t>(size, 0, kTail)), '\0');
  if (std::fseek(in.get(), static_cast<long>(size - std::ssize(tail)), SEEK_SET) != 0)
    return Json::object();
  tail.resize(std::fread(tail.data(), 1, tail.size(), in.get()));
  size_t end = tail.rfind('\n');
  while (end != std::string::npos) {
    const size_t begin = end == 0 ? std::string::npos : tail.rfind('\n', end - 1);
    const size_t from = begin == std::string::npos ? 0 : begin + 1;
    if (auto line = parse_line(std::string_view(tail).substr(from, end - from)))
      return std::move(*line);
    end = begin;
  }
  return Json::object();
}

store::Time modified(const fs::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return 0;
  return static_cast<store::Time>(info.st_mtim.tv_sec) * 1000 + info.st_mtim.tv_nsec / 1'000'000;
}

Json read_config(const fs::path& file) {
  try {
    Json json = Json::parse(base::read_file(file, kConfigBytes), nullptr, false);
    if (json.is_object()) return json;
  } catch (const base::Error&) {
  }
  return Json::object();
}

Json run_json(const fs::path& path, const std::string& name) {
  Json config = read_config(path / "config.json");
  Json last = last_line(path / "metrics.jsonl");
  const auto text = [&](const char* key) {
    const auto it = config.find(key);
    return it != config.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  // How many steps are planned; of runs that do not say, how many there were.
  int64_t steps = 0;
  for (const Json* from : {&config, &last}) {
    const auto options = from->find("options");
    const Json& fields = options != from->end() && options->is_object() ? *options : *from;
    for (const char* key : {"steps", "iterations", "step"})
      if (const auto it = fields.find(key);
          steps <= 0 && it != fields.end() && it->is_number_integer())
        steps = it->get<int64_t>();
  }
  const store::Time updated =
      std::max(modified(path / "metrics.jsonl"), modified(path / "config.json"));
  const store::Time started = modified(path / "config.json");
  return {{"name", name},
          {"stage", text("stage")},
          {"started", started > 0 ? started : updated},
          {"updated", updated},
          {"steps", steps},
          {"last", std::move(last)},
          {"config", std::move(config)}};
}

// Calls `visit` for each folder and file below `root`, links left out; a folder is entered when it
// returns true.
template <typename Visit>
void walk(const fs::path& root, Visit visit) {
  std::error_code error;
  int64_t seen = 0;
  fs::recursive_directory_iterator it(root, fs::directory_options::skip_permission_denied, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    if (++seen > kMostEntries) return;
    std::error_code ignored;
    const bool enter = !it->is_symlink(ignored) && visit(*it) && it.depth() + 1 < kMostDepth;
    if (!enter) it.disable_recursion_pending();
  }
}

bool is_regular(const fs::path& file) {
  std::error_code error;
  return fs::symlink_status(file, error).type() == fs::file_type::regular;
}

}  // namespace

RunFolder::RunFolder(const fs::path& folder) {
  std::error_code error;
  root_ = fs::canonical(folder, error);
  if (error || !fs::is_directory(root_, error))
    throw ApiError(503,
                   fmt::format("The folder of runs cannot be read: {}. Start `parley serve` with "
                               "--runs and a folder that exists.",
                               folder.string()),
                   {}, "no_runs");
}

bool RunFolder::inside(const fs::path& path) const {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) return false;
  const auto [end, ignored] = std::mismatch(root_.begin(), root_.end(), real.begin(), real.end());
  return end == root_.end();
}

fs::path RunFolder::run_path(std::string_view run) const {
  if (run.empty() || run.size() > 1000 || run.find('\0') != std::string_view::npos ||
      run.front() == '/')
    throw no_such_run();
  const fs::path relative(run);
  for (const fs::path& part : relative)
    if (part.empty() || part == "." || part == "..") throw no_such_run();
  const fs::path path = root_ / relative;
  std::error_code error;
  if (!fs::is_directory(path, error) || error || !inside(path)) throw no_such_run();
  if (!fs::exists(path / "metrics.jsonl", error) && !fs::exists(path / "config.json", error))
    throw no_such_run();
  return path;
}

Json RunFolder::runs() const {
  std::vector<fs::path> found;
  // The folder itself may be a run's.
  walk(root_, [&](const fs::directory_entry& entry) {
    std::error_code error;
    if (!entry.is_directory(error)) return false;
    if (!is_regular(entry.path() / "metrics.jsonl")) return true;
    if (found.size() < kMostRuns) found.push_back(entry.path());
    return false;
  });
  std::vector<Json> runs;
  for (const fs::path& path : found) {
    const std::string name = path.lexically_relative(root_).string();
    if (tokenizer::valid_utf8_prefix(name) != name.size()) continue;  // no address leads there
    runs.push_back(run_json(path, name));
  }
  std::ranges::stable_sort(runs, [](const Json& a, const Json& b) {
    return std::pair(b["updated"].get<int64_t>(), a["name"].get<std::string>()) <
           std::pair(a["updated"].get<int64_t>(), b["name"].get<std::string>());
  });
  return Json(runs);
}

Json RunFolder::metrics(std::string_view run, int64_t after, size_t most) const {
  const fs::path file = run_path(run) / "metrics.jsonl";
  std::error_code error;
  if (fs::exists(file, error) && (!inside(file) || !fs::is_regular_file(file, error)))
    throw no_such_run();
  Json lines = Json::array();
  const auto add = [&](std::string_view text) {
    if (auto line = parse_line(text)) lines.push_back(std::move(*line));
  };
  if (after >= 0) {
    int64_t next = 0;
    each_line(file, [&](std::string_view text, int64_t number) {
      next = number + 1;
      if (number >= after) add(text);
      return lines.size() < most;
    });
    // A file that became shorter (a run that was resumed) is read from its beginning.
    return {{"lines", std::move(lines)}, {"next", next}};
  }
  // Lines with a validation are rare and matter: they are thinned apart from the rest.
  const auto is_rare = [](std::string_view text) {
    return text.find("\"val") != std::string_view::npos;
  };
  std::vector<int64_t> counts(2, 0);
  const int64_t all = each_line(file, [&](std::string_view text, int64_t) {
    ++counts[is_rare(text) ? 1 : 0];
    return true;
  });
  const auto share = static_cast<int64_t>(most);
  const int64_t rare_room = std::min(counts[1], std::max(share / 2, share - counts[0]));
  const std::vector<int64_t> rooms = {std::max<int64_t>(share - rare_room - 1, 1),
                                      std::max<int64_t>(rare_room, 1)};
  std::vector<int64_t> seen(2, 0), taken(2, 0);
  each_line(file, [&](std::string_view text, int64_t number) {
    const size_t kind = is_rare(text) ? 1 : 0;
    // The i-th of n lines is taken when the count of those due grows with it.
    const int64_t due = counts[kind] <= rooms[kind]
                            ? seen[kind] + 1
                            : (seen[kind] * rooms[kind]) / std::max<int64_t>(counts[kind], 1) + 1;
    ++seen[kind];
    if (taken[kind] < due || number + 1 == all) {
      taken[kind] = due;
      add(text);
    }
    return number + 1 < all;  // what was appended meanwhile comes the next time
  });
  return {{"lines", std::move(lines)}, {"next", all}};
}

std::string RunFolder::samples(std::string_view run) const {
  const fs::path file = run_path(run) / "samples.md";
  std::error_code error;
  if (!fs::exists(file, error)) return {};
  if (!inside(file) || !fs::is_regular_file(file, error)) throw no_such_run();
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "rb"),
                                                           &std::fclose);
  if (!in || std::fseek(in.get(), 0, SEEK_END) != 0) return {};
  const int64_t size = std::max<int64_t>(std::ftell(in.get()), 0);
  std::string text(std::min<size_t>(static_cast<size_t>(size), kSampleBytes), '\0');
  std::fseek(in.get(), static_cast<long>(size - std::ssize(text)), SEEK_SET);
  text.resize(std::fread(text.data(), 1, text.size(), in.get()));
  if (static_cast<int64_t>(text.size()) < size)
    text.erase(0, std::min(text.find('\n'), text.size() - 1) + 1);
  return tokenizer::valid_utf8(text);
}

Json RunFolder::winrates() const {
  std::vector<Json> tables;
  walk(root_, [&](const fs::directory_entry& entry) {
    std::error_code error;
    const std::string name = entry.path().filename().string();
    if (entry.is_directory(error)) return name != "checkpoints" && name != "model";
    if (tables.size() >= kMostTables || entry.path().extension() != ".json" ||
        !is_regular(entry.path()) || entry.file_size(error) > kReportBytes)
      return false;
    try {
      // Only what begins like a report is worth parsing.
      const std::string text = base::read_file(entry.path(), kReportBytes);
      if (text.substr(0, 200).find("\"judge\"") == std::string::npos) return false;
      Json report = Json::parse(text, nullptr, false);
      if (!report.is_object() || !report.contains("pairs") || !report["pairs"].is_array())
        return false;
      report.erase("comparisons");
      Json table = {
          {"run", tokenizer::valid_utf8(entry.path().lexically_relative(root_).string())}};
      table.update(report);
      tables.push_back(std::move(table));
    } catch (const base::Error&) {  // it went away
    }
    return false;
  });
  std::ranges::sort(tables, [](const Json& a, const Json& b) {
    return a["run"].get_ref<const std::string&>() < b["run"].get_ref<const std::string&>();
  });
  return Json(tables);
}

}  // namespace parley::app
