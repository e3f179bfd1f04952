#include "tokenizer/jinja/expression_parser.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "tokenizer/jinja/lexer.h"

namespace spate::jinja {

Expr* ExpressionParser::New(ExprKind kind, int line, std::vector<Expr*> items) {
  if (program_.exprs.size() + program_.stmts.size() >= kMaxNodes) {
    FailAt(line, "the template has more than {} nodes", kMaxNodes);
  }
  Expr& node = program_.exprs.emplace_back();
  node.kind = kind;
  node.line = line;
  for (const Expr* item : items) {
    if (item != nullptr) node.depth = std::max(node.depth, item->depth + 1);
  }
  if (node.depth > kMaxNodeDepth) FailAt(line, "an expression is nested deeper than {} levels", kMaxNodeDepth);
  node.items = std::move(items);
  return &node;
}

Expr* ExpressionParser::Constant(Value value, int line) {
  Expr* node = New(ExprKind::kConstant, line);
  node->constant = std::move(value);
  return node;
}

Expr* ExpressionParser::Binary(BinaryOperator op, Expr* left, Expr* right, int line) {
  Expr* node = New(ExprKind::kBinary, line, {left, right});
  node->op = static_cast<uint8_t>(op);
  return node;
}

Expr* ExpressionParser::Expression() {
  const DepthGuard guard(depth_, tokens_.line());
  return Condition();
}

Expr* ExpressionParser::Condition() {
  Expr* node = Or();
  for (int line = tokens_.line(); tokens_.SkipName("if"); line = tokens_.line()) {
    Expr* test = Or();
    Expr* otherwise = tokens_.SkipName("else") ? Expression() : nullptr;
    node = New(ExprKind::kCondition, line, {test, node, otherwise});
  }
  return node;
}

Expr* ExpressionParser::Or() {
  Expr* left = And();
  for (int line = tokens_.line(); tokens_.SkipName("or"); line = tokens_.line()) {
    left = New(ExprKind::kOr, line, {left, And()});
  }
  return left;
}

Expr* ExpressionParser::And() {
  Expr* left = Not();
  for (int line = tokens_.line(); tokens_.SkipName("and"); line = tokens_.line()) {
    left = New(ExprKind::kAnd, line, {left, Not()});
  }
  return left;
}

Expr* ExpressionParser::Not() {
  const int line = tokens_.line();
  if (!tokens_.SkipName("not")) return Compare();
  const DepthGuard guard(depth_, line);
  return New(ExprKind::kNot, line, {Not()});
}

Expr* ExpressionParser::Compare() {
  constexpr std::pair<std::string_view, Comparison> kSigns[] = {
      {"==", Comparison::kEqual},     {"!=", Comparison::kNotEqual}, {"<", Comparison::kLess},
      {"<=", Comparison::kLessEqual}, {">", Comparison::kGreater},   {">=", Comparison::kGreaterEqual}};
  const int line = tokens_.line();
  std::vector<Expr*> items{Sum()};
  std::vector<Comparison> comparisons;
  while (true) {
    const Token& token = tokens_.current();
    const auto* sign = std::find_if(std::begin(kSigns), std::end(kSigns),
                                    [&](const auto& entry) { return token.IsOperator(entry.first); });
    if (sign != std::end(kSigns)) {
      tokens_.Next();
      comparisons.push_back(sign->second);
    } else if (tokens_.SkipName("in")) {
      comparisons.push_back(Comparison::kIn);
    } else if (token.IsName("not") && tokens_.following().IsName("in")) {
      tokens_.Next();
      tokens_.Next();
      comparisons.push_back(Comparison::kNotIn);
    } else {
      break;
    }
    items.push_back(Sum());
  }
  if (comparisons.empty()) return items[0];
  Expr* node = New(ExprKind::kCompare, line, std::move(items));
  node->comparisons = std::move(comparisons);
  return node;
}

Expr* ExpressionParser::Sum() {
  Expr* left = Concat();
  while (true) {
    const int line = tokens_.line();
    if (tokens_.SkipOperator("+")) {
      left = Binary(BinaryOperator::kAdd, left, Concat(), line);
    } else if (tokens_.SkipOperator("-")) {
      left = Binary(BinaryOperator::kSubtract, left, Concat(), line);
    } else {
      return left;
    }
  }
}

Expr* ExpressionParser::Concat() {
  const int line = tokens_.line();
  std::vector<Expr*> parts{Product()};
  while (tokens_.SkipOperator("~")) parts.push_back(Product());
  return parts.size() == 1 ? parts[0] : New(ExprKind::kConcat, line, std::move(parts));
}

Expr* ExpressionParser::Product() {
  Expr* left = Power();
  while (true) {
    const int line = tokens_.line();
    BinaryOperator op = BinaryOperator::kMultiply;
    if (tokens_.SkipOperator("*")) {
      op = BinaryOperator::kMultiply;
    } else if (tokens_.SkipOperator("/")) {
      op = BinaryOperator::kDivide;
    } else if (tokens_.SkipOperator("//")) {
      op = BinaryOperator::kFloorDivide;
    } else if (tokens_.SkipOperator("%")) {
      op = BinaryOperator::kModulo;
    } else {
      return left;
    }
    left = Binary(op, left, Power(), line);
  }
}

Expr* ExpressionParser::Power() {
  Expr* left = Unary(true);
  for (int line = tokens_.line(); tokens_.SkipOperator("**"); line = tokens_.line()) {
    left = Binary(BinaryOperator::kPower, left, Unary(true), line);
  }
  return left;
}

Expr* ExpressionParser::Unary(bool with_filter) {
  const int line = tokens_.line();
  const DepthGuard guard(depth_, line);
  Expr* node = nullptr;
  if (tokens_.SkipOperator("-")) {
    node = New(ExprKind::kNegative, line, {Unary(false)});
  } else if (tokens_.SkipOperator("+")) {
    node = New(ExprKind::kPositive, line, {Unary(false)});
  } else {
    node = Primary(false);
  }
  node = Postfix(node);
  return with_filter ? FilterPostfix(node) : node;
}

Expr* ExpressionParser::Strings() {
  const int line = tokens_.line();
  std::string text;
  while (tokens_.current().kind == TokenKind::kString) text += StringLiteral(tokens_.Next().text, line);
  Text& shared = program_.texts.emplace_back();
  shared.ascii = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  shared.bytes = std::move(text);
  return Constant(Value(Kind::kString, &shared), line);
}

Expr* ExpressionParser::Number(const Token& token) {
  std::string digits(token.text);
  std::erase(digits, '_');
  if (token.kind == TokenKind::kFloat) {
    double number = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (result.ec != std::errc()) number = digits.find("e-") == std::string::npos ? HUGE_VAL : 0;
    return Constant(Value(number), token.line);
  }
  int base = 10;
  size_t begin = 0;
  if (digits.size() > 2 && digits[0] == '0' && !std::isdigit(static_cast<unsigned char>(digits[1]))) {
    const char letter = static_cast<char>(digits[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'o' ? 8 : 2;
    begin = 2;
  }
  int64_t number = 0;
  const auto result = std::from_chars(digits.data() + begin, digits.data() + digits.size(), number, base);
  if (result.ec != std::errc()) FailAt(token.line, "the integer {} does not fit 64 bits", token.text.substr(0, 40));
  return Constant(Value(number), token.line);
}

Expr* ExpressionParser::Primary(bool fields) {
  const Token token = tokens_.current();
  switch (token.kind) {
    case TokenKind::kName: {
      tokens_.Next();
      if (token.text == "true" || token.text == "True") return Constant(Value(true), token.line);
      if (token.text == "false" || token.text == "False") return Constant(Value(false), token.line);
      if (token.text == "none" || token.text == "None") return Constant(Value::None(), token.line);
      const bool field = fields && tokens_.SkipOperator(".");
      Expr* node = New(field ? ExprKind::kNamespaceField : ExprKind::kName, token.line);
      node->name = token.text;
      if (field) node->attribute = tokens_.ExpectName().text;
      return node;
    }
    case TokenKind::kString:
      return Strings();
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return Number(tokens_.Next());
    case TokenKind::kOperator:
      if (token.text == "(") {
        tokens_.Next();
        Expr* node = Tuple(true, {}, true);
        tokens_.ExpectOperator(")");
        return node;
      }
      if (token.text == "[") return List();
      if (token.text == "{") return Dict();
      break;
    default:
      break;
  }
  FailAt(token.line, "expected an expression, got {}", TokenStream::Describe(token));
}

bool ExpressionParser::AtTupleEnd(std::string_view end) const {
  const Token& token = tokens_.current();
  return token.kind == TokenKind::kVariableEnd || token.kind == TokenKind::kBlockEnd || token.IsOperator(")") ||
         (!end.empty() && token.IsName(end));
}

Expr* ExpressionParser::Tuple(bool with_condition, std::string_view end, bool parentheses) {
  const DepthGuard guard(depth_, tokens_.line());
  const int line = tokens_.line();
  std::vector<Expr*> items;
  bool is_tuple = false;
  while (!AtTupleEnd(end)) {
    items.push_back(with_condition ? Expression() : Or());
    if (!tokens_.SkipOperator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return items[0];
  if (!is_tuple && !parentheses) {
    FailAt(line, "expected an expression, got {}", TokenStream::Describe(tokens_.current()));
  }
  return New(ExprKind::kTuple, line, std::move(items));
}

Expr* ExpressionParser::Target(std::string_view end, bool fields) {
  const int line = tokens_.line();
  std::vector<Expr*> items;
  bool is_tuple = false;
  while (!AtTupleEnd(end)) {
    items.push_back(Primary(fields));
    if (!tokens_.SkipOperator(",")) break;
    is_tuple = true;
  }
  if (items.empty()) FailAt(line, "expected a name, got {}", TokenStream::Describe(tokens_.current()));
  Expr* target = is_tuple ? New(ExprKind::kTuple, line, std::move(items)) : items[0];
  CheckTarget(*target);
  return target;
}

void ExpressionParser::CheckTarget(const Expr& target) const {
  switch (target.kind) {
    case ExprKind::kName:
    case ExprKind::kNamespaceField:
      return;
    case ExprKind::kTuple:
      for (const Expr* item : target.items) CheckTarget(*item);
      return;
    default:
      FailAt(target.line, "only names can be assigned to");
  }
}

Expr* ExpressionParser::Name() {
  const Token token = tokens_.ExpectName();
  for (const std::string_view constant : {"true", "false", "none", "True", "False", "None"}) {
    if (token.text == constant) FailAt(token.line, "'{}' cannot be assigned to", constant);
  }
  Expr* node = New(ExprKind::kName, token.line);
  node->name = token.text;
  return node;
}

Expr* ExpressionParser::List() {
  const int line = tokens_.Next().line;
  std::vector<Expr*> items;
  while (!tokens_.current().IsOperator("]")) {
    if (!items.empty()) tokens_.ExpectOperator(",");
    if (tokens_.current().IsOperator("]")) break;
    items.push_back(Expression());
  }
  tokens_.ExpectOperator("]");
  return New(ExprKind::kList, line, std::move(items));
}

Expr* ExpressionParser::Dict() {
  const int line = tokens_.Next().line;
  std::vector<Expr*> items;
  while (!tokens_.current().IsOperator("}")) {
    if (!items.empty()) tokens_.ExpectOperator(",");
    if (tokens_.current().IsOperator("}")) break;
    items.push_back(Expression());
    tokens_.ExpectOperator(":");
    items.push_back(Expression());
  }
  tokens_.ExpectOperator("}");
  return New(ExprKind::kDict, line, std::move(items));
}

Expr* ExpressionParser::Postfix(Expr* node) {
  while (true) {
    if (tokens_.current().IsOperator(".") || tokens_.current().IsOperator("[")) {
      node = Subscript(node);
    } else if (tokens_.current().IsOperator("(")) {
      node = Call(node);
    } else {
      return node;
    }
  }
}

Expr* ExpressionParser::FilterPostfix(Expr* node) {
  while (true) {
    if (tokens_.current().IsOperator("|")) {
      node = Filters(node, false);
    } else if (tokens_.current().IsName("is")) {
      node = Test(node);
    } else if (tokens_.current().IsOperator("(")) {
      node = Call(node);
    } else {
      return node;
    }
  }
}

Expr* ExpressionParser::Subscript(Expr* node) {
  const Token token = tokens_.Next();
  if (token.text == ".") {
    const Token name = tokens_.Next();
    if (name.kind == TokenKind::kName) {
      Expr* attribute = New(ExprKind::kAttribute, token.line, {node});
      attribute->name = name.text;
      return attribute;
    }
    if (name.kind != TokenKind::kInteger) FailAt(name.line, "expected a name or a number after the dot");
    return New(ExprKind::kItem, token.line, {node, Number(name)});
  }
  const auto at_end = [&] { return tokens_.current().IsOperator("]") || tokens_.current().IsOperator(","); };
  std::vector<Expr*> keys;
  while (!tokens_.current().IsOperator("]")) {
    if (!keys.empty()) tokens_.ExpectOperator(",");
    Expr* start = tokens_.current().IsOperator(":") ? nullptr : Expression();
    if (start != nullptr && !tokens_.current().IsOperator(":")) {
      keys.push_back(start);
      continue;
    }
    tokens_.ExpectOperator(":");
    Expr* stop = tokens_.current().IsOperator(":") || at_end() ? nullptr : Expression();
    Expr* step = tokens_.SkipOperator(":") && !at_end() ? Expression() : nullptr;
    if (!keys.empty() || !tokens_.current().IsOperator("]")) FailAt(token.line, "a slice stands alone in its brackets");
    tokens_.Next();
    return New(ExprKind::kSlice, token.line, {node, start, stop, step});
  }
  tokens_.ExpectOperator("]");
  Expr* key = keys.size() == 1 ? keys[0] : New(ExprKind::kTuple, token.line, std::move(keys));
  return New(ExprKind::kItem, token.line, {node, key});
}

Expr* ExpressionParser::Call(Expr* node) {
  Expr* call = New(ExprKind::kCall, tokens_.line(), {node});
  CallArguments(*call);
  return call;
}

void ExpressionParser::CallArguments(Expr& call) {
  const int line = tokens_.line();
  const auto ensure = [&](bool holds) {
    if (!holds) FailAt(line, "the arguments of a call are in a wrong order");
  };
  const auto deepen = [&](const Expr* argument) {
    call.depth = std::max(call.depth, argument->depth + 1);
    if (call.depth > kMaxNodeDepth) FailAt(line, "an expression is nested deeper than {} levels", kMaxNodeDepth);
  };
  tokens_.ExpectOperator("(");
  for (bool first = true; !tokens_.current().IsOperator(")"); first = false) {
    if (!first) {
      tokens_.ExpectOperator(",");
      if (tokens_.current().IsOperator(")")) break;
    }
    if (tokens_.SkipOperator("*")) {
      ensure(call.more_items == nullptr && call.more_keywords == nullptr);
      deepen(call.more_items = Expression());
    } else if (tokens_.SkipOperator("**")) {
      ensure(call.more_keywords == nullptr);
      deepen(call.more_keywords = Expression());
    } else if (tokens_.current().kind == TokenKind::kName && tokens_.following().IsOperator("=")) {
      ensure(call.more_keywords == nullptr);
      const std::string_view name = tokens_.Next().text;
      tokens_.Next();
      for (const Keyword& other : call.keywords) {
        if (other.name == name) FailAt(line, "the argument '{}' is given twice", name);
      }
      call.keywords.push_back({name, Expression()});
      deepen(call.keywords.back().value);
    } else {
      ensure(call.more_items == nullptr && call.more_keywords == nullptr && call.keywords.empty());
      call.items.push_back(Expression());
      deepen(call.items.back());
    }
  }
  tokens_.ExpectOperator(")");
}

std::string_view ExpressionParser::DottedName() {
  const std::string_view first = tokens_.ExpectName().text;
  std::string_view last = first;
  while (tokens_.SkipOperator(".")) last = tokens_.ExpectName().text;
  return {first.data(), static_cast<size_t>(last.data() + last.size() - first.data())};
}

Expr* ExpressionParser::Filters(Expr* value, bool first_bare) {
  for (bool bare = first_bare; bare || tokens_.current().IsOperator("|"); bare = false) {
    if (!bare) tokens_.Next();
    Expr* filter = New(ExprKind::kFilter, tokens_.line(), {value});
    filter->name = DottedName();
    if (tokens_.current().IsOperator("(")) CallArguments(*filter);
    value = filter;
  }
  return value;
}

Expr* ExpressionParser::Test(Expr* node) {
  const int line = tokens_.Next().line;
  const bool negated = tokens_.SkipName("not");
  Expr* test = New(ExprKind::kTest, line, {node});
  test->name = DottedName();
  const Token& token = tokens_.current();
  if (token.IsOperator("(")) {
    CallArguments(*test);
  } else if (token.kind == TokenKind::kString || token.kind == TokenKind::kInteger || token.kind == TokenKind::kFloat ||
             token.IsOperator("[") || token.IsOperator("{") ||
             (token.kind == TokenKind::kName && token.text != "else" && token.text != "or" && token.text != "and")) {
    if (token.text == "is") FailAt(line, "tests with 'is' cannot be chained");
    Expr* argument = Postfix(Primary(false));
    test->items.push_back(argument);
    test->depth = std::max(test->depth, argument->depth + 1);
  }
  return negated ? New(ExprKind::kNot, line, {test}) : test;
}

}  // namespace spate::jinja
