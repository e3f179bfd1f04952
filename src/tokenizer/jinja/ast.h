// The tree of a template. A Program owns all of it, nodes point to each other and into the source. Immutable once it is
// parsed and resolved: threads render from it at the same time.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/jinja/value.h"

namespace spate::jinja {

// Where a variable lives: so many scopes outwards, at that slot.
struct Variable {
  uint32_t hops = 0;
  uint32_t slot = 0;
};

// What happens to a variable of a scope when the scope is entered.
struct Load {
  enum How : uint8_t {
    kParameter,  // the statement assigns it
    kResolve,    // looked up by name in what the template was given
    kAlias,      // copied from an outer scope, because this scope assigns its own
    kUnset,      // no value yet
  };
  How how = kUnset;
  uint32_t slot = 0;
  std::string_view name{};
  Variable from{};
};

struct Scope {
  std::vector<Load> loads;
  uint32_t slots = 0;
};

enum class ExprKind : uint8_t {
  kConstant,
  kName,
  kNamespaceField,  // name.attribute as the target of an assignment
  kTuple,
  kList,
  kDict,       // items: key, value, key, value ...
  kAttribute,  // items[0].name
  kItem,       // items[0][items[1]]
  kSlice,      // items[0][items[1] : items[2] : items[3]], null where absent
  kCall,       // items[0](items[1] ...)
  kFilter,     // items[0] | name(items[1] ...); items[0] is null in a filter block
  kTest,       // items[0] is name(items[1] ...)
  kNot,
  kNegative,
  kPositive,
  kBinary,
  kAnd,
  kOr,
  kCompare,  // items[0] op items[1] op items[2] ...
  kConcat,
  kCondition,  // items[1] if items[0] else items[2], null where absent
};

enum class Comparison : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kIn, kNotIn };

struct Expr;

struct Keyword {
  std::string_view name;
  Expr* value;
};

struct Expr {
  ExprKind kind = ExprKind::kConstant;
  uint8_t op = 0;  // BinaryOperator
  int line = 0;
  int depth = 1;
  Value constant{};
  std::string_view name{};
  std::string_view attribute{};
  Variable variable{};
  std::vector<Expr*> items{};
  std::vector<Comparison> comparisons{};
  std::vector<Keyword> keywords{};
  Expr* more_items = nullptr;     // *args
  Expr* more_keywords = nullptr;  // **kwargs
};

enum class StmtKind : uint8_t {
  kOutput,
  kIf,
  kFor,
  kSet,
  kSetBlock,
  kMacro,
  kCall,
  kFilter,
  kWith,
  kGeneration,
  kBreak,
  kContinue,
};

struct Stmt;

struct OutputPart {
  std::string_view data{};  // text, when there is no expression
  Expr* expr = nullptr;
};

struct Branch {
  Expr* test = nullptr;  // null: else
  std::vector<Stmt*> body{};
};

struct Stmt {
  StmtKind kind = StmtKind::kOutput;
  int line = 0;
  bool recursive = false;   // for
  bool uses_loop = false;   // for: its body speaks of `loop`
  std::string_view name{};  // of a macro
  Expr* target = nullptr;   // for, set
  Expr* value = nullptr;    // for: what is gone through; set; call; filter, also of a set block
  Expr* test = nullptr;     // for ... if
  std::vector<OutputPart> parts{};
  std::vector<Branch> branches{};
  std::vector<Expr*> params{};    // macro, call: names; with: targets
  std::vector<Expr*> defaults{};  // macro, call: of the last parameters; with: values
  std::vector<Stmt*> body{};
  std::vector<Stmt*> else_body{};
  Scope scope{};       // of the body
  Scope test_scope{};  // for ... if
  Scope else_scope{};  // for ... else
  // Slots in the body's scope that a macro or a loop fills by itself; kNoSlot where the body does not speak of them.
  static constexpr uint32_t kNoSlot = UINT32_MAX;
  uint32_t loop_slot = kNoSlot;
  uint32_t caller_slot = kNoSlot;
  uint32_t kwargs_slot = kNoSlot;
  uint32_t varargs_slot = kNoSlot;
  bool takes_caller = false;  // `caller` is one of the named parameters
  std::vector<uint32_t> param_slots{};
  Variable variable{};  // of a macro's name
};

struct Program {
  std::string source;      // normalized; tokens and names point into it
  std::deque<Text> texts;  // of the constants in exprs: freed after them
  std::deque<Expr> exprs;
  std::deque<Stmt> stmts;
  std::vector<Stmt*> body;
  Scope scope;
};

}  // namespace spate::jinja
