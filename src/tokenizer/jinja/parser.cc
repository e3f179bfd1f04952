#include "tokenizer/jinja/parser.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "tokenizer/jinja/expression_parser.h"
#include "tokenizer/jinja/lexer.h"
#include "tokenizer/jinja/resolver.h"

namespace spate::jinja {
namespace {

using Ends = std::initializer_list<std::string_view>;

class Parser {
 public:
  Parser(Program& program, TokenStream& tokens) : program_(program), tokens_(tokens), expressions_(program, tokens) {}

  std::vector<Stmt*> Template() { return Body({}, 0); }

 private:
  Stmt* New(StmtKind kind, int line) {
    if (program_.exprs.size() + program_.stmts.size() >= kMaxNodes) {
      FailAt(line, "the template has more than {} nodes", kMaxNodes);
    }
    Stmt& node = program_.stmts.emplace_back();
    node.kind = kind;
    node.line = line;
    return &node;
  }

  void EndTag() { tokens_.Expect(TokenKind::kBlockEnd, "the end of the tag"); }

  // Statements and text up to a tag that is one of `ends`, whose name is then the current token. `line` is that of the
  // tag that they belong to.
  std::vector<Stmt*> Body(Ends ends, int line) {
    std::vector<Stmt*> body;
    Stmt* output = nullptr;
    const auto add = [&](OutputPart part) {
      if (output == nullptr) body.push_back(output = New(StmtKind::kOutput, tokens_.line()));
      output->parts.push_back(part);
    };
    while (true) {
      const Token token = tokens_.current();
      if (token.kind == TokenKind::kEnd) {
        if (ends.size() > 0)
          FailAt(token.line, "the tag of line {} is not closed: expected {}", line, *(ends.end() - 1));
        return body;
      }
      tokens_.Next();
      if (token.kind == TokenKind::kData) {
        add({token.text, nullptr});
      } else if (token.kind == TokenKind::kVariableBegin) {
        add({{}, expressions_.Tuple(true, {}, false)});
        tokens_.Expect(TokenKind::kVariableEnd, "}}");
      } else {  // the lexer puts nothing else outside of tags
        output = nullptr;
        const Token& tag = tokens_.current();
        if (tag.kind == TokenKind::kName && std::find(ends.begin(), ends.end(), tag.text) != ends.end()) return body;
        body.push_back(Statement());
        EndTag();
      }
    }
  }

  // The body of the tag that was just read, to its end tag, of which the name is dropped.
  std::vector<Stmt*> BodyTo(std::string_view end, int line) {
    tokens_.SkipOperator(":");
    EndTag();
    std::vector<Stmt*> body = Body({end}, line);
    tokens_.Next();
    return body;
  }

  Stmt* Statement() {
    const Token token = tokens_.current();
    const DepthGuard guard(expressions_.depth(), token.line);
    if (token.kind != TokenKind::kName)
      FailAt(token.line, "expected the name of a tag, got {}", TokenStream::Describe(token));
    using Method = Stmt* (Parser::*)();
    constexpr std::array<std::pair<std::string_view, Method>, 11> kTags{{{"if", &Parser::If},
                                                                         {"for", &Parser::For},
                                                                         {"set", &Parser::Set},
                                                                         {"macro", &Parser::Macro},
                                                                         {"call", &Parser::Call},
                                                                         {"filter", &Parser::Filter},
                                                                         {"with", &Parser::With},
                                                                         {"print", &Parser::Print},
                                                                         {"generation", &Parser::Generation},
                                                                         {"break", &Parser::Break},
                                                                         {"continue", &Parser::Continue}}};
    for (const auto& [name, method] : kTags) {
      if (token.text == name) return (this->*method)();
    }
    for (const std::string_view name : {"block", "extends", "include", "import", "from", "autoescape"}) {
      if (token.text == name) FailAt(token.line, "the tag '{}' is not supported: a chat template is one file", name);
    }
    FailAt(token.line, "unknown tag '{}'", token.text.substr(0, 40));
  }

  Stmt* If() {
    Stmt* node = New(StmtKind::kIf, tokens_.Next().line);
    while (true) {
      Branch branch{expressions_.Tuple(false, {}, false), {}};
      tokens_.SkipOperator(":");
      EndTag();
      branch.body = Body({"elif", "else", "endif"}, node->line);
      node->branches.push_back(std::move(branch));
      const Token tag = tokens_.Next();
      if (tag.text == "elif") continue;
      if (tag.text == "else") node->branches.push_back({nullptr, BodyTo("endif", node->line)});
      return node;
    }
  }

  Stmt* For() {
    Stmt* node = New(StmtKind::kFor, tokens_.Next().line);
    node->target = expressions_.Target("in", false);
    tokens_.ExpectName("in");
    node->value = expressions_.Tuple(false, "recursive", false);
    if (tokens_.SkipName("if")) node->test = expressions_.Expression();
    node->recursive = tokens_.SkipName("recursive");
    tokens_.SkipOperator(":");
    EndTag();
    ++loops_;
    node->body = Body({"else", "endfor"}, node->line);
    --loops_;
    if (tokens_.Next().text == "else") node->else_body = BodyTo("endfor", node->line);
    return node;
  }

  Stmt* Set() {
    const int line = tokens_.Next().line;
    Expr* target = expressions_.Target({}, true);
    if (tokens_.SkipOperator("=")) {
      Stmt* node = New(StmtKind::kSet, line);
      node->target = target;
      node->value = expressions_.Tuple(true, {}, false);
      return node;
    }
    Stmt* node = New(StmtKind::kSetBlock, line);
    node->target = target;
    if (tokens_.current().IsOperator("|")) node->value = expressions_.Filters(nullptr, false);
    node->body = BodyTo("endset", line);
    return node;
  }

  void Signature(Stmt& node) {
    tokens_.ExpectOperator("(");
    while (!tokens_.current().IsOperator(")")) {
      if (!node.params.empty()) tokens_.ExpectOperator(",");
      Expr* param = expressions_.Name();
      for (const Expr* other : node.params) {
        if (other->name == param->name) FailAt(param->line, "the parameter '{}' occurs twice", param->name);
      }
      node.params.push_back(param);
      if (tokens_.SkipOperator("=")) {
        node.defaults.push_back(expressions_.Expression());
      } else if (!node.defaults.empty()) {
        FailAt(param->line, "a parameter without a default follows one that has one");
      }
    }
    tokens_.Next();
  }

  // The body of what becomes a function: no loop around it can be left from inside.
  std::vector<Stmt*> FunctionBody(std::string_view end, int line) {
    const int loops = std::exchange(loops_, 0);
    std::vector<Stmt*> body = BodyTo(end, line);
    loops_ = loops;
    return body;
  }

  Stmt* Macro() {
    Stmt* node = New(StmtKind::kMacro, tokens_.Next().line);
    node->target = expressions_.Name();
    node->name = node->target->name;
    Signature(*node);
    node->body = FunctionBody("endmacro", node->line);
    return node;
  }

  Stmt* Call() {
    Stmt* node = New(StmtKind::kCall, tokens_.Next().line);
    if (tokens_.current().IsOperator("(")) Signature(*node);
    node->value = expressions_.Expression();
    if (node->value->kind != ExprKind::kCall) FailAt(node->line, "expected a call in a call block");
    node->body = FunctionBody("endcall", node->line);
    return node;
  }

  Stmt* Filter() {
    Stmt* node = New(StmtKind::kFilter, tokens_.Next().line);
    node->value = expressions_.Filters(nullptr, true);
    node->body = BodyTo("endfilter", node->line);
    return node;
  }

  Stmt* With() {
    Stmt* node = New(StmtKind::kWith, tokens_.Next().line);
    while (tokens_.current().kind != TokenKind::kBlockEnd) {
      if (!node->params.empty()) tokens_.ExpectOperator(",");
      node->params.push_back(expressions_.Target({}, false));
      tokens_.ExpectOperator("=");
      node->defaults.push_back(expressions_.Expression());
    }
    node->body = BodyTo("endwith", node->line);
    return node;
  }

  Stmt* Print() {
    Stmt* node = New(StmtKind::kOutput, tokens_.Next().line);
    while (tokens_.current().kind != TokenKind::kBlockEnd) {
      if (!node->parts.empty()) tokens_.ExpectOperator(",");
      node->parts.push_back({{}, expressions_.Expression()});
    }
    return node;
  }

  Stmt* Generation() {
    Stmt* node = New(StmtKind::kGeneration, tokens_.Next().line);
    node->body = FunctionBody("endgeneration", node->line);
    return node;
  }

  Stmt* Leave(StmtKind kind) {
    const Token token = tokens_.Next();
    if (loops_ == 0) FailAt(token.line, "'{}' outside of a loop", token.text);
    return New(kind, token.line);
  }
  Stmt* Break() { return Leave(StmtKind::kBreak); }
  Stmt* Continue() { return Leave(StmtKind::kContinue); }

  Program& program_;
  TokenStream& tokens_;
  ExpressionParser expressions_;
  int loops_ = 0;  // open around the current tag, within its macro
};

}  // namespace

std::unique_ptr<Program> Parse(std::string_view source) {
  auto program = std::make_unique<Program>();
  program->source = NormalizeSource(source);
  TokenStream tokens(Tokenize(program->source));
  program->body = Parser(*program, tokens).Template();
  Resolve(*program);
  return program;
}

}  // namespace spate::jinja
