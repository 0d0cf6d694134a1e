// Filters, tests, methods and global functions of Jinja templates.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/jinja_value.h"

namespace parley::tokenizer::jinja {

// What a rendering may still cost, in about bytes touched: a template that never ends does end.
class Budget {
 public:
  explicit Budget(int64_t left) : left_(left) {}
  // Error when it is used up.
  void charge(int64_t cost);
  void charge(const Value& value) { charge(value.weight()); }

 private:
  int64_t left_;
};

struct Arguments {
  std::vector<Value> values;
  std::vector<std::pair<std::string, Value>> named;

  // The argument at `position` or of that name; nullptr if it is not given.
  const Value* find(size_t position, std::string_view name) const;
};

struct Context {
  Budget& budget;
  std::chrono::sys_seconds now;  // for strftime_now
};

bool is_filter(std::string_view name);
bool is_test(std::string_view name);
bool is_function(std::string_view name);

// Error on wrong arguments or a value the filter is not for.
Value apply_filter(Context& context, std::string_view name, const Value& value,
                   const Arguments& arguments);
bool apply_test(Context& context, std::string_view name, const Value& value,
                const Arguments& arguments);
Value call_method(Context& context, const Value& value, std::string_view name,
                  const Arguments& arguments);
Value call_function(Context& context, std::string_view name, const Arguments& arguments);

// value.name and value[index]; undefined if it is not there. Error on an undefined value.
Value attribute(const Value& value, std::string_view name);
Value index(Context& context, const Value& value, const Value& at);
// value[begin:end:step]; undefined for what is left out.
Value slice(Context& context, const Value& value, const Value& begin, const Value& end,
            const Value& step);
bool contains(Context& context, const Value& container, const Value& value);
// The items a loop goes through: of a list, a dict's keys, a string's characters; none of an
// undefined value. Error on what has none.
std::vector<Value> iterate(Context& context, const Value& value);
Value binary(Context& context, std::string_view op, const Value& a, const Value& b);

// Python's str methods (jinja_strings.cc).
Value call_text_method(Context& context, const MarkedText& text, std::string_view name,
                       const Arguments& arguments);
// Where each character begins, and the end.
std::vector<size_t> character_starts(std::string_view text);
MarkedText replace_text(Context& context, const MarkedText& text, const MarkedText& from,
                        const MarkedText& to, int64_t count);
MarkedText strip_text(const MarkedText& text, const Value* characters, bool left, bool right);
// The place of `part` in `text` from `at` on, or npos.
size_t find_text(Context& context, std::string_view text, std::string_view part, size_t at);

}  // namespace parley::tokenizer::jinja
