#include "tokenizer/jinja/resolver.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>

#include "tokenizer/jinja/failure.h"
#include "tokenizer/jinja/filters.h"
#include "tokenizer/jinja/limits.h"
#include "tokenizer/jinja/tests.h"

namespace spate::jinja {
namespace {

// Names that are looked at in all, copies of branches included: a template of 25 KB takes 50,000.
constexpr int64_t kMaxWork = 4'000'000;

// The names of one scope: which it has, how they get their first value, which it assigns.
class Symbols {
 public:
  explicit Symbols(const Symbols* parent) : parent_(parent) {}

  void Store(std::string_view name) {
    stores_.insert(name);
    if (Has(name)) return;
    if (const auto outer = FindOuter(name)) {
      Define(name, {.how = Load::kAlias, .from = *outer});
    } else {
      Define(name, {.how = Load::kUnset});
    }
  }
  void Read(std::string_view name) {
    if (!Find(name)) Define(name, {.how = Load::kResolve});
  }
  uint32_t Parameter(std::string_view name) {
    stores_.insert(name);
    return Define(name, {.how = Load::kParameter});
  }

  std::optional<Variable> Find(std::string_view name) const {
    if (const auto found = loads_.find(name); found != loads_.end()) return Variable{0, found->second.slot};
    return FindOuter(name);
  }

  // After the branches of an if, each of which went on from a copy: what one of them assigns has, if another one ran,
  // the value that it had outside.
  void Merge(std::span<const Symbols> branches) {
    std::set<std::string_view> assigned;
    for (const Symbols& branch : branches) assigned.insert(branch.stores_.begin(), branch.stores_.end());
    for (const std::string_view name : stores_) assigned.erase(name);
    for (const Symbols& branch : branches) {
      for (const auto& [name, load] : branch.loads_) {
        if (!Has(name)) {
          Define(name, load);
        } else {
          const uint32_t slot = loads_[name].slot;
          loads_[name] = load;
          loads_[name].slot = slot;
        }
      }
      stores_.insert(branch.stores_.begin(), branch.stores_.end());
    }
    for (const std::string_view name : assigned) {
      Load& load = loads_[name];
      const auto outer = FindOuter(name);
      load.how = outer ? Load::kAlias : Load::kResolve;
      if (outer) load.from = *outer;
    }
  }

  size_t size() const { return loads_.size() + stores_.size(); }

  Scope ToScope() const {
    Scope scope;
    scope.slots = static_cast<uint32_t>(loads_.size());
    for (const auto& [name, load] : loads_) {
      scope.loads.push_back(load);
      scope.loads.back().name = name;
    }
    return scope;
  }

 private:
  bool Has(std::string_view name) const { return loads_.contains(name); }

  std::optional<Variable> FindOuter(std::string_view name) const {
    if (parent_ == nullptr) return std::nullopt;
    std::optional<Variable> outer = parent_->Find(name);
    if (outer) ++outer->hops;
    return outer;
  }

  uint32_t Define(std::string_view name, Load load) {
    const auto found = loads_.find(name);
    load.slot = found != loads_.end() ? found->second.slot : static_cast<uint32_t>(loads_.size());
    loads_[name] = load;
    return load.slot;
  }

  const Symbols* parent_;
  std::map<std::string_view, Load> loads_;
  std::set<std::string_view> stores_;
};

// Calls `visit` for every expression that this one has under it, in the order of their evaluation.
template <typename Visit>
void ForEachChild(const Expr& node, Visit visit) {
  for (Expr* item : node.items) {
    if (item != nullptr) visit(*item);
  }
  for (const Keyword& keyword : node.keywords) visit(*keyword.value);
  if (node.more_items != nullptr) visit(*node.more_items);
  if (node.more_keywords != nullptr) visit(*node.more_keywords);
}

class Resolver {
 public:
  void Run(Program& program) {
    Symbols symbols(nullptr);
    Collect(symbols, program.body);
    program.scope = symbols.ToScope();
    Bind(symbols, program.body, false);
  }

 private:
  void Work(size_t names) {
    work_ += static_cast<int64_t>(names) + 1;
    if (work_ > kMaxWork) throw Failure("the template has too many names and branches");
  }

  // --- which names a scope has; bodies that are scopes of their own are left out

  void CollectRead(Symbols& symbols, const Expr* node) {
    if (node == nullptr) return;
    Work(0);
    if (node->kind == ExprKind::kName || node->kind == ExprKind::kNamespaceField) symbols.Read(node->name);
    ForEachChild(*node, [&](const Expr& child) { CollectRead(symbols, &child); });
  }

  void CollectTarget(Symbols& symbols, const Expr& target, bool parameter) {
    Work(0);
    if (target.kind == ExprKind::kNamespaceField) {
      symbols.Read(target.name);
    } else if (target.kind == ExprKind::kTuple) {
      for (const Expr* item : target.items) CollectTarget(symbols, *item, parameter);
    } else if (parameter) {
      symbols.Parameter(target.name);
    } else {
      symbols.Store(target.name);
    }
  }

  void Collect(Symbols& symbols, const std::vector<Stmt*>& body) {
    for (const Stmt* node : body) Collect(symbols, *node);
  }

  void Collect(Symbols& symbols, const Stmt& node) {
    Work(0);
    switch (node.kind) {
      case StmtKind::kOutput:
        for (const OutputPart& part : node.parts) CollectRead(symbols, part.expr);
        break;
      case StmtKind::kIf:
        CollectIf(symbols, node);
        break;
      case StmtKind::kSet:
        CollectRead(symbols, node.value);
        CollectTarget(symbols, *node.target, false);
        break;
      case StmtKind::kSetBlock:
        CollectTarget(symbols, *node.target, false);
        break;
      case StmtKind::kMacro:
        symbols.Store(node.name);
        break;
      case StmtKind::kFor:
      case StmtKind::kCall:
      case StmtKind::kFilter:
        CollectRead(symbols, node.value);
        break;
      case StmtKind::kWith:
        for (const Expr* value : node.defaults) CollectRead(symbols, value);
        break;
      case StmtKind::kGeneration:
      case StmtKind::kBreak:
      case StmtKind::kContinue:
        break;
    }
  }

  // A chain of elif is, for each of its tests, an if on its own within the branches of the first.
  void CollectIf(Symbols& symbols, const Stmt& node) {
    CollectRead(symbols, node.branches[0].test);
    Symbols first = symbols, middle = symbols, last = symbols;
    Work(3 * symbols.size());
    Collect(first, node.branches[0].body);
    for (size_t i = 1; i < node.branches.size(); ++i) {
      const Branch& branch = node.branches[i];
      if (branch.test == nullptr) {
        Collect(last, branch.body);
      } else {
        CollectRead(middle, branch.test);
        Symbols inner[] = {middle};
        Work(middle.size());
        Collect(inner[0], branch.body);
        middle.Merge(inner);
      }
    }
    const Symbols branches[] = {std::move(first), std::move(middle), std::move(last)};
    symbols.Merge(branches);
  }

  // --- whether a body speaks of a name before it assigns it, in any depth

  enum class Mention { kNone, kRead, kStored };

  Mention FindMention(const Expr* node, std::string_view name) {
    if (node == nullptr) return Mention::kNone;
    Work(0);
    if (node->kind == ExprKind::kName && node->name == name) return Mention::kRead;
    Mention found = Mention::kNone;
    ForEachChild(*node, [&](const Expr& child) {
      if (found == Mention::kNone) found = FindMention(&child, name);
    });
    return found;
  }

  bool Assigns(const Expr* target, std::string_view name) {
    if (target == nullptr) return false;
    Work(0);
    if (target->kind == ExprKind::kName) return target->name == name;
    return target->kind == ExprKind::kTuple && std::any_of(target->items.begin(), target->items.end(),
                                                           [&](const Expr* item) { return Assigns(item, name); });
  }

  Mention FindMention(const std::vector<Stmt*>& body, std::string_view name) {
    for (const Stmt* node : body) {
      if (const Mention found = FindMention(*node, name); found != Mention::kNone) return found;
    }
    return Mention::kNone;
  }

  Mention FindMention(const Stmt& node, std::string_view name) {
    Work(0);
    Mention found = Mention::kNone;
    const auto read = [&](const Expr* expr) {
      if (found == Mention::kNone) found = FindMention(expr, name);
    };
    const auto stored = [&](const Expr* target) {
      if (found == Mention::kNone && Assigns(target, name)) found = Mention::kStored;
    };
    const auto body = [&](const std::vector<Stmt*>& statements) {
      if (found == Mention::kNone) found = FindMention(statements, name);
    };
    for (const OutputPart& part : node.parts) read(part.expr);
    if (node.kind != StmtKind::kMacro) stored(node.target);
    for (const Expr* param : node.params) stored(param);
    for (const Expr* value : node.defaults) read(value);
    read(node.value);
    for (const Branch& branch : node.branches) {
      read(branch.test);
      body(branch.body);
    }
    body(node.body);
    body(node.else_body);
    read(node.test);
    return found;
  }

  // --- names to slots, and into the bodies

  void BindNames(const Symbols& symbols, Expr* node, bool soft) {
    if (node == nullptr) return;
    Work(0);
    if (node->kind == ExprKind::kName || node->kind == ExprKind::kNamespaceField) BindName(symbols, *node);
    // Within an if a filter that does not exist fails only when it is reached.
    const bool inner = soft || node->kind == ExprKind::kCondition;
    if (node->kind == ExprKind::kFilter && !soft && !FilterExists(node->name)) {
      FailAt(node->line, "there is no filter '{}'", node->name);
    }
    if (node->kind == ExprKind::kTest && !soft && !TestExists(node->name)) {
      FailAt(node->line, "there is no test '{}'", node->name);
    }
    ForEachChild(*node, [&](Expr& child) { BindNames(symbols, &child, inner); });
  }

  static void BindName(const Symbols& symbols, Expr& node) {
    const auto variable = symbols.Find(node.name);
    if (!variable) FailAt(node.line, "'{}' is not known here", node.name);
    node.variable = *variable;
  }

  void Bind(const Symbols& symbols, const std::vector<Stmt*>& body, bool soft) {
    for (Stmt* node : body) Bind(symbols, *node, soft);
  }

  void Bind(const Symbols& symbols, Stmt& node, bool soft) {
    for (const OutputPart& part : node.parts) BindNames(symbols, part.expr, soft);
    switch (node.kind) {
      case StmtKind::kIf:
        for (const Branch& branch : node.branches) {
          BindNames(symbols, branch.test, true);
          Bind(symbols, branch.body, true);
        }
        break;
      case StmtKind::kSet:
        BindNames(symbols, node.target, soft);
        BindNames(symbols, node.value, soft);
        break;
      case StmtKind::kFor:
        BindFor(symbols, node, soft);
        break;
      case StmtKind::kMacro:
        node.variable = *symbols.Find(node.name);
        BindFunction(symbols, node);
        break;
      case StmtKind::kCall:
        BindNames(symbols, node.value, soft);
        BindFunction(symbols, node);
        break;
      case StmtKind::kGeneration:
        BindFunction(symbols, node);
        break;
      case StmtKind::kSetBlock:
      case StmtKind::kFilter: {
        BindNames(symbols, node.target, soft);
        Symbols inner(&symbols);
        CollectRead(inner, node.value);
        Collect(inner, node.body);
        node.scope = inner.ToScope();
        BindNames(inner, node.value, false);
        Bind(inner, node.body, false);
        break;
      }
      case StmtKind::kWith: {
        Symbols inner(&symbols);
        for (const Expr* target : node.params) CollectTarget(inner, *target, true);
        Collect(inner, node.body);
        node.scope = inner.ToScope();
        for (Expr* value : node.defaults) BindNames(symbols, value, soft);
        for (Expr* target : node.params) BindNames(inner, target, false);
        Bind(inner, node.body, false);
        break;
      }
      case StmtKind::kOutput:
      case StmtKind::kBreak:
      case StmtKind::kContinue:
        break;
    }
  }

  // Whether something in a loop assigns `loop`, which Jinja2 refuses.
  bool AssignsLoop(const Stmt& node) {
    const auto any = [&](const std::vector<Stmt*>& body) {
      return std::any_of(body.begin(), body.end(), [&](const Stmt* inner) { return AssignsLoop(*inner); });
    };
    Work(0);
    if (node.kind != StmtKind::kMacro && Assigns(node.target, "loop")) return true;
    for (const Branch& branch : node.branches) {
      if (any(branch.body)) return true;
    }
    return any(node.body) || any(node.else_body);
  }

  void BindFor(const Symbols& symbols, Stmt& node, bool soft) {
    if (AssignsLoop(node)) FailAt(node.line, "'loop' cannot be assigned to in a loop");
    BindNames(symbols, node.value, soft);
    Symbols inner(&symbols), test(&symbols), otherwise(&symbols);
    node.uses_loop = node.recursive || FindMention(node.body, "loop") == Mention::kRead;
    if (node.uses_loop) node.loop_slot = inner.Parameter("loop");
    CollectTarget(inner, *node.target, true);
    Collect(inner, node.body);
    node.scope = inner.ToScope();
    BindNames(inner, node.target, false);
    if (node.test != nullptr) {
      // The test is evaluated in a scope of its own, in which the target has the same slots as in this list.
      CollectTarget(test, *node.target, true);
      CollectRead(test, node.test);
      node.test_scope = test.ToScope();
      BindNames(test, node.test, false);
      CollectTestSlots(test, *node.target, node);
    }
    Bind(inner, node.body, false);
    Collect(otherwise, node.else_body);
    node.else_scope = otherwise.ToScope();
    Bind(otherwise, node.else_body, false);
  }

  // The slots of the target's names in the scope of the test, in their order.
  static void CollectTestSlots(const Symbols& test, const Expr& target, Stmt& node) {
    if (target.kind == ExprKind::kTuple) {
      for (const Expr* item : target.items) CollectTestSlots(test, *item, node);
    } else {
      node.param_slots.push_back(test.Find(target.name)->slot);
    }
  }

  void BindFunction(const Symbols& symbols, Stmt& node) {
    Symbols inner(&symbols);
    for (const Expr* param : node.params) inner.Parameter(param->name);
    for (const Expr* value : node.defaults) CollectRead(inner, value);
    Collect(inner, node.body);
    const auto is_param = [&](std::string_view name) {
      return std::any_of(node.params.begin(), node.params.end(),
                         [&](const Expr* param) { return param->name == name; });
    };
    if (FindMention(node.body, "caller") == Mention::kRead) {
      if (is_param("caller")) {
        if (node.defaults.empty()) FailAt(node.line, "a parameter 'caller' needs a default");
        node.takes_caller = true;
      } else {
        node.caller_slot = inner.Parameter("caller");
      }
    }
    if (FindMention(node.body, "kwargs") == Mention::kRead && !is_param("kwargs")) {
      node.kwargs_slot = inner.Parameter("kwargs");
    }
    if (FindMention(node.body, "varargs") == Mention::kRead && !is_param("varargs")) {
      node.varargs_slot = inner.Parameter("varargs");
    }
    node.scope = inner.ToScope();
    for (Expr* param : node.params) {
      BindName(inner, *param);
      node.param_slots.push_back(param->variable.slot);
    }
    for (Expr* value : node.defaults) BindNames(inner, value, false);
    Bind(inner, node.body, false);
  }

  int64_t work_ = 0;
};

}  // namespace

void Resolve(Program& program) { Resolver().Run(program); }

}  // namespace spate::jinja
