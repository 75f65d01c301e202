// SPDX-License-Identifier: Apache-2.0
#include "compose/file/energies.h"

#include <fmt/format.h>

#include <algorithm>

#include "compose/file/log_z.h"
#include "compose/file/roles.h"
#include "compose/tree/coordinates.h"

namespace potluck {

namespace {

// Deeper and larger than any person writes. Every walk over a composite is bounded by them: in the stack by the first,
// in time by the second.
constexpr int kMostNested = 500;
constexpr int64_t kMostPlaces = 20000;

const std::vector<std::string>& node_keys() {
  static const std::vector<std::string> keys = {"model",  "product",   "mixture", "not",
                                                "temper", "hierarchy", "each",    "energy"};
  return keys;
}

/// Keys of `value` that say what kind of node it is.
std::vector<std::string> kinds_of(const Yaml& value) {
  std::vector<std::string> kinds;
  for (const std::string& key : node_keys())
    if (value.find(key)) kinds.push_back(key);
  return kinds;
}

}  // namespace

EnergyBuilder::EnergyBuilder(const Scope& scope, const Yaml* energies, LeafReader& leaves, Diagnostics& diagnostics)
    : scope_(scope), energies_(energies), leaves_(leaves), diagnostics_(diagnostics) {
  if (!energies_) return;
  if (!energies_->is_map()) {
    diagnostics_.add(energies_->place,
                     fmt::format("energies must be a map from names to energies, got {}", energies_->describe()));
    energies_ = nullptr;
    return;
  }
  for (const Yaml::Entry& entry : energies_->map) {
    check_name(entry, "an energy", diagnostics_);
    by_name_.emplace(entry.key, &entry.value);
  }
}

EnergyBuilder::Position EnergyBuilder::Position::inside(const std::string& step) const {
  Position below = *this;
  below.name += "." + step;
  below.what += "." + step;
  below.use = {};
  return below;
}

NodePointer EnergyBuilder::target(const Yaml& value) {
  Position at;
  at.name = at.what = "target";
  return build(value, nullptr, at);
}

std::map<std::string, NodePointer> EnergyBuilder::named() {
  std::map<std::string, NodePointer> all;
  if (!energies_) return all;
  for (const Yaml::Entry& entry : energies_->map) {
    if (too_deep_) break;  // each name of a chain that is too deep would be followed to its end
    Position at;
    at.name = entry.key;
    at.what = "energies." + entry.key;
    // What the target uses inside an `each` only may be open outside: it was checked where it is used.
    at.unused = true;
    stack_ = {entry.key};
    if (NodePointer built = build(entry.value, nullptr, at)) all[entry.key] = built;
    stack_.clear();
  }
  return all;
}

NodePointer EnergyBuilder::build(const Yaml& value, const Yaml* inputs, const Position& at) {
  if (depth_ >= 2 * kMostNested) {  // an energy and its name each count
    if (too_deep_) return nullptr;
    too_deep_ = true;
    diagnostics_.add(
        value.place,
        fmt::format("energies must be nested at most {} deep, got more. Multiply them in fewer products", kMostNested));
    return nullptr;
  }
  ++depth_;
  NodePointer built = build_here(value, inputs, at);
  --depth_;
  return built;
}

NodePointer EnergyBuilder::build_here(const Yaml& value, const Yaml* inputs, const Position& at) {
  if (value.is_scalar()) return named_energy(value, inputs, at);
  if (value.is_map()) return node(value, inputs, at);
  diagnostics_.add(value.place, fmt::format("{} must be the name of an energy or a map with one of {}, got {}", at.what,
                                            joined(node_keys()), value.describe()));
  return nullptr;
}

NodePointer EnergyBuilder::named_energy(const Yaml& name, const Yaml* inputs, const Position& at) {
  const auto found = by_name_.find(name.text);
  if (found == by_name_.end()) {
    std::vector<std::string> known;
    if (energies_)
      for (const Yaml::Entry& entry : energies_->map) known.push_back(entry.key);
    diagnostics_.add(
        name.place,
        fmt::format("{} must be the name of an energy, got '{}'. {}", at.what, name.text, suggestion(name.text, known)),
        nearest(name.text, known));
    return nullptr;
  }
  if (in_cycle_.count(name.text) > 0) return nullptr;
  const auto first = std::find(stack_.begin(), stack_.end(), name.text);
  if (first != stack_.end()) {
    std::string cycle;
    for (auto one = first; one != stack_.end(); ++one) {
      cycle += *one + " -> ";
      in_cycle_.insert(*one);
    }
    diagnostics_.add(name.place, fmt::format("energies must not be made of themselves, got {}{}. Break the cycle",
                                             cycle, name.text));
    return nullptr;
  }
  Position there = at;
  there.name = name.text;
  there.what = "energies." + name.text;
  there.use = name.place;
  stack_.push_back(name.text);
  NodePointer built = build(*found->second, inputs, there);
  stack_.pop_back();
  return built;
}

NodePointer EnergyBuilder::node(const Yaml& value, const Yaml* inputs, const Position& at) {
  const std::vector<std::string> kinds = kinds_of(value);
  if (kinds.size() != 1) {
    std::vector<std::string> keys;
    for (const Yaml::Entry& entry : value.map) keys.push_back("'" + entry.key + "'");
    std::string near, nearest;
    for (const Yaml::Entry& entry : value.map)
      if (const auto name = nearest_name(entry.key, node_keys()); name && kinds.empty() && near.empty()) {
        nearest = *name;
        near = fmt::format(". Did you mean '{}' for '{}'?", nearest, entry.key);
      }
    diagnostics_.add(value.place,
                     fmt::format("{} must have one of {}, got {}{}", at.what, joined(node_keys()),
                                 keys.empty() ? "no key" : joined(keys), near),
                     nearest);
    return nullptr;
  }
  const std::string& kind = kinds[0];
  if (kind == "model") return leaf(value, inputs, at);
  if (kind == "energy") {
    if (!check_keys(value, Section::kReference, at.what, diagnostics_)) return nullptr;
    const Yaml* own = value.find("inputs");
    if (own && inputs) {
      diagnostics_.add(inputs->place, fmt::format("{} must be bound once, got inputs for it again (first at {})",
                                                  at.what, to_string(own->place)));
      return nullptr;
    }
    return build(*value.find("energy"), own ? own : inputs, at);
  }
  if (inputs) {
    diagnostics_.add(inputs->place,
                     fmt::format("inputs must be those of a leaf, got them for '{}', which has '{}'. Bind "
                                 "the leaves inside it",
                                 at.name, kind));
    return nullptr;
  }
  const Use use{&value, "", at.over ? at.over->name : ""};
  if (const auto known = built_.find(use); known != built_.end()) return known->second;
  NodePointer built = kind == "product"     ? product(value, at)
                      : kind == "mixture"   ? mixture(value, at)
                      : kind == "not"       ? negation(value, at)
                      : kind == "temper"    ? temper(value, at)
                      : kind == "hierarchy" ? hierarchy(value, at)
                                            : each(value, at);
  return built_[use] = built;
}

NodePointer EnergyBuilder::finish(Node built, const Yaml& value, const Position& at) {
  built.name = at.name;
  built.place = value.place;
  NodePointer node = std::make_shared<const Node>(std::move(built));
  int64_t places = std::holds_alternative<Leaf>(node->kind) ? 1 : 0;
  for (const NodePointer& child : children(*node)) places += places_.at(child.get());
  if (places > kMostPlaces) {
    diagnostics_.add(value.place,
                     fmt::format("{} must stand for at most {} experts where all that is shared is written "
                                 "out, got {}. Give a term that stands twice a weight of 2",
                                 at.what, kMostPlaces, places));
    return nullptr;
  }
  places_[node.get()] = places;
  return node;
}

NodePointer EnergyBuilder::leaf(const Yaml& value, const Yaml* inputs, const Position& at) {
  const Yaml* own = value.find("inputs");
  if (own && inputs) {
    diagnostics_.add(inputs->place,
                     fmt::format("{} must be bound once, got inputs for it again (first at {}). Leave the "
                                 "leaf open, or do not bind it here",
                                 at.what, to_string(own->place)));
    return nullptr;
  }
  if (!inputs) inputs = own;
  const Leaf& definition = leaves_.definition(value, at.what);
  if (!definition.kind) return nullptr;
  if (at.unused && !at.over && (!inputs || leaves_.reads_parts(inputs))) return nullptr;  // open, which is no error
  const auto bound = leaves_.bind(definition, inputs, at.over, at.use.file.empty() ? value.place : at.use, at.what);
  if (!bound) return nullptr;
  std::string bindings;
  for (const Binding& binding : bound->inputs) bindings += binding.text + ";";
  NodePointer& known = built_[{&value, bindings, at.over ? at.over->name : ""}];
  if (!known) known = finish({*bound, "", {}}, value, at);
  return known;
}

NodePointer EnergyBuilder::referred(const Yaml& map, const Position& at) {
  const Yaml* energy = map.find("energy");
  return energy ? build(*energy, map.find("inputs"), at) : nullptr;
}

const std::vector<Yaml>* EnergyBuilder::items(const Yaml& node, const std::string& key, size_t least,
                                              const Position& at) {
  const Yaml& list = *node.find(key);
  if (list.is_list() && list.list.size() >= least) return &list.list;
  diagnostics_.add(list.place, fmt::format("{}.{} must be a list of at least {} {}, got {}", at.what, key, least,
                                           least == 1 ? "energy" : "energies",
                                           list.is_list() ? fmt::format("{}", list.list.size()) : list.describe()));
  return nullptr;
}

NodePointer EnergyBuilder::item(const Yaml& value, Section section, const Position& at) {
  if (!value.is_map() || !value.find("energy")) {
    const Yaml::Entry* weight = value.entry("weight");
    if (!weight || kinds_of(value).size() != 1) return build(value, nullptr, at);
    diagnostics_.add(weight->place,
                     fmt::format("{}.weight must stand beside 'energy', got it beside '{}'. Write {{energy: "
                                 "{{{}: ...}}, weight: ...}}",
                                 at.what, kinds_of(value)[0], kinds_of(value)[0]));
    return nullptr;
  }
  check_keys(value, section, at.what, diagnostics_);
  return referred(value, at);
}

double EnergyBuilder::number(const Yaml& map, Section section, const std::string& key, double preset,
                             const Position& at) {
  const Yaml* value = map.find(key);
  if (!value) return preset;
  return read_number(*value, key_table(section).key(key), at.what + "." + key, diagnostics_).value_or(preset);
}

NodePointer EnergyBuilder::product(const Yaml& value, const Position& at) {
  check_keys(value, Section::kProduct, at.what, diagnostics_);
  const auto* list = items(value, "product", 1, at);
  if (!list) return nullptr;
  Product built;
  bool good = true;
  for (size_t i = 0; i < list->size(); ++i) {
    const Yaml& one = (*list)[i];
    const Position below = at.inside(fmt::format("product[{}]", i));
    NodePointer energy = item(one, Section::kProductTerm, below);
    good = good && energy;
    built.terms.push_back({energy, number(one, Section::kProductTerm, "weight", 1, below)});
  }
  return good ? finish({std::move(built), "", {}}, value, at) : nullptr;
}

NodePointer EnergyBuilder::mixture(const Yaml& value, const Position& at) {
  check_keys(value, Section::kMixture, at.what, diagnostics_);
  Mixture built;
  if (const Yaml* flag = value.find("unnormalised"))
    built.unnormalised = read_flag(*flag, at.what + ".unnormalised", diagnostics_).value_or(false);
  const auto* list = items(value, "mixture", 1, at);
  if (!list) return nullptr;
  bool good = true;
  double sum = 0;
  for (size_t i = 0; i < list->size(); ++i) {
    const Yaml& one = (*list)[i];
    const Position below = at.inside(fmt::format("mixture[{}]", i));
    Mixture::Branch branch;
    branch.energy = item(one, Section::kMixtureBranch, below);
    branch.weight = number(one, Section::kMixtureBranch, "weight", 1, below);
    if (const Yaml* given = one.find("log_z")) {
      good = read_log_z(*given, below.what + ".log_z", branch, diagnostics_) && good;
      if (built.unnormalised)
        diagnostics_.add(given->place, fmt::format("{}.log_z must be left out, got it in a mixture with unnormalised: "
                                                   "true, whose weights absorb it",
                                                   below.what));
    }
    good = good && branch.energy;
    sum += branch.weight;
    built.branches.push_back(std::move(branch));
  }
  if (!(sum > 0)) {
    diagnostics_.add(value.place, fmt::format("{} must have a weight > 0, got only 0", at.what));
    return nullptr;
  }
  for (Mixture::Branch& branch : built.branches) branch.weight /= sum;
  if (!good) return nullptr;
  check_branches(built, value.place, at.what, scope_.variables, diagnostics_);
  return finish({std::move(built), "", {}}, value, at);
}

NodePointer EnergyBuilder::negation(const Yaml& value, const Position& at) {
  check_keys(value, Section::kNot, at.what, diagnostics_);
  const Position below = at.inside("not");
  const Yaml& body = *value.find("not");
  if (!check_keys(body, Section::kNotBody, below.what, diagnostics_)) return nullptr;
  Not built;
  built.energy = referred(body, below);
  built.strength = number(body, Section::kNotBody, "strength", 1, below);
  if (body.find("ceiling")) built.ceiling = number(body, Section::kNotBody, "ceiling", 0, below);
  built.softness = number(body, Section::kNotBody, "softness", 1, below);
  if (const Yaml::Entry* softness = body.entry("softness"); softness && !built.ceiling)
    diagnostics_.add(softness->place,
                     fmt::format("{}.softness must stand beside 'ceiling', got it without. Add a ceiling", below.what));
  return built.energy ? finish({std::move(built), "", {}}, value, at) : nullptr;
}

NodePointer EnergyBuilder::temper(const Yaml& value, const Position& at) {
  check_keys(value, Section::kTemper, at.what, diagnostics_);
  const Position below = at.inside("temper");
  const Yaml& body = *value.find("temper");
  if (!check_keys(body, Section::kTemperBody, below.what, diagnostics_)) return nullptr;
  Temper built;
  built.energy = referred(body, below);
  built.temperature = number(body, Section::kTemperBody, "temperature", 1, below);
  return built.energy ? finish({std::move(built), "", {}}, value, at) : nullptr;
}

NodePointer EnergyBuilder::hierarchy(const Yaml& value, const Position& at) {
  check_keys(value, Section::kHierarchy, at.what, diagnostics_);
  Hierarchy built;
  if (const Yaml* flag = value.find("unnormalised"))
    built.unnormalised = read_flag(*flag, at.what + ".unnormalised", diagnostics_).value_or(false);
  const auto* list = items(value, "hierarchy", 2, at);
  if (!list) return nullptr;
  std::vector<Place> places;
  for (size_t i = 0; i < list->size(); ++i) {
    built.levels.push_back(item((*list)[i], Section::kReference, at.inside(fmt::format("hierarchy[{}]", i))));
    places.push_back((*list)[i].place);
  }
  if (std::count(built.levels.begin(), built.levels.end(), nullptr) > 0) return nullptr;
  check_levels(built, places, at.what, scope_.variables, diagnostics_);
  return finish({std::move(built), "", {}}, value, at);
}

NodePointer EnergyBuilder::each(const Yaml& value, const Position& at) {
  check_keys(value, Section::kEach, at.what, diagnostics_);
  const Position below = at.inside("each");
  const Yaml& body = *value.find("each");
  if (at.over) {
    diagnostics_.add(value.place,
                     fmt::format("{} must not stand inside another each, got each over '{}'. Make one view of "
                                 "the parts",
                                 below.what, at.over->name));
    return nullptr;
  }
  if (!check_keys(body, Section::kEachBody, below.what, diagnostics_)) return nullptr;
  const Yaml* over = body.find("over");
  if (!over) return nullptr;
  const View* view = over->is_scalar() ? scope_.view(over->text) : nullptr;
  if (!view) {
    if (scope_.incomplete || scope_.broken.count(over->text) > 0) return nullptr;
    std::vector<std::string> views;
    for (const View& one : scope_.views) views.push_back(one.name);
    diagnostics_.add(over->place,
                     fmt::format("{}.over must be the name of a view, got {}. {}", below.what, over->describe(),
                                 suggestion(over->text, views)),
                     nearest(over->text, views));
    return nullptr;
  }
  Position part = below;
  part.over = view;
  Each built;
  built.over = view->name;
  built.parts = view->parts;
  built.energy = referred(body, part);
  return built.energy ? finish({std::move(built), "", {}}, value, at) : nullptr;
}

}  // namespace potluck
