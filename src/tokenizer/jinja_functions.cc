#include "tokenizer/jinja_functions.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <iterator>

#include "base/error.h"

namespace parley::tokenizer::jinja {
namespace {

constexpr int64_t kMaxRange = 100'000;

template <size_t N>
bool is_one_of(std::string_view name, const std::string_view (&names)[N]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

const MarkedText& text_of(const Value& value, std::string_view what) {
  if (!value.is_text()) base::fail("{} must be a string, not {}", what, value.kind());
  return value.as_text();
}

int64_t int_of(const Value& value, std::string_view what) {
  if (!value.is_int() && !value.is_bool())
    base::fail("{} must be a whole number, not {}", what, value.kind());
  return value.as_int();
}

[[noreturn]] void fail_undefined(const Value& value) {
  base::fail("'{}' is undefined", value.as_undefined().name);
}

int64_t length(Context& context, const Value& value) {
  if (value.is_text()) {
    context.budget.charge(value);
    return static_cast<int64_t>(character_starts(value.as_text().bytes).size()) - 1;
  }
  if (value.is_list()) return static_cast<int64_t>(value.items().size());
  if (value.is_dict()) return static_cast<int64_t>(value.dict_of().items.size());
  if (value.is_undefined()) return 0;
  base::fail("{} has no length", value.kind());
}

// "a.b.c" of a value.
Value path(const Value& value, std::string_view names) {
  Value at = value;
  for (;;) {
    const size_t dot = names.find('.');
    at = attribute(at, names.substr(0, dot));
    if (dot == names.npos) return at;
    names.remove_prefix(dot + 1);
  }
}

Arguments rest_of(const Arguments& arguments, size_t first) {
  Arguments rest;
  for (size_t i = first; i < arguments.values.size(); ++i)
    rest.values.push_back(arguments.values[i]);
  return rest;
}

// select, reject, selectattr, rejectattr.
Value choose(Context& context, std::string_view name, const Value& value,
             const Arguments& arguments) {
  const bool by_attribute = name.ends_with("attr"), keep = name.starts_with("select");
  const size_t first = by_attribute ? 1 : 0;
  const Value* attribute_name = arguments.find(0, "");
  if (by_attribute && !attribute_name) base::fail("{} needs an attribute's name", name);
  const Value* test = arguments.find(first, "");
  const std::string test_name = test ? text_of(*test, "a test's name").bytes : "";
  if (test && !is_test(test_name)) base::fail("unknown test '{}'", test_name);
  const Arguments rest = rest_of(arguments, first + 1);
  std::vector<Value> chosen;
  for (const Value& item : iterate(context, value)) {
    const Value tested =
        by_attribute ? path(item, text_of(*attribute_name, "an attribute's name").bytes) : item;
    if ((test ? apply_test(context, test_name, tested, rest) : tested.truth()) == keep)
      chosen.push_back(item);
  }
  return Value::list(std::move(chosen));
}

Value map(Context& context, const Value& value, const Arguments& arguments) {
  const Value* attribute_name = nullptr;
  for (const auto& [name, argument] : arguments.named)
    if (name == "attribute") attribute_name = &argument;
  const Value* filter = arguments.find(0, "");
  if (!attribute_name && !filter) base::fail("map needs attribute= or a filter's name");
  const std::string filter_name = attribute_name ? "" : text_of(*filter, "a filter's name").bytes;
  if (!attribute_name && (!is_filter(filter_name) || filter_name == "map"))
    base::fail("unknown filter '{}' in map", filter_name);
  const Arguments rest = rest_of(arguments, 1);
  std::vector<Value> results;
  for (const Value& item : iterate(context, value))
    results.push_back(attribute_name
                          ? path(item, text_of(*attribute_name, "an attribute's name").bytes)
                          : apply_filter(context, filter_name, item, rest));
  return Value::list(std::move(results));
}

Value join(Context& context, const Value& value, const Arguments& arguments) {
  const Value* separator = arguments.find(0, "d");
  const Value* attribute_name = arguments.find(1, "attribute");
  const MarkedText between = separator ? separator->str() : MarkedText();
  MarkedText out;
  bool first = true;
  for (const Value& item : iterate(context, value)) {
    if (!first) out.append(between);
    first = false;
    const Value part =
        attribute_name ? path(item, text_of(*attribute_name, "an attribute's name").bytes) : item;
    context.budget.charge(part.weight() + static_cast<int64_t>(between.size()));
    out.append(part.str());
  }
  return out;
}

Value items_of(const Value& value, std::string_view which) {
  if (value.is_undefined() && which == "items") return Value::list({});
  if (!value.is_dict()) base::fail("{} of {}, which is not a dict", which, value.kind());
  std::vector<Value> items;
  for (const auto& [key, item] : value.dict_of().items)
    items.push_back(which == "keys"     ? Value(key)
                    : which == "values" ? item
                                        : Value::list({key, item}, true));
  return Value::list(std::move(items));
}

Value to_int(const Value& value, const Arguments& arguments) {
  if (value.is_int() || value.is_bool()) return value.as_int();
  if (value.is_float() && std::abs(value.as_number()) < 9e18)
    return static_cast<int64_t>(value.as_number());
  if (value.is_text()) {
    const MarkedText stripped = strip_text(value.as_text(), nullptr, true, true);
    const std::string_view text = stripped.bytes;
    int64_t number = 0;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    if (result.ec == std::errc() && result.ptr == end) return number;
  }
  const Value* otherwise = arguments.find(0, "default");
  return otherwise ? *otherwise : Value(int64_t{0});
}

Value to_float(const Value& value, const Arguments& arguments) {
  if (value.is_number()) return value.as_number();
  if (value.is_text()) {
    const MarkedText stripped = strip_text(value.as_text(), nullptr, true, true);
    const std::string_view text = stripped.bytes;
    double number = 0;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    if (result.ec == std::errc() && result.ptr == end) return number;
  }
  const Value* otherwise = arguments.find(0, "default");
  return otherwise ? *otherwise : Value(0.0);
}

Value reversed(Context& context, const Value& value) {
  return slice(context, value, {}, {}, int64_t{-1});
}

Value range(Context& context, const Arguments& arguments) {
  const size_t n = arguments.values.size();
  if (n < 1 || n > 3) base::fail("range takes one to three numbers");
  const auto number = [&](size_t i) { return int_of(arguments.values[i], "range's argument"); };
  const int64_t begin = n > 1 ? number(0) : 0, end = number(n > 1 ? 1 : 0);
  const int64_t step = n > 2 ? number(2) : 1;
  if (step == 0) base::fail("range's step is zero");
  std::vector<Value> values;
  // Unsigned: the distance of two numbers may be more than a number holds.
  const uint64_t distance = step > 0      ? begin < end ? uint64_t(end) - uint64_t(begin) : 0
                            : begin > end ? uint64_t(begin) - uint64_t(end)
                                          : 0;
  const uint64_t stride = step > 0 ? uint64_t(step) : -uint64_t(step);
  const uint64_t count = distance / stride + (distance % stride != 0);
  if (count > kMaxRange) base::fail("a range of {} numbers; at most {}", count, kMaxRange);
  context.budget.charge(static_cast<int64_t>(count) * 16);
  for (uint64_t i = 0; i < count; ++i)
    values.push_back(static_cast<int64_t>(uint64_t(begin) + i * uint64_t(step)));
  return Value::list(std::move(values));
}

Value format_time(Context& context, const Arguments& arguments) {
  const Value* format = arguments.find(0, "format");
  if (!format) base::fail("strftime_now needs a format");
  const std::string& text = text_of(*format, "the format").bytes;
  const std::time_t time = std::chrono::system_clock::to_time_t(context.now);
  std::tm parts{};
  gmtime_r(&time, &parts);
  char buffer[1024];
  const size_t size = text.size() > 100 || text.find('\0') != text.npos
                          ? 0
                          : std::strftime(buffer, sizeof buffer, text.c_str(), &parts);
  if (size == 0 && !text.empty()) base::fail("strftime_now: the format is too long");
  return Value::text(std::string_view(buffer, size));
}

Value arithmetic(std::string_view op, double a, double b) {
  if (op == "+") return a + b;
  if (op == "-") return a - b;
  if (op == "*") return a * b;
  if (op == "**") return std::pow(a, b);
  if (b == 0) base::fail("division by zero");
  if (op == "/") return a / b;
  if (op == "//") return std::floor(a / b);
  return a - std::floor(a / b) * b;
}

Value arithmetic(std::string_view op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflow = false;
  if (op == "+") {
    overflow = __builtin_add_overflow(a, b, &result);
  } else if (op == "-") {
    overflow = __builtin_sub_overflow(a, b, &result);
  } else if (op == "*") {
    overflow = __builtin_mul_overflow(a, b, &result);
  } else if (op == "//" || op == "%") {
    if (b == 0) base::fail("division by zero");
    if (b == -1) return op == "%" ? int64_t{0} : arithmetic("-", 0, a);
    const int64_t quotient = a / b - (a % b != 0 && (a % b < 0) != (b < 0));
    return op == "//" ? quotient : a - quotient * b;
  } else if (op == "**" && b >= 0) {
    result = 1;
    for (int64_t i = 0; i < b && !overflow; ++i) {
      overflow = __builtin_mul_overflow(result, a, &result);
      if (a == 0 || a == 1) break;
      if (a == -1) return int64_t{b % 2 == 0 ? 1 : -1};
    }
  } else {
    return arithmetic(op, static_cast<double>(a), static_cast<double>(b));
  }
  if (overflow) base::fail("the result of {} does not fit into 64 bits", op);
  return result;
}

}  // namespace

void Budget::charge(int64_t cost) {
  left_ -= cost;
  if (left_ < 0) base::fail("the chat template takes too long, or makes too much text");
}

const Value* Arguments::find(size_t position, std::string_view name) const {
  if (position < values.size()) return &values[position];
  for (const auto& [key, value] : named)
    if (key == name) return &value;
  return nullptr;
}

bool is_filter(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "trim",   "length",     "count",      "tojson",  "join",   "upper",   "lower",
      "title",  "capitalize", "default",    "d",       "first",  "last",    "list",
      "items",  "selectattr", "rejectattr", "select",  "reject", "map",     "string",
      "int",    "float",      "safe",       "replace", "abs",    "reverse", "sort",
      "unique", "dictsort",   "sum",        "min",     "max"};
  return is_one_of(name, kNames);
}

bool is_test(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "defined",  "undefined", "none",    "string",      "number",   "integer",
      "float",    "boolean",   "mapping", "iterable",    "sequence", "true",
      "false",    "odd",       "even",    "callable",    "sameas",   "divisibleby",
      "equalto",  "eq",        "==",      "ne",          "!=",       "lt",
      "lessthan", "<",         "gt",      "greaterthan", ">",        "le",
      "<=",       "ge",        ">=",      "in",          "upper",    "lower"};
  return is_one_of(name, kNames);
}

bool is_function(std::string_view name) {
  static constexpr std::string_view kNames[] = {"range", "raise_exception", "strftime_now",
                                                "namespace", "dict"};
  return is_one_of(name, kNames);
}

Value apply_filter(Context& context, std::string_view name, const Value& value,
                   const Arguments& arguments) {
  context.budget.charge(value);
  if (name == "safe") return value;
  if (name == "string") return value.is_text() ? value : Value(value.str());
  if (name == "default" || name == "d") {
    const Value* boolean = arguments.find(1, "boolean");
    const bool replaced = value.is_undefined() || (boolean && boolean->truth() && !value.truth());
    const Value* otherwise = arguments.find(0, "default_value");
    return !replaced ? value : otherwise ? *otherwise : Value::text("");
  }
  if (value.is_undefined() && name == "tojson") fail_undefined(value);
  if (name == "length" || name == "count") return length(context, value);
  if (name == "tojson") {
    const Value* indent = arguments.find(1, "indent");
    if (!indent && arguments.values.size() == 1 && arguments.values[0].is_int())
      indent = &arguments.values[0];
    const int64_t spaces = indent && !indent->is_none() ? int_of(*indent, "indent") : -1;
    if (spaces > 16) base::fail("tojson with an indent of {}; at most 16", spaces);
    // Escapes and indents at most.
    context.budget.charge(value.weight() * (spaces > 0 ? 8 + spaces * value.depth() / 4 : 8));
    return to_json(value, static_cast<int>(std::max<int64_t>(spaces, -1)));
  }
  if (name == "trim") return strip_text(value.str(), arguments.find(0, "chars"), true, true);
  if (name == "upper" || name == "lower" || name == "title" || name == "capitalize")
    return call_text_method(context, value.str(), name, {});
  if (name == "replace") return call_text_method(context, value.str(), name, arguments);
  if (name == "join") return join(context, value, arguments);
  if (name == "items") return items_of(value, name);
  if (name == "map") return map(context, value, arguments);
  if (name.starts_with("select") || name.starts_with("reject"))
    return choose(context, name, value, arguments);
  if (name == "int") return to_int(value, arguments);
  if (name == "float") return to_float(value, arguments);
  if (name == "reverse") return reversed(context, value);
  if (name == "abs") {
    if (!value.is_number()) base::fail("abs of {}", value.kind());
    if (value.is_float()) return std::abs(value.as_number());
    return value.as_int() < 0 ? arithmetic("-", int64_t{0}, value.as_int()) : value;
  }

  std::vector<Value> items =
      name == "dictsort" ? items_of(value, "items").items() : iterate(context, value);
  if (name == "list") return Value::list(std::move(items));
  if (name == "first" || name == "last") {
    if (items.empty()) return Undefined{std::string(name)};
    return name == "first" ? items.front() : items.back();
  }
  if (name == "sum") {
    Value total = int64_t{0};
    for (const Value& item : items) total = binary(context, "+", total, item);
    return total;
  }
  // What compares items: each comparison may walk through them.
  context.budget.charge(value.weight() * 20);
  const auto less = [](const Value& a, const Value& b) { return compare(a, b) < 0; };
  if (name == "min" || name == "max") {
    if (items.empty()) return Undefined{std::string(name)};
    return name == "min" ? *std::min_element(items.begin(), items.end(), less)
                         : *std::max_element(items.begin(), items.end(), less);
  }
  if (name == "unique") {
    std::vector<Value> unique;
    for (Value& item : items) {
      context.budget.charge(static_cast<int64_t>(unique.size()) * item.weight());
      if (std::none_of(unique.begin(), unique.end(),
                       [&](const Value& other) { return equal(item, other); }))
        unique.push_back(std::move(item));
    }
    return Value::list(std::move(unique));
  }
  const Value* descending = arguments.find(0, "reverse");  // sort, dictsort
  std::stable_sort(items.begin(), items.end(), less);
  if (descending && descending->truth()) std::reverse(items.begin(), items.end());
  return Value::list(std::move(items));
}

bool apply_test(Context& context, std::string_view name, const Value& value,
                const Arguments& arguments) {
  if (name == "defined") return !value.is_undefined();
  if (name == "undefined") return value.is_undefined();
  if (name == "none") return value.is_none();
  if (name == "string") return value.is_text();
  if (name == "number") return value.is_number();
  if (name == "integer") return value.is_int();
  if (name == "float") return value.is_float();
  if (name == "boolean") return value.is_bool();
  if (name == "mapping") return value.is_dict() && !value.dict_of().is_namespace;
  if (name == "iterable" || name == "sequence")
    return value.is_text() || value.is_list() || value.is_undefined() ||
           (value.is_dict() && !value.dict_of().is_namespace);
  if (name == "true") return value.is_bool() && value.truth();
  if (name == "false") return value.is_bool() && !value.truth();
  if (name == "callable") return value.is_callable();
  if (name == "odd") return int_of(value, "what is tested for odd") % 2 != 0;
  if (name == "even") return int_of(value, "what is tested for even") % 2 == 0;
  if (name == "upper" || name == "lower") {
    const Value changed = call_text_method(context, value.str(), name, {});
    return equal(changed, value.str());
  }
  const Value* other = arguments.find(0, "");
  if (!other) base::fail("the test '{}' needs a value to test against", name);
  if (name == "in") return contains(context, *other, value);
  if (name == "divisibleby") {
    const int64_t divisor = int_of(*other, "the divisor");
    return arithmetic("%", int_of(value, "what is divided"), divisor).as_int() == 0;
  }
  context.budget.charge(value);
  if (name == "sameas") return value.is_bool() == other->is_bool() && equal(value, *other);
  if (name == "equalto" || name == "eq" || name == "==") return equal(value, *other);
  if (name == "ne" || name == "!=") return !equal(value, *other);
  const int order = compare(value, *other);
  if (name == "lt" || name == "lessthan" || name == "<") return order < 0;
  if (name == "gt" || name == "greaterthan" || name == ">") return order > 0;
  return name == "le" || name == "<=" ? order <= 0 : order >= 0;
}

Value call_method(Context& context, const Value& value, std::string_view name,
                  const Arguments& arguments) {
  if (value.is_undefined()) fail_undefined(value);
  if (value.is_text()) return call_text_method(context, value.as_text(), name, arguments);
  context.budget.charge(value);
  if (value.is_dict() && (name == "items" || name == "keys" || name == "values"))
    return items_of(value, name);
  if (value.is_dict() && name == "get") {
    const Value* key = arguments.find(0, "");
    const Value* otherwise = arguments.find(1, "");
    const Value* found =
        key && key->is_text() ? value.dict_of().find(key->as_text().bytes) : nullptr;
    return found ? *found : otherwise ? *otherwise : Value(None{});
  }
  if (value.is_list() && (name == "index" || name == "count") && !arguments.values.empty()) {
    const auto& items = value.items();
    const auto same = [&](const Value& item) { return equal(item, arguments.values[0]); };
    if (name == "count") return int64_t{std::count_if(items.begin(), items.end(), same)};
    const auto found = std::find_if(items.begin(), items.end(), same);
    if (found == items.end()) base::fail("index: the value is not in the list");
    return int64_t{found - items.begin()};
  }
  base::fail("{} has no method '{}'", value.kind(), name);
}

Value call_function(Context& context, std::string_view name, const Arguments& arguments) {
  if (name == "range") return range(context, arguments);
  if (name == "strftime_now") return format_time(context, arguments);
  if (name == "raise_exception") {
    const Value* message = arguments.find(0, "message");
    base::fail("the chat template refuses the conversation: {}",
               message ? message->str().bytes.substr(0, 1000) : "it gives no reason");
  }
  auto dict = std::make_shared<Dict>();  // namespace, dict
  dict->is_namespace = name == "namespace";
  for (const Value& value : arguments.values) {
    if (!value.is_dict()) base::fail("{} takes a dict or name=value", name);
    context.budget.charge(value);
    for (const auto& [key, item] : value.dict_of().items) dict->set(key, item);
  }
  for (const auto& [key, item] : arguments.named)
    dict->set(MarkedText(key, Origin::kTemplate), item);
  return dict;
}

Value attribute(const Value& value, std::string_view name) {
  if (value.is_undefined()) fail_undefined(value);
  if (value.is_dict())
    if (const Value* found = value.dict_of().find(name)) return *found;
  if (value.is_list() && !name.empty() && name.size() < 7 &&
      name.find_first_not_of("0123456789") == name.npos) {
    const auto at = static_cast<size_t>(std::stoul(std::string(name)));
    if (at < value.items().size()) return value.items()[at];
  }
  return Undefined{std::string(name)};
}

Value index(Context& context, const Value& value, const Value& at) {
  if (value.is_undefined()) fail_undefined(value);
  if (at.is_text()) return attribute(value, at.as_text().bytes);
  if (!at.is_int() && !at.is_bool()) base::fail("{} cannot be an index", at.kind());
  if (!value.is_list() && !value.is_text()) return Undefined{at.str().bytes};
  const int64_t n = length(context, value);
  const int64_t i = at.as_int() < 0 ? at.as_int() + n : at.as_int();
  if (i < 0 || i >= n) return Undefined{fmt::format("[{}]", at.as_int())};
  const auto place = static_cast<size_t>(i);
  if (value.is_list()) return value.items()[place];
  const auto starts = character_starts(value.as_text().bytes);
  return value.as_text().slice(starts[place], starts[place + 1]);
}

Value slice(Context& context, const Value& value, const Value& begin, const Value& end,
            const Value& step) {
  if (value.is_undefined()) fail_undefined(value);
  if (!value.is_list() && !value.is_text()) base::fail("{} cannot be sliced", value.kind());
  context.budget.charge(value);
  const auto given = [](const Value& v) { return !v.is_undefined() && !v.is_none(); };
  const int64_t n = length(context, value);
  const int64_t by = given(step) ? int_of(step, "a slice's step") : 1;
  if (by == 0) base::fail("a slice's step is zero");
  const auto place = [&](const Value& v, int64_t otherwise) {
    if (!given(v)) return otherwise;
    const int64_t at = int_of(v, "a slice's bound");
    const int64_t low = by > 0 ? 0 : -1, high = by > 0 ? n : n - 1;
    return std::clamp(at < 0 ? at + n : at, low, high);
  };
  const int64_t first = place(begin, by > 0 ? 0 : n - 1), stop = place(end, by > 0 ? n : -1);
  const std::vector<size_t> starts =
      value.is_text() ? character_starts(value.as_text().bytes) : std::vector<size_t>();
  std::vector<Value> items;
  MarkedText text;
  for (int64_t i = first; by > 0 ? i < stop : i > stop;) {
    const auto at = static_cast<size_t>(i);
    if (value.is_list()) {
      items.push_back(value.items()[at]);
    } else {
      text.append(value.as_text(), starts[at], starts[at + 1]);
    }
    if (by > n || by < -n) break;
    i += by;
  }
  return value.is_list() ? Value::list(std::move(items), value.list_of().tuple) : Value(text);
}

bool contains(Context& context, const Value& container, const Value& value) {
  context.budget.charge(container);
  if (container.is_undefined()) return false;
  if (container.is_text()) {
    if (!value.is_text()) base::fail("'in' a string looks for a string, not {}", value.kind());
    return find_text(context, container.as_text().bytes, value.as_text().bytes, 0) !=
           std::string::npos;
  }
  if (container.is_dict())
    return value.is_text() && container.dict_of().find(value.as_text().bytes) != nullptr;
  if (!container.is_list()) base::fail("'in' does not look into {}", container.kind());
  return std::any_of(container.items().begin(), container.items().end(),
                     [&](const Value& item) { return equal(item, value); });
}

std::vector<Value> iterate(Context& context, const Value& value) {
  context.budget.charge(value);
  if (value.is_undefined()) return {};
  if (value.is_list()) return value.items();
  if (value.is_dict()) return items_of(value, "keys").items();
  if (!value.is_text()) base::fail("{} has no items to go through", value.kind());
  const MarkedText& text = value.as_text();
  context.budget.charge(static_cast<int64_t>(text.size()) * 100);
  const auto starts = character_starts(text.bytes);
  std::vector<Value> characters;
  for (size_t i = 0; i + 1 < starts.size(); ++i)
    characters.push_back(text.slice(starts[i], starts[i + 1]));
  return characters;
}

Value binary(Context& context, std::string_view op, const Value& a, const Value& b) {
  context.budget.charge(a.weight() + b.weight());
  if (op == "~") {
    MarkedText text = a.str();
    text.append(b.str());
    return text;
  }
  if (a.is_undefined()) fail_undefined(a);
  if (b.is_undefined()) fail_undefined(b);
  if (a.is_number() && b.is_number()) {
    if (a.is_float() || b.is_float()) return arithmetic(op, a.as_number(), b.as_number());
    return arithmetic(op, a.as_int(), b.as_int());
  }
  if (op == "+" && a.is_text() && b.is_text()) {
    MarkedText text = a.as_text();
    text.append(b.as_text());
    return text;
  }
  if (op == "+" && a.is_list() && b.is_list()) {
    std::vector<Value> items = a.items();
    items.insert(items.end(), b.items().begin(), b.items().end());
    return Value::list(std::move(items), a.list_of().tuple);
  }
  const Value& many = a.is_number() ? b : a;
  const Value& times = a.is_number() ? a : b;
  if (op == "*" && (many.is_text() || many.is_list()) && (times.is_int() || times.is_bool())) {
    const int64_t count = std::max<int64_t>(times.as_int(), 0);
    if (count > kMaxWeight / many.weight()) base::fail("a repetition of {} times", count);
    context.budget.charge(count * many.weight());
    MarkedText text;
    std::vector<Value> items;
    for (int64_t i = 0; i < count; ++i) {
      if (many.is_text()) {
        text.append(many.as_text());
      } else {
        items.insert(items.end(), many.items().begin(), many.items().end());
      }
    }
    return many.is_text() ? Value(text) : Value::list(std::move(items));
  }
  base::fail("'{}' does not join {} and {}", op, a.kind(), b.kind());
}

}  // namespace parley::tokenizer::jinja
