#include "tokenizer/jinja.h"

#include <algorithm>

#include "base/error.h"
#include "tokenizer/jinja_functions.h"

namespace parley::tokenizer::jinja {
namespace {

// Well below a second of work, and a hundred megabytes or so at the very worst.
constexpr int64_t kBudget = 64 << 20;
constexpr int64_t kNodeCost = 8, kLoopCost = 400;
// Of expressions, blocks and macros that are being evaluated.
constexpr int kMaxCalls = 600;
constexpr size_t kMaxOutput = 16 << 20;

using Frame = std::vector<std::pair<std::string, Value>>;

enum class Flow { kOn, kBreak, kContinue };

class Interpreter {
 public:
  Interpreter(Frame variables, std::chrono::sys_seconds now) : now_(now) {
    frames_.push_back(std::move(variables));
  }

  Rendered run(const Block& block) {
    execute(block);
    if (!seen_generation_) out_.generated.clear();
    return std::move(out_);
  }
  int line() const { return line_; }

 private:
  struct Nested {
    explicit Nested(Interpreter& i) : calls(i.calls_) {
      if (++calls > kMaxCalls) base::fail("calls and blocks are nested too deep");
    }
    ~Nested() { --calls; }
    int& calls;
  };

  // ---- Variables. A frame a loop's turn; a macro sees its own frames and the outermost.

  Value* find_in(Frame& frame, std::string_view name) {
    budget_.charge(static_cast<int64_t>(frame.size()) / 4);
    for (auto& [key, value] : frame)
      if (key == name) return &value;
    return nullptr;
  }

  Value lookup(const std::string& name) {
    for (size_t i = frames_.size(); i-- > base_;)
      if (const Value* found = find_in(frames_[i], name)) return *found;
    if (const Value* found = find_in(frames_[0], name)) return *found;
    for (const std::string_view function : kFunctions)
      if (function == name) return Builtin{function};
    return Undefined{name};
  }
  static constexpr std::string_view kFunctions[] = {"range", "raise_exception", "strftime_now",
                                                    "namespace", "dict"};

  void assign(const std::string& name, Value value) {
    Frame& frame = frames_.back();
    if (Value* found = find_in(frame, name)) {
      *found = std::move(value);
    } else {
      frame.emplace_back(name, std::move(value));
    }
  }

  void assign_all(const std::vector<std::string>& names, const Value& value) {
    if (names.size() == 1) return assign(names[0], value);
    if (!value.is_list() || value.items().size() != names.size())
      base::fail("{} cannot be taken apart into {} names", value.kind(), names.size());
    for (size_t i = 0; i < names.size(); ++i) assign(names[i], value.items()[i]);
  }

  // ---- Output

  void write(const MarkedText& text) {
    budget_.charge(static_cast<int64_t>(text.size()));
    if (out_.text.size() + text.size() > kMaxOutput)
      base::fail("the text is longer than {} bytes", kMaxOutput);
    out_.text.append(text);
    out_.generated.append(text.size(), static_cast<char>(generation_ > 0));
  }

  // What `body` writes, instead of writing it.
  template <typename Body>
  MarkedText capture(Body&& body) {
    Rendered outer = std::exchange(out_, {});
    body();
    return std::exchange(out_, std::move(outer)).text;
  }

  // ---- Statements

  Flow execute(const Block& block) {
    const Nested nested(*this);
    for (const auto& stmt : block)
      if (const Flow flow = execute(*stmt); flow != Flow::kOn) return flow;
    return Flow::kOn;
  }

  Flow execute(const Stmt& stmt) {
    line_ = stmt.line;
    budget_.charge(kNodeCost);
    switch (stmt.kind) {
      case StmtKind::kText: write(MarkedText(stmt.text, Origin::kTemplate)); return Flow::kOn;
      case StmtKind::kPrint: {
        const Value value = evaluate(*stmt.expr);
        budget_.charge(value);
        write(value.str());
        return Flow::kOn;
      }
      case StmtKind::kIf:
        for (const auto& [condition, body] : stmt.branches)
          if (evaluate(*condition).truth()) return execute(body);
        return execute(stmt.otherwise);
      case StmtKind::kFor: return loop(stmt);
      case StmtKind::kSet: set(stmt); return Flow::kOn;
      case StmtKind::kMacro: assign(stmt.macro.name, Value(&stmt.macro)); return Flow::kOn;
      case StmtKind::kGeneration: {
        seen_generation_ = true;
        ++generation_;
        const Flow flow = execute(stmt.body);
        --generation_;
        return flow;
      }
      case StmtKind::kBreak: return Flow::kBreak;
      case StmtKind::kContinue: return Flow::kContinue;
    }
    return Flow::kOn;
  }

  void set(const Stmt& stmt) {
    const Value value =
        stmt.expr ? evaluate(*stmt.expr) : Value(capture([&] { execute(stmt.body); }));
    line_ = stmt.line;
    if (stmt.attribute.empty()) return assign_all(stmt.names, value);
    const Value object = lookup(stmt.names[0]);
    if (!object.is_dict() || !object.dict_of().is_namespace)
      base::fail("'{}' is {}; only a namespace's attributes can be set", stmt.names[0],
                 object.kind());
    object.dict_of().set(MarkedText(stmt.attribute, Origin::kTemplate), value);
  }

  Value loop_variable(const std::vector<Value>& items, size_t i) const {
    const auto n = static_cast<int64_t>(items.size()), at = static_cast<int64_t>(i);
    std::vector<std::pair<MarkedText, Value>> fields;
    const auto field = [&](std::string_view name, Value value) {
      fields.emplace_back(MarkedText(name, Origin::kTemplate), std::move(value));
    };
    field("index", at + 1);
    field("index0", at);
    field("first", i == 0);
    field("last", at + 1 == n);
    field("length", n);
    field("revindex", n - at);
    field("revindex0", n - at - 1);
    field("previtem", i > 0 && items[i - 1].depth() + 1 < kMaxDepth ? items[i - 1] : Value());
    field("nextitem", at + 1 < n && items[i + 1].depth() + 1 < kMaxDepth ? items[i + 1] : Value());
    return Value::dict(std::move(fields));
  }

  Flow loop(const Stmt& stmt) {
    std::vector<Value> items = iterate(context_, evaluate(*stmt.expr));
    if (stmt.condition) {
      frames_.emplace_back();
      std::erase_if(items, [&](const Value& item) {
        assign_all(stmt.names, item);
        return !evaluate(*stmt.condition).truth();
      });
      frames_.pop_back();
    }
    for (size_t i = 0; i < items.size(); ++i) {
      budget_.charge(kLoopCost);
      frames_.emplace_back();
      assign("loop", loop_variable(items, i));
      assign_all(stmt.names, items[i]);
      const Flow flow = execute(stmt.body);
      frames_.pop_back();
      if (flow == Flow::kBreak) break;
    }
    return items.empty() ? execute(stmt.otherwise) : Flow::kOn;
  }

  // ---- Expressions

  Value evaluate(const Expr& expr) {
    const Nested nested(*this);
    line_ = expr.line;
    budget_.charge(kNodeCost);
    const auto arg = [&](size_t i) { return evaluate(*expr.args[i]); };
    const auto arg_or_none = [&](size_t i) { return expr.args[i] ? arg(i) : Value(); };
    switch (expr.kind) {
      case ExprKind::kLiteral: return expr.literal;
      case ExprKind::kName: return lookup(expr.name);
      case ExprKind::kList:
      case ExprKind::kTuple: return Value::list(values(expr, 0), expr.kind == ExprKind::kTuple);
      case ExprKind::kDict: return dict(expr);
      case ExprKind::kAttribute: return attribute(arg(0), expr.name);
      case ExprKind::kIndex: {
        const Value value = arg(0);
        return index(context_, value, arg(1));
      }
      case ExprKind::kSlice: {
        const Value value = arg(0), begin = arg_or_none(1), end = arg_or_none(2);
        return slice(context_, value, begin, end, arg_or_none(3));
      }
      case ExprKind::kCall: return call(expr);
      case ExprKind::kFilter: {
        const Value value = arg(0);
        return apply_filter(context_, expr.name, value, arguments(expr));
      }
      case ExprKind::kTest: {
        const Value value = arg(0);
        return apply_test(context_, expr.name, value, arguments(expr)) != expr.negated;
      }
      case ExprKind::kUnary:
        if (expr.name == "not") return !arg(0).truth();
        return binary(context_, expr.name, int64_t{0}, arg(0));
      case ExprKind::kBinary: return joined(expr);
      case ExprKind::kCompare: return compared(expr);
      case ExprKind::kIf:
        if (arg(1).truth()) return arg(0);
        return expr.args[2] ? arg(2) : Value(Undefined{"the value of an if without else"});
    }
    return {};
  }

  std::vector<Value> values(const Expr& expr, size_t first) {
    std::vector<Value> values;
    for (size_t i = first; i < expr.args.size(); ++i) values.push_back(evaluate(*expr.args[i]));
    return values;
  }

  Arguments arguments(const Expr& expr) {
    Arguments arguments{values(expr, 1), {}};
    for (const auto& [name, value] : expr.named)
      arguments.named.emplace_back(name, evaluate(*value));
    return arguments;
  }

  Value dict(const Expr& expr) {
    std::vector<std::pair<MarkedText, Value>> items;
    for (size_t i = 0; i < expr.args.size(); i += 2) {
      const Value key = evaluate(*expr.args[i]);
      budget_.charge(key);
      items.emplace_back(key.str(), evaluate(*expr.args[i + 1]));
    }
    return Value::dict(std::move(items));
  }

  Value joined(const Expr& expr) {
    Value left = evaluate(*expr.args[0]);
    if (expr.name == "and") return left.truth() ? evaluate(*expr.args[1]) : left;
    if (expr.name == "or") return left.truth() ? left : evaluate(*expr.args[1]);
    const Value right = evaluate(*expr.args[1]);
    line_ = expr.line;
    return binary(context_, expr.name, left, right);
  }

  Value compared(const Expr& expr) {
    Value left = evaluate(*expr.args[0]);
    for (size_t i = 0; i < expr.ops.size(); ++i) {
      Value right = evaluate(*expr.args[i + 1]);
      if (!holds(expr.ops[i], left, right)) return false;
      left = std::move(right);
    }
    return true;
  }

  bool holds(const std::string& op, const Value& a, const Value& b) {
    if (op == "in") return contains(context_, b, a);
    if (op == "not in") return !contains(context_, b, a);
    budget_.charge(std::min(a.weight(), b.weight()));
    if (op == "==") return equal(a, b);
    if (op == "!=") return !equal(a, b);
    const int order = compare(a, b);
    return op == "<" ? order < 0 : op == ">" ? order > 0 : op == "<=" ? order <= 0 : order >= 0;
  }

  Value call(const Expr& expr) {
    const Expr& callee = *expr.args[0];
    if (callee.kind == ExprKind::kAttribute) {
      const Value object = evaluate(*callee.args[0]);
      const Value* own = object.is_dict() ? object.dict_of().find(callee.name) : nullptr;
      if (!own || !own->is_callable()) {
        const Arguments given = arguments(expr);
        line_ = expr.line;
        return call_method(context_, object, callee.name, given);
      }
    }
    const Value function = evaluate(callee);
    const Arguments given = arguments(expr);
    line_ = expr.line;
    if (const Builtin* builtin = function.as_builtin())
      return call_function(context_, builtin->name, given);
    if (const Macro* macro = function.as_macro()) return call_macro(*macro, given);
    if (function.is_undefined()) base::fail("unknown function '{}'", function.as_undefined().name);
    base::fail("{} cannot be called", function.kind());
  }

  Value call_macro(const Macro& macro, const Arguments& given) {
    const Nested nested(*this);
    if (given.values.size() > macro.parameters.size())
      base::fail("the macro '{}' takes {} arguments", macro.name, macro.parameters.size());
    Frame frame;
    for (size_t i = 0; i < macro.parameters.size(); ++i) {
      const auto& [name, otherwise] = macro.parameters[i];
      const Value* value = given.find(i, name);
      frame.emplace_back(name, value       ? *value
                               : otherwise ? evaluate(*otherwise)
                                           : Value(Undefined{name}));
    }
    const size_t outer = std::exchange(base_, frames_.size());
    frames_.push_back(std::move(frame));
    MarkedText text = capture([&] { execute(macro.body); });
    frames_.pop_back();
    base_ = outer;
    return text;
  }

  std::chrono::sys_seconds now_;
  Budget budget_{kBudget};
  Context context_{budget_, now_};
  std::vector<Frame> frames_;
  size_t base_ = 0;  // the first frame the current macro sees
  Rendered out_;
  int generation_ = 0, calls_ = 0, line_ = 1;
  bool seen_generation_ = false;
};

}  // namespace

Template::Template(std::string_view source, std::string where)
    : where_(std::move(where)), block_(parse(source, where_)) {}

Rendered Template::render(Variables variables, std::chrono::sys_seconds now) const {
  Interpreter interpreter(std::move(variables), now);
  try {
    return interpreter.run(block_);
  } catch (const base::Error& error) {
    base::fail("{}: line {}: {}", where_, interpreter.line(), error.what());
  }
}

}  // namespace parley::tokenizer::jinja
