#include "tokenizer/jinja_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"

namespace parley::tokenizer::jinja {
namespace {

int checked_depth(int inner) {
  if (inner >= kMaxDepth)
    base::fail("lists and dicts are nested deeper than {}, or hold a namespace", kMaxDepth);
  return inner + 1;
}

int64_t checked_weight(int64_t weight) {
  if (weight > kMaxWeight) base::fail("a list or dict is larger than {} bytes", kMaxWeight);
  return weight;
}

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string text(buffer, end);
  if (text.find_first_of(".e") == text.npos) text += ".0";
  return text;
}

// `text` in quotes, as Python (`json` false) or JSON writes it.
void quote(const MarkedText& text, bool json, MarkedText& out) {
  const bool single = !json && !(text.bytes.find('\'') != std::string::npos &&
                                 text.bytes.find('"') == std::string::npos);
  const char mark = single ? '\'' : '"';
  out.append(std::string_view(&mark, 1), Origin::kTemplate);
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text.bytes[i];
    const auto origin = static_cast<Origin>(text.origins[i]);
    const auto byte = static_cast<uint8_t>(c);
    if (c == mark || c == '\\') {
      out.append(std::string{'\\', c}, origin);
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out.append(c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t", origin);
    } else if (json && (c == '\b' || c == '\f')) {
      out.append(c == '\b' ? "\\b" : "\\f", origin);
    } else if (byte < 0x20 || (byte == 0x7F && !json)) {
      out.append(json ? fmt::format("\\u{:04x}", byte) : fmt::format("\\x{:02x}", byte), origin);
    } else {
      out.append(text, i, i + 1);
    }
  }
  out.append(std::string_view(&mark, 1), Origin::kTemplate);
}

void write_json(const Value& value, int indent, int level, MarkedText& out) {
  const auto put = [&out](std::string_view text) { out.append(text, Origin::kTemplate); };
  const auto new_line = [&](int at) {
    if (indent >= 0) put(fmt::format("\n{:{}}", "", indent * at));
  };
  const std::string_view comma = indent >= 0 ? "," : ", ";
  if (value.is_text()) {
    quote(value.as_text(), true, out);
  } else if (value.is_none()) {
    put("null");
  } else if (value.is_bool()) {
    put(value.as_int() ? "true" : "false");
  } else if (value.is_int() || value.is_float()) {
    put(value.str().bytes);
  } else if (value.is_list()) {
    const auto& items = value.items();
    put("[");
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) put(comma);
      new_line(level + 1);
      write_json(items[i], indent, level + 1, out);
    }
    if (!items.empty()) new_line(level);
    put("]");
  } else if (value.is_dict() && !value.dict_of().is_namespace) {
    const auto& items = value.dict_of().items;
    put("{");
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) put(comma);
      new_line(level + 1);
      quote(items[i].first, true, out);
      put(": ");
      write_json(items[i].second, indent, level + 1, out);
    }
    if (!items.empty()) new_line(level);
    put("}");
  } else {
    base::fail("tojson cannot write {}", value.kind());
  }
}

void write_repr(const Value& value, MarkedText& out) {
  const auto put = [&out](std::string_view text) { out.append(text, Origin::kTemplate); };
  if (value.is_text()) return quote(value.as_text(), false, out);
  if (value.is_list()) {
    const List& list = value.list_of();
    put(list.tuple ? "(" : "[");
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) put(", ");
      write_repr(list.items[i], out);
    }
    put(list.tuple ? list.items.size() == 1 ? ",)" : ")" : "]");
  } else if (value.is_dict()) {
    if (value.dict_of().is_namespace) return put("<namespace>");
    put("{");
    bool first = true;
    for (const auto& [key, item] : value.dict_of().items) {
      if (!first) put(", ");
      first = false;
      quote(key, false, out);
      put(": ");
      write_repr(item, out);
    }
    put("}");
  } else {
    out.append(value.str());
  }
}

}  // namespace

const Value* Dict::find(std::string_view key) const {
  for (const auto& [name, value] : items)
    if (name.bytes == key) return &value;
  return nullptr;
}

void Dict::set(MarkedText key, Value value) {
  depth = std::max(depth, checked_depth(value.depth()));
  weight = checked_weight(weight + static_cast<int64_t>(key.size()) + value.weight());
  for (auto& [name, old] : items)
    if (name.bytes == key.bytes) {
      old = std::move(value);
      return;
    }
  if (items.size() >= kMaxKeys) base::fail("a dict has more than {} keys", kMaxKeys);
  items.emplace_back(std::move(key), std::move(value));
}

Value Value::list(std::vector<Value> items, bool tuple) {
  int depth = 0;
  int64_t weight = 0;
  for (const Value& item : items) {
    depth = std::max(depth, checked_depth(item.depth()));
    weight = checked_weight(weight + item.weight());
  }
  return std::make_shared<const List>(List{std::move(items), tuple, depth, weight});
}

Value Value::dict(std::vector<std::pair<MarkedText, Value>> items) {
  auto dict = std::make_shared<Dict>();
  for (auto& [key, value] : items) dict->set(std::move(key), std::move(value));
  return dict;
}

int Value::depth() const {
  if (is_list()) return list_of().depth;
  if (!is_dict()) return 0;
  return dict_of().is_namespace ? kMaxDepth : dict_of().depth;
}

int64_t Value::weight() const {
  constexpr int64_t kEach = 16;
  if (is_text()) return kEach + static_cast<int64_t>(as_text().size());
  if (is_list()) return kEach + list_of().weight;
  return kEach + (is_dict() ? dict_of().weight : 0);
}

int64_t Value::as_int() const {
  return is_bool() ? int64_t{std::get<bool>(value_)} : std::get<int64_t>(value_);
}

double Value::as_number() const {
  return is_float() ? std::get<double>(value_) : static_cast<double>(as_int());
}

bool Value::truth() const {
  if (is_bool() || is_int()) return as_int() != 0;
  if (is_float()) return as_number() != 0;
  if (is_text()) return as_text().size() > 0;
  if (is_list()) return !items().empty();
  if (is_dict()) return dict_of().is_namespace || !dict_of().items.empty();
  return is_callable();
}

std::string_view Value::kind() const {
  return is_undefined() ? "an undefined value"
         : is_none()    ? "none"
         : is_bool()    ? "a boolean"
         : is_number()  ? "a number"
         : is_text()    ? "a string"
         : is_list()    ? "a list"
         : is_dict()    ? dict_of().is_namespace ? "a namespace" : "a dict"
                        : "a function";
}

MarkedText Value::str() const {
  if (is_text()) return as_text();
  if (is_list() || is_dict()) return repr();
  std::string text;
  if (is_none()) text = "None";
  if (is_bool()) text = as_int() ? "True" : "False";
  if (is_int()) text = std::to_string(as_int());
  if (is_float()) text = float_text(as_number());
  if (is_callable()) text = "<function>";
  return {text, Origin::kTemplate};
}

MarkedText Value::repr() const {
  MarkedText out;
  write_repr(*this, out);
  return out;
}

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number())
    return a.is_float() || b.is_float() ? a.as_number() == b.as_number() : a.as_int() == b.as_int();
  if (a.is_text() && b.is_text()) return a.as_text().bytes == b.as_text().bytes;
  if (a.is_none() || a.is_undefined())
    return a.is_none() == b.is_none() && a.is_undefined() == b.is_undefined();
  if (a.is_list() && b.is_list())
    return a.list_of().tuple == b.list_of().tuple &&
           std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(),
                      equal);
  if (a.is_dict() && b.is_dict()) {
    const Dict &left = a.dict_of(), &right = b.dict_of();
    if (left.is_namespace || right.is_namespace) return &left == &right;
    return left.items.size() == right.items.size() &&
           std::all_of(left.items.begin(), left.items.end(), [&](const auto& item) {
             const Value* other = right.find(item.first.bytes);
             return other && equal(item.second, *other);
           });
  }
  return false;
}

int compare(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is_float() || b.is_float())
      return (a.as_number() > b.as_number()) - (a.as_number() < b.as_number());
    return (a.as_int() > b.as_int()) - (a.as_int() < b.as_int());
  }
  if (a.is_text() && b.is_text()) return a.as_text().bytes.compare(b.as_text().bytes);
  if (a.is_list() && b.is_list()) {
    for (size_t i = 0; i < std::min(a.items().size(), b.items().size()); ++i)
      if (const int order = compare(a.items()[i], b.items()[i]); order != 0) return order;
    return a.items().size() < b.items().size() ? -1 : a.items().size() > b.items().size();
  }
  base::fail("{} and {} have no order", a.kind(), b.kind());
}

MarkedText to_json(const Value& value, int indent) {
  MarkedText out;
  write_json(value, indent, 0, out);
  return out;
}

}  // namespace parley::tokenizer::jinja
