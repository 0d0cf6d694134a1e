// Values of a Jinja template: immutable, except for namespaces.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tokenizer/marked_text.h"

namespace parley::tokenizer::jinja {

class Value;
struct Macro;

struct Undefined {
  std::string name;  // for messages
};
struct None {};
struct List {
  std::vector<Value> items;
  bool tuple = false;
  int depth = 0;       // of nesting
  int64_t weight = 0;  // bytes of text and of values it holds, shared ones counted each time
};
// In the order of insertion. Keys are text with its origin: they may come out again.
struct Dict {
  std::vector<std::pair<MarkedText, Value>> items;
  bool is_namespace = false;
  int depth = 0;
  int64_t weight = 0;

  const Value* find(std::string_view key) const;
  void set(MarkedText key, Value value);
};
struct Builtin {
  std::string_view name;  // a global function
};

// Nested deeper, a list or dict is an error: they are walked and freed recursively. A namespace,
// which alone can change, counts as so deep already, so that nothing contains itself.
inline constexpr int kMaxDepth = 64;
// What one value may weigh, so that a list of twice itself, again and again, ends.
inline constexpr int64_t kMaxWeight = 64 << 20;
inline constexpr size_t kMaxKeys = 1000;

class Value {
 public:
  using Text = std::shared_ptr<const MarkedText>;

  Value() : value_(Undefined{}) {}
  Value(Undefined undefined) : value_(std::move(undefined)) {}
  Value(None none) : value_(none) {}
  Value(bool value) : value_(value) {}
  Value(int64_t value) : value_(value) {}
  Value(double value) : value_(value) {}
  Value(MarkedText text) : value_(std::make_shared<const MarkedText>(std::move(text))) {}
  Value(const char*) = delete;
  Value(Builtin builtin) : value_(builtin) {}
  Value(std::shared_ptr<Dict> dict) : value_(std::move(dict)) {}
  Value(std::shared_ptr<const List> list) : value_(std::move(list)) {}
  Value(const Macro* macro) : value_(macro) {}
  // Text of the template's or the program's own.
  static Value text(std::string_view text) { return MarkedText(text, Origin::kTemplate); }
  // Error if they are nested too deep.
  static Value list(std::vector<Value> items, bool tuple = false);
  static Value dict(std::vector<std::pair<MarkedText, Value>> items);

  bool is_undefined() const { return std::holds_alternative<Undefined>(value_); }
  bool is_none() const { return std::holds_alternative<None>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<int64_t>(value_); }
  bool is_float() const { return std::holds_alternative<double>(value_); }
  bool is_text() const { return std::holds_alternative<Text>(value_); }
  bool is_list() const { return std::holds_alternative<std::shared_ptr<const List>>(value_); }
  bool is_dict() const { return std::holds_alternative<std::shared_ptr<Dict>>(value_); }
  bool is_number() const { return is_bool() || is_int() || is_float(); }
  bool is_callable() const { return as_macro() || as_builtin(); }

  const Undefined& as_undefined() const { return std::get<Undefined>(value_); }
  const MarkedText& as_text() const { return *std::get<Text>(value_); }
  const std::vector<Value>& items() const { return list_of().items; }
  const List& list_of() const { return *std::get<std::shared_ptr<const List>>(value_); }
  Dict& dict_of() const { return *std::get<std::shared_ptr<Dict>>(value_); }
  int64_t as_int() const;    // of a bool or an int
  double as_number() const;  // of a number
  const Macro* as_macro() const {
    const auto* macro = std::get_if<const Macro*>(&value_);
    return macro ? *macro : nullptr;
  }
  const Builtin* as_builtin() const { return std::get_if<Builtin>(&value_); }
  int depth() const;
  int64_t weight() const;  // the cost of walking through it

  // As Python has it: empty, zero, none and undefined are false.
  bool truth() const;
  // What it is, for messages: "a string".
  std::string_view kind() const;
  // Python's str() and repr().
  MarkedText str() const;
  MarkedText repr() const;

 private:
  std::variant<Undefined, None, bool, int64_t, double, Text, std::shared_ptr<const List>,
               std::shared_ptr<Dict>, Builtin, const Macro*>
      value_;
};

bool equal(const Value& a, const Value& b);
// Negative, zero or positive. Error if they have no order.
int compare(const Value& a, const Value& b);
// json.dumps(value, ensure_ascii=False, indent=indent); indent < 0: on one line.
MarkedText to_json(const Value& value, int indent);

}  // namespace parley::tokenizer::jinja
