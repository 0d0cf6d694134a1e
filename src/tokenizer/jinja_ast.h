// A Jinja template as a tree, and the parser that makes it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/jinja_value.h"

namespace parley::tokenizer::jinja {

struct Expr;
using ExprPtr = std::unique_ptr<const Expr>;

enum class ExprKind {
  kLiteral,    // literal
  kName,       // name
  kList,       // args
  kTuple,      // args
  kDict,       // args: key, value, key, value, …
  kAttribute,  // args[0].name
  kIndex,      // args[0][args[1]]
  kSlice,      // args[0][args[1]:args[2]:args[3]], each of the three may be null
  kCall,       // args[0](args[1…], named)
  kFilter,     // args[0] | name(args[1…], named)
  kTest,       // args[0] is name(args[1…]); `negated`
  kUnary,      // name: "-", "+", "not"
  kBinary,     // name: "+", "-", "*", "/", "//", "%", "**", "~", "and", "or"
  kCompare,    // args[0] ops[0] args[1] ops[1] args[2] …
  kIf,         // args[0] if args[1] else args[2], which may be null
};

struct Expr {
  ExprKind kind;
  int line;
  int depth = 1;
  std::string name;
  Value literal;
  std::vector<ExprPtr> args;
  std::vector<std::pair<std::string, ExprPtr>> named;
  std::vector<std::string> ops;
  bool negated = false;
};

struct Stmt;
using Block = std::vector<std::unique_ptr<const Stmt>>;

struct Macro {
  std::string name;
  std::vector<std::pair<std::string, ExprPtr>> parameters;  // with a default or null
  Block body;
};

enum class StmtKind {
  kText,        // text
  kPrint,       // expr
  kIf,          // branches; `otherwise`
  kFor,         // for names in expr if condition: body; `otherwise` if there was nothing
  kSet,         // names = expr, or object.attribute = expr; without expr: the body's text
  kMacro,       // macro
  kGeneration,  // body is what an assistant writes
  kBreak,
  kContinue,
};

struct Stmt {
  StmtKind kind;
  int line;
  std::string text;
  ExprPtr expr, condition;
  std::vector<std::string> names;
  std::string attribute;  // kSet: of the namespace names[0]
  std::vector<std::pair<ExprPtr, Block>> branches;
  Block body, otherwise;
  Macro macro;
};

// Parses with trim_blocks and lstrip_blocks on, as transformers does. Error with `where`, the
// line and what is wrong. Bounded in depth; templates over 1 MB are refused.
Block parse(std::string_view source, const std::string& where);

}  // namespace parley::tokenizer::jinja
