// String methods, as Python's str has them, on text that keeps its origins.
#include <utf8proc.h>

#include <algorithm>

#include "base/error.h"
#include "tokenizer/jinja_functions.h"
#include "tokenizer/unicode.h"

namespace parley::tokenizer::jinja {
namespace {

// The bytes of the character at `at`; a byte that begins none counts as one.
size_t character_bytes(std::string_view text, size_t at) {
  const auto length = static_cast<size_t>(utf8_length(static_cast<uint8_t>(text[at])));
  if (length <= 1 || at + length > text.size()) return 1;
  return valid_utf8_prefix(text.substr(at, length)) == length ? length : 1;
}

bool is_space_at(std::string_view text, size_t at, size_t bytes) {
  const auto byte = static_cast<uint8_t>(text[at]);
  if (bytes == 1) return byte == ' ' || (byte >= 9 && byte <= 13) || (byte >= 28 && byte <= 31);
  return char_class_table()[decode_valid(text.data() + at).value] & kSpace;
}

enum class Case { kUpper, kLower, kTitle, kCapitalize };

MarkedText change_case(const MarkedText& text, Case how) {
  MarkedText out;
  bool inside = false;  // of a word
  for (size_t i = 0; i < text.size();) {
    const size_t bytes = character_bytes(text.bytes, i);
    const auto byte = static_cast<uint8_t>(text.bytes[i]);
    if (bytes == 1 && byte >= 0x80) {
      out.append(text, i, i + 1);
      inside = false;
    } else {
      const uint32_t c = decode_valid(text.bytes.data() + i).value;
      const bool upper = how == Case::kUpper || (how == Case::kTitle && !inside) ||
                         (how == Case::kCapitalize && i == 0);
      std::string changed;
      append_utf8(static_cast<uint32_t>(upper ? utf8proc_toupper(static_cast<int32_t>(c))
                                              : utf8proc_tolower(static_cast<int32_t>(c))),
                  changed);
      out.append(changed, static_cast<Origin>(text.origins[i]));
      inside = char_class_table()[c] & (kUpper | kLower);
    }
    i += bytes;
  }
  return out;
}

const MarkedText& text_argument(const Arguments& arguments, size_t position,
                                std::string_view name) {
  const Value* value = arguments.find(position, name);
  if (!value || !value->is_text()) base::fail("argument {} must be a string", position + 1);
  return value->as_text();
}

Value split_at_spaces(const MarkedText& text, int64_t most) {
  std::vector<Value> parts;
  const std::string_view bytes = text.bytes;
  size_t i = 0;
  while (i < bytes.size()) {
    size_t length = character_bytes(bytes, i);
    if (is_space_at(bytes, i, length)) {
      i += length;
      continue;
    }
    size_t end = i;
    if (most >= 0 && static_cast<int64_t>(parts.size()) >= most) {
      parts.push_back(strip_text(text.slice(i, bytes.size()), nullptr, false, true));
      break;
    }
    while (end < bytes.size() && !is_space_at(bytes, end, length = character_bytes(bytes, end)))
      end += length;
    parts.push_back(text.slice(i, end));
    i = end;
  }
  return Value::list(std::move(parts));
}

Value split(Context& context, const MarkedText& text, const Arguments& arguments, bool from_right) {
  const Value* limit = arguments.find(1, "maxsplit");
  const int64_t most = limit && limit->is_int() ? limit->as_int() : -1;
  const Value* separator = arguments.find(0, "sep");
  context.budget.charge(static_cast<int64_t>(text.size()) * 8);
  if (!separator || separator->is_none()) {
    if (from_right && most >= 0) base::fail("rsplit with maxsplit needs a separator");
    return split_at_spaces(text, most);
  }
  if (!separator->is_text() || separator->as_text().size() == 0)
    base::fail("{} needs a string that is not empty", from_right ? "rsplit" : "split");
  const std::string& sep = separator->as_text().bytes;
  std::vector<size_t> found;
  for (size_t at = find_text(context, text.bytes, sep, 0); at != std::string::npos;
       at = find_text(context, text.bytes, sep, at + sep.size()))
    found.push_back(at);
  if (most >= 0 && static_cast<size_t>(most) < found.size()) {
    const auto extra = static_cast<ptrdiff_t>(found.size() - static_cast<size_t>(most));
    if (from_right) {
      found.erase(found.begin(), found.begin() + extra);
    } else {
      found.erase(found.end() - extra, found.end());
    }
  }
  std::vector<Value> parts;
  size_t begin = 0;
  for (const size_t at : found) {
    parts.push_back(text.slice(begin, at));
    begin = at + sep.size();
  }
  parts.push_back(text.slice(begin, text.size()));
  return Value::list(std::move(parts));
}

Value split_lines(const MarkedText& text) {
  std::vector<Value> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.bytes.find_first_of("\n\r", begin), text.size());
    lines.push_back(text.slice(begin, end));
    begin = end + (text.bytes.compare(end, 2, "\r\n") == 0 ? 2 : 1);
  }
  return Value::list(std::move(lines));
}

// `test` of the argument, or of one of a tuple's.
template <typename Test>
bool any_affix(const Arguments& arguments, Test&& test) {
  const Value* affix = arguments.find(0, "");
  if (affix && affix->is_text()) return test(affix->as_text().bytes);
  if (!affix || !affix->is_list()) base::fail("argument 1 must be a string or a tuple of strings");
  return std::any_of(affix->items().begin(), affix->items().end(), [&](const Value& item) {
    if (!item.is_text()) base::fail("argument 1 must be a string or a tuple of strings");
    return test(item.as_text().bytes);
  });
}

int64_t count_text(Context& context, std::string_view text, std::string_view part) {
  if (part.empty()) base::fail("count needs a string that is not empty");
  int64_t count = 0;
  for (size_t at = find_text(context, text, part, 0); at != text.npos;
       at = find_text(context, text, part, at + part.size()))
    ++count;
  return count;
}

bool all_of_class(std::string_view text, int classes) {
  for (size_t i = 0; i < text.size();) {
    const size_t bytes = character_bytes(text, i);
    if (bytes == 1 && static_cast<uint8_t>(text[i]) >= 0x80) return false;
    if (!(char_class_table()[decode_valid(text.data() + i).value] & classes)) return false;
    i += bytes;
  }
  return !text.empty();
}

}  // namespace

std::vector<size_t> character_starts(std::string_view text) {
  std::vector<size_t> starts;
  for (size_t i = 0; i < text.size(); i += character_bytes(text, i)) starts.push_back(i);
  starts.push_back(text.size());
  return starts;
}

size_t find_text(Context& context, std::string_view text, std::string_view part, size_t at) {
  const size_t rest = text.size() - std::min(at, text.size());
  // Finding may take a look at all of `part` at each place.
  context.budget.charge(static_cast<int64_t>(part.size() + rest * (part.size() / 64)));
  const size_t found = text.find(part, at);
  context.budget.charge(static_cast<int64_t>(std::min(found, text.size()) - (text.size() - rest)));
  return found;
}

MarkedText replace_text(Context& context, const MarkedText& text, const MarkedText& from,
                        const MarkedText& to, int64_t count) {
  if (from.size() == 0) base::fail("replace needs a string that is not empty");
  MarkedText out;
  size_t begin = 0;
  for (; count != 0; --count) {
    const size_t at = find_text(context, text.bytes, from.bytes, begin);
    if (at == std::string::npos) break;
    context.budget.charge(static_cast<int64_t>(to.size()));
    out.append(text, begin, at);
    out.append(to);
    begin = at + from.size();
  }
  out.append(text, begin, text.size());
  return out;
}

MarkedText strip_text(const MarkedText& text, const Value* characters, bool left, bool right) {
  const std::string_view bytes = text.bytes;
  std::string_view set;
  if (characters && !characters->is_none()) {
    if (!characters->is_text()) base::fail("the characters to strip must be a string");
    set = characters->as_text().bytes;
    if (set.size() > 1000) base::fail("more than 1000 characters to strip");
  }
  const auto goes = [&](size_t at, size_t length) {
    if (set.data() == nullptr) return is_space_at(bytes, at, length);
    return set.find(bytes.substr(at, length)) != set.npos;
  };
  size_t begin = 0, end = bytes.size();
  if (left)
    for (size_t n; begin < end && goes(begin, n = character_bytes(bytes, begin));) begin += n;
  while (right && end > begin) {
    size_t at = end - 1;
    while (at > begin && end - at < 4 && (static_cast<uint8_t>(bytes[at]) & 0xC0) == 0x80) --at;
    if (at + character_bytes(bytes, at) != end) at = end - 1;
    if (!goes(at, end - at)) break;
    end = at;
  }
  return text.slice(begin, end);
}

Value call_text_method(Context& context, const MarkedText& text, std::string_view name,
                       const Arguments& arguments) {
  const auto size = static_cast<int64_t>(text.size());
  context.budget.charge(size);
  if (name == "strip" || name == "lstrip" || name == "rstrip")
    return strip_text(text, arguments.find(0, ""), name != "rstrip", name != "lstrip");
  if (name == "split" || name == "rsplit") return split(context, text, arguments, name == "rsplit");
  if (name == "splitlines") return split_lines(text);
  if (name == "startswith")
    return any_affix(arguments, [&](const std::string& s) { return text.bytes.starts_with(s); });
  if (name == "endswith")
    return any_affix(arguments, [&](const std::string& s) { return text.bytes.ends_with(s); });
  if (name == "upper") return change_case(text, Case::kUpper);
  if (name == "lower") return change_case(text, Case::kLower);
  if (name == "title") return change_case(text, Case::kTitle);
  if (name == "capitalize") return change_case(text, Case::kCapitalize);
  if (name == "replace") {
    const Value* count = arguments.find(2, "count");
    return replace_text(context, text, text_argument(arguments, 0, "old"),
                        text_argument(arguments, 1, "new"),
                        count && count->is_int() ? count->as_int() : -1);
  }
  if (name == "removeprefix" || name == "removesuffix") {
    const std::string& affix = text_argument(arguments, 0, "").bytes;
    const size_t n = affix.size();
    if (name == "removeprefix")
      return text.bytes.starts_with(affix) ? text.slice(n, text.size()) : text;
    return text.bytes.ends_with(affix) ? text.slice(0, text.size() - n) : text;
  }
  if (name == "find" || name == "rfind") {
    const std::string& part = text_argument(arguments, 0, "").bytes;
    context.budget.charge(size + size * static_cast<int64_t>(part.size() / 64));
    const size_t at = name == "find" ? text.bytes.find(part) : text.bytes.rfind(part);
    if (at == std::string::npos) return int64_t{-1};
    return static_cast<int64_t>(
        character_starts(std::string_view(text.bytes).substr(0, at)).size() - 1);
  }
  if (name == "count")
    return count_text(context, text.bytes, text_argument(arguments, 0, "").bytes);
  if (name == "isdigit" || name == "isnumeric") return all_of_class(text.bytes, kNumber);
  if (name == "isalpha") return all_of_class(text.bytes, kLetter);
  if (name == "isspace") return all_of_class(text.bytes, kSpace);
  if (name == "join") {
    const Value* list = arguments.find(0, "");
    Arguments separator;
    separator.values.push_back(text);
    return apply_filter(context, "join", list ? *list : Value(), separator);
  }
  base::fail("a string has no method '{}'", name);
}

}  // namespace parley::tokenizer::jinja
