#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "base/error.h"
#include "tokenizer/jinja_ast.h"
#include "tokenizer/jinja_functions.h"
#include "tokenizer/jinja_lexer.h"

namespace parley::tokenizer::jinja {
namespace {

constexpr size_t kMaxSource = 1 << 20;
// Of the tree, and of calls while parsing: what walks the tree recurses as deep.
constexpr int kMaxTreeDepth = 200, kMaxBlocks = 50;

class Parser {
 public:
  Parser(std::vector<Token> tokens, const std::string& where)
      : tokens_(std::move(tokens)), where_(where) {}

  Block run() {
    Block block = statements({});
    return block;
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(int line, fmt::format_string<Args...> format, Args&&... args) const {
    base::fail("{}: line {}: {}", where_, line, fmt::format(format, std::forward<Args>(args)...));
  }

  // ---- Tokens

  const Token& now() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token take() { return at_ + 1 < tokens_.size() ? std::move(tokens_[at_++]) : tokens_[at_]; }
  bool is(TokenKind kind, std::string_view text) const {
    return now().kind == kind && now().text == text;
  }
  bool is_op(std::string_view text) const { return is(TokenKind::kOperator, text); }
  bool is_word(std::string_view text) const { return is(TokenKind::kName, text); }
  bool accept_op(std::string_view text) { return is_op(text) && (take(), true); }
  bool accept_word(std::string_view text) { return is_word(text) && (take(), true); }
  void expect_op(std::string_view text) {
    if (!accept_op(text)) fail(now().line, "expected '{}', found '{}'", text, now().text);
  }
  void expect_word(std::string_view text) {
    if (!accept_word(text)) fail(now().line, "expected '{}', found '{}'", text, now().text);
  }
  void expect(TokenKind kind, std::string_view what) {
    if (now().kind != kind) fail(now().line, "expected {}, found '{}'", what, now().text);
    take();
  }
  std::string expect_name() {
    if (now().kind != TokenKind::kName) fail(now().line, "expected a name, found '{}'", now().text);
    return take().text;
  }
  void end_block() { expect(TokenKind::kBlockEnd, "'%}'"); }

  // ---- Statements

  std::unique_ptr<Stmt> make(StmtKind kind, int line) {
    auto stmt = std::make_unique<Stmt>();
    stmt->kind = kind;
    stmt->line = line;
    return stmt;
  }

  // Statements up to a block tag whose word is one of `ends`; "{%" and the word are taken.
  Block statements(std::initializer_list<std::string_view> ends) {
    if (++blocks_ > kMaxBlocks) fail(now().line, "blocks are nested deeper than {}", kMaxBlocks);
    const int line = now().line;
    Block block;
    for (;;) {
      if (now().kind == TokenKind::kEnd) {
        if (ends.size() > 0) fail(line, "a block has no '{}'", *(ends.end() - 1));
        break;
      }
      if (now().kind == TokenKind::kText) {
        auto stmt = make(StmtKind::kText, now().line);
        stmt->text = take().text;
        block.push_back(std::move(stmt));
      } else if (now().kind == TokenKind::kPrintBegin) {
        auto stmt = make(StmtKind::kPrint, take().line);
        stmt->expr = expression_or_tuple();
        expect(TokenKind::kPrintEnd, "'}}'");
        block.push_back(std::move(stmt));
      } else {
        take();
        const int tag = now().line;
        word_ = expect_name();
        if (std::find(ends.begin(), ends.end(), word_) != ends.end()) break;
        block.push_back(statement(word_, tag));
      }
    }
    --blocks_;
    return block;
  }

  std::unique_ptr<Stmt> statement(const std::string& word, int line) {
    if (word == "if") return if_statement(line);
    if (word == "for") return for_statement(line);
    if (word == "set") return set_statement(line);
    if (word == "macro") return macro_statement(line);
    if (word == "generation") {
      auto stmt = make(StmtKind::kGeneration, line);
      end_block();
      stmt->body = statements({"endgeneration"});
      end_block();
      return stmt;
    }
    if (word == "break" || word == "continue") {
      if (loops_ == 0) fail(line, "'{}' outside of a loop", word);
      end_block();
      return make(word == "break" ? StmtKind::kBreak : StmtKind::kContinue, line);
    }
    fail(line, "unknown statement '{}'", word);
  }

  std::unique_ptr<Stmt> if_statement(int line) {
    auto stmt = make(StmtKind::kIf, line);
    do {
      ExprPtr condition = expression_or_tuple();
      end_block();
      Block body = statements({"elif", "else", "endif"});
      stmt->branches.emplace_back(std::move(condition), std::move(body));
    } while (word_ == "elif");
    if (word_ == "else") {
      end_block();
      stmt->otherwise = statements({"endif"});
    }
    end_block();
    return stmt;
  }

  std::vector<std::string> target_names() {
    std::vector<std::string> names;
    const bool bracketed = accept_op("(");
    do {
      if (!names.empty() && now().kind != TokenKind::kName) break;
      names.push_back(expect_name());
    } while (accept_op(","));
    if (bracketed) expect_op(")");
    return names;
  }

  std::unique_ptr<Stmt> for_statement(int line) {
    auto stmt = make(StmtKind::kFor, line);
    stmt->names = target_names();
    expect_word("in");
    stmt->expr = expression_or_tuple(false);  // an "if" behind it is the loop's
    if (accept_word("if")) stmt->condition = expression();
    if (is_word("recursive")) fail(now().line, "recursive loops are not supported");
    end_block();
    ++loops_;
    stmt->body = statements({"else", "endfor"});
    --loops_;
    if (word_ == "else") {
      end_block();
      stmt->otherwise = statements({"endfor"});
    }
    end_block();
    return stmt;
  }

  std::unique_ptr<Stmt> set_statement(int line) {
    auto stmt = make(StmtKind::kSet, line);
    stmt->names = target_names();
    if (stmt->names.size() == 1 && accept_op(".")) stmt->attribute = expect_name();
    if (accept_op("=")) {
      stmt->expr = expression_or_tuple();
      end_block();
      return stmt;
    }
    if (stmt->names.size() > 1) fail(line, "expected '=', found '{}'", now().text);
    if (is_op("|")) fail(line, "filters on a set block are not supported");
    end_block();
    stmt->body = statements({"endset"});
    end_block();
    return stmt;
  }

  std::unique_ptr<Stmt> macro_statement(int line) {
    auto stmt = make(StmtKind::kMacro, line);
    Macro& macro = stmt->macro;
    macro.name = expect_name();
    expect_op("(");
    while (!is_op(")")) {
      std::string name = expect_name();
      ExprPtr value = accept_op("=") ? expression() : nullptr;
      macro.parameters.emplace_back(std::move(name), std::move(value));
      if (!accept_op(",")) break;
    }
    expect_op(")");
    end_block();
    const int loops = std::exchange(loops_, 0);
    macro.body = statements({"endmacro"});
    loops_ = loops;
    end_block();
    return stmt;
  }

  // ---- Expressions, weakest operators first

  // Counts the depth of the calls that parse.
  struct Nested {
    explicit Nested(Parser& p) : parser(p) {
      if (++parser.depth_ > kMaxTreeDepth)
        parser.fail(parser.now().line, "expressions are nested deeper than {}", kMaxTreeDepth);
    }
    ~Nested() { --parser.depth_; }
    Parser& parser;
  };

  std::unique_ptr<Expr> make(ExprKind kind, int line) const {
    auto expr = std::make_unique<Expr>();
    expr->kind = kind;
    expr->line = line;
    return expr;
  }
  void add(Expr& parent, ExprPtr child) const {
    if (child) parent.depth = std::max(parent.depth, child->depth + 1);
    if (parent.depth > kMaxTreeDepth)
      fail(parent.line, "expressions are nested deeper than {}", kMaxTreeDepth);
    parent.args.push_back(std::move(child));
  }
  ExprPtr unary(std::string op, int line, ExprPtr operand) const {
    auto expr = make(ExprKind::kUnary, line);
    expr->name = std::move(op);
    add(*expr, std::move(operand));
    return expr;
  }

  ExprPtr expression_or_tuple(bool with_if = true) {
    const int line = now().line;
    ExprPtr first = with_if ? expression() : either();
    if (!is_op(",")) return first;
    auto tuple = make(ExprKind::kTuple, line);
    add(*tuple, std::move(first));
    while (accept_op(",")) {
      if (now().kind == TokenKind::kBlockEnd || now().kind == TokenKind::kPrintEnd) break;
      add(*tuple, with_if ? expression() : either());
    }
    return tuple;
  }

  ExprPtr expression() {
    const Nested nested(*this);
    ExprPtr value = either();
    while (is_word("if")) {
      auto expr = make(ExprKind::kIf, take().line);
      add(*expr, std::move(value));
      add(*expr, either());
      add(*expr, accept_word("else") ? expression() : nullptr);
      value = std::move(expr);
    }
    return value;
  }

  // Operands joined by words or operators of one strength, from the left.
  template <typename Next>
  ExprPtr chain(std::initializer_list<std::string_view> ops, TokenKind kind, Next&& next) {
    ExprPtr left = next();
    while (now().kind == kind && std::find(ops.begin(), ops.end(), now().text) != ops.end()) {
      auto expr = make(ExprKind::kBinary, now().line);
      expr->name = take().text;
      add(*expr, std::move(left));
      add(*expr, next());
      left = std::move(expr);
    }
    return left;
  }

  ExprPtr either() {
    return chain({"or"}, TokenKind::kName, [this] { return both(); });
  }
  ExprPtr both() {
    return chain({"and"}, TokenKind::kName, [this] { return negation(); });
  }
  ExprPtr negation() {
    const Nested nested(*this);
    if (!is_word("not")) return comparison();
    const int line = take().line;
    return unary("not", line, negation());
  }

  ExprPtr comparison() {
    ExprPtr left = sum();
    std::unique_ptr<Expr> expr;
    for (;;) {
      std::string op;
      if (now().kind == TokenKind::kOperator &&
          (is_op("==") || is_op("!=") || is_op("<") || is_op(">") || is_op("<=") || is_op(">="))) {
        op = now().text;
      } else if (is_word("in")) {
        op = "in";
      } else if (is_word("not") && ahead().text == "in" && ahead().kind == TokenKind::kName) {
        op = "not in";
        take();
      } else {
        break;
      }
      const int line = take().line;
      if (!expr) {
        expr = make(ExprKind::kCompare, line);
        add(*expr, std::move(left));
      }
      expr->ops.push_back(std::move(op));
      add(*expr, sum());
    }
    return expr ? ExprPtr(std::move(expr)) : std::move(left);
  }

  ExprPtr sum() {
    return chain({"+", "-"}, TokenKind::kOperator, [this] { return concatenation(); });
  }
  ExprPtr concatenation() {
    return chain({"~"}, TokenKind::kOperator, [this] { return product(); });
  }
  ExprPtr product() {
    return chain({"*", "/", "//", "%"}, TokenKind::kOperator, [this] { return power(); });
  }
  ExprPtr power() {
    return chain({"**"}, TokenKind::kOperator, [this] { return signed_value(true); });
  }

  ExprPtr signed_value(bool with_filters) {
    const Nested nested(*this);
    ExprPtr value;
    if (is_op("-") || is_op("+")) {
      const Token sign = take();
      value = unary(sign.text, sign.line, signed_value(false));
    } else {
      value = postfix(primary());
    }
    return with_filters ? filters(std::move(value)) : std::move(value);
  }

  ExprPtr literal(Value value, int line) const {
    auto expr = make(ExprKind::kLiteral, line);
    expr->literal = std::move(value);
    return expr;
  }

  template <typename T>
  ExprPtr number(const Token& token) const {
    T value{};
    const char* end = token.text.data() + token.text.size();
    const auto result = std::from_chars(token.text.data(), end, value);
    if (result.ec != std::errc() || result.ptr != end)
      fail(token.line, "the number {} is too large", token.text);
    return literal(value, token.line);
  }

  ExprPtr primary() {
    const Token token = take();
    switch (token.kind) {
      case TokenKind::kString: {
        std::string text = token.text;
        while (now().kind == TokenKind::kString) text += take().text;
        return literal(Value::text(text), token.line);
      }
      case TokenKind::kInteger: return number<int64_t>(token);
      case TokenKind::kFloat: return number<double>(token);
      case TokenKind::kName: {
        const std::string& name = token.text;
        if (name == "true" || name == "True") return literal(true, token.line);
        if (name == "false" || name == "False") return literal(false, token.line);
        if (name == "none" || name == "None") return literal(None{}, token.line);
        auto expr = make(ExprKind::kName, token.line);
        expr->name = name;
        return expr;
      }
      case TokenKind::kOperator:
        if (token.text == "(") return parenthesised(token.line);
        if (token.text == "[") return list(token.line);
        if (token.text == "{") return dict(token.line);
        break;
      default: break;
    }
    fail(token.line, "expected an expression, found '{}'", token.text);
  }

  ExprPtr parenthesised(int line) {
    if (accept_op(")")) return make(ExprKind::kTuple, line);
    ExprPtr first = expression();
    if (accept_op(")")) return first;
    auto tuple = make(ExprKind::kTuple, line);
    add(*tuple, std::move(first));
    while (accept_op(",") && !is_op(")")) add(*tuple, expression());
    expect_op(")");
    return tuple;
  }

  ExprPtr list(int line) {
    auto expr = make(ExprKind::kList, line);
    while (!is_op("]")) {
      add(*expr, expression());
      if (!accept_op(",")) break;
    }
    expect_op("]");
    return expr;
  }

  ExprPtr dict(int line) {
    auto expr = make(ExprKind::kDict, line);
    while (!is_op("}")) {
      add(*expr, expression());
      expect_op(":");
      add(*expr, expression());
      if (!accept_op(",")) break;
    }
    expect_op("}");
    return expr;
  }

  ExprPtr postfix(ExprPtr value) {
    for (;;) {
      const int line = now().line;
      if (accept_op(".")) {
        auto expr = make(ExprKind::kAttribute, line);
        expr->name = now().kind == TokenKind::kInteger ? take().text : expect_name();
        add(*expr, std::move(value));
        value = std::move(expr);
      } else if (accept_op("[")) {
        value = subscript(std::move(value), line);
      } else if (is_op("(")) {
        value = call(std::move(value));
      } else {
        return value;
      }
    }
  }

  ExprPtr subscript(ExprPtr value, int line) {
    ExprPtr parts[3];
    size_t count = 0;
    bool is_slice = false;
    for (;;) {
      if (!is_op(":") && !is_op("]")) parts[count] = expression();
      if (is_op("]") || !is_op(":") || ++count == 3) break;
      take();
      is_slice = true;
    }
    expect_op("]");
    if (!is_slice && !parts[0]) fail(line, "an index is missing in []");
    auto expr = make(is_slice ? ExprKind::kSlice : ExprKind::kIndex, line);
    add(*expr, std::move(value));
    for (size_t i = 0; i < (is_slice ? 3 : 1); ++i) add(*expr, std::move(parts[i]));
    return expr;
  }

  // The arguments in (…), added to what is in `expr`.
  void arguments(Expr& expr) {
    expect_op("(");
    while (!is_op(")")) {
      if (now().kind == TokenKind::kName && ahead().kind == TokenKind::kOperator &&
          ahead().text == "=") {
        std::string name = take().text;
        take();
        ExprPtr value = expression();
        expr.depth = std::max(expr.depth, value->depth + 1);
        expr.named.emplace_back(std::move(name), std::move(value));
      } else {
        add(expr, expression());
      }
      if (!accept_op(",")) break;
    }
    expect_op(")");
  }

  ExprPtr call(ExprPtr callee) {
    auto expr = make(ExprKind::kCall, now().line);
    add(*expr, std::move(callee));
    arguments(*expr);
    return expr;
  }

  ExprPtr filters(ExprPtr value) {
    for (;;) {
      if (accept_op("|")) {
        auto expr = make(ExprKind::kFilter, now().line);
        expr->name = expect_name();
        if (!is_filter(expr->name)) fail(expr->line, "unknown filter '{}'", expr->name);
        add(*expr, std::move(value));
        if (is_op("(")) arguments(*expr);
        value = std::move(expr);
      } else if (is_word("is")) {
        value = test(std::move(value));
      } else if (is_op("(")) {
        value = call(std::move(value));
      } else {
        return value;
      }
    }
  }

  ExprPtr test(ExprPtr value) {
    auto expr = make(ExprKind::kTest, take().line);
    expr->negated = accept_word("not");
    expr->name = now().kind == TokenKind::kOperator ? take().text : expect_name();
    if (!is_test(expr->name)) fail(expr->line, "unknown test '{}'", expr->name);
    add(*expr, std::move(value));
    const auto is_word_of = [this](std::initializer_list<std::string_view> words) {
      return std::find(words.begin(), words.end(), now().text) != words.end();
    };
    if (is_op("(")) {
      arguments(*expr);
    } else if (now().kind == TokenKind::kString || now().kind == TokenKind::kInteger ||
               now().kind == TokenKind::kFloat || is_op("[") || is_op("{") ||
               (now().kind == TokenKind::kName &&
                !is_word_of({"else", "or", "and", "is", "if", "in", "not"}))) {
      add(*expr, postfix(primary()));
    }
    return expr;
  }

  std::vector<Token> tokens_;
  const std::string& where_;
  size_t at_ = 0;
  int depth_ = 0, blocks_ = 0, loops_ = 0;
  std::string word_;  // of the tag that ended the last block
};

}  // namespace

Block parse(std::string_view source, const std::string& where) {
  if (source.size() > kMaxSource)
    base::fail("{}: the chat template has {} bytes; at most {} are read", where, source.size(),
               kMaxSource);
  return Parser(tokenize(source, where), where).run();
}

}  // namespace parley::tokenizer::jinja
