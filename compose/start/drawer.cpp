// SPDX-License-Identifier: Apache-2.0
// One Drawer for each kind of node that has exact draws, and DrawerMaker, which tells for a node which of them it
// takes.
#include "compose/start/drawer.h"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <cstring>

#include "compose/experts/leaf_row.h"
#include "compose/known/quadratic.h"
#include "compose/tree/content_key.h"
#include "compose/tree/visit.h"
#include "core/error.h"
#include "core/methods/label_blocks.h"
#include "potluck/model/normals.hpp"

namespace potluck {

namespace {

/// x = P^-1 h + sqrt(T) L'^-1 z with P = L L', over the coordinates that are left when `fixed` are given. These may
/// differ from chain to chain, since h does not change the factor.
class QuadraticDrawer final : public Drawer {
 public:
  QuadraticDrawer(QuadraticForm form, const CoordinateSet& fixed, double temperature)
      : form_(std::move(form)), scale_(std::sqrt(temperature)) {
    for (int64_t i = 0; i < form_.size(); ++i)
      (fixed[static_cast<size_t>(form_.coordinates[static_cast<size_t>(i)])] ? given_ : drawn_).push_back(i);
    if (drawn_.empty()) return;
    factor_.compute(Eigen::MatrixXd(form_.precision(drawn_, drawn_)));
    across_ = form_.precision(drawn_, given_);
    linear_ = form_.linear(drawn_);
  }

  bool possible() const { return !drawn_.empty() && factor_.info() == Eigen::Success; }
  std::string description() const override { return "exact draws of the quadratic composite"; }
  int64_t uniforms() const override { return 2 * static_cast<int64_t>(drawn_.size()); }

  void draw(const double* uniform, std::vector<double>& state) const override {
    Eigen::VectorXd given(static_cast<int64_t>(given_.size())), noise(static_cast<int64_t>(drawn_.size()));
    for (size_t i = 0; i < given_.size(); ++i) given(static_cast<int64_t>(i)) = state[place(given_[i])];
    for (int64_t i = 0; i < noise.size(); ++i)
      noise(i) = scale_ * plugin::normal_of(uniform[2 * i], uniform[2 * i + 1]);
    const Eigen::VectorXd x = factor_.solve(linear_ - across_ * given) + factor_.matrixU().solve(noise);
    for (size_t i = 0; i < drawn_.size(); ++i) state[place(drawn_[i])] = x(static_cast<int64_t>(i));
  }

 private:
  size_t place(int64_t i) const { return static_cast<size_t>(form_.coordinates[static_cast<size_t>(i)]); }

  QuadraticForm form_;
  double scale_;
  std::vector<int64_t> given_, drawn_;
  Eigen::LLT<Eigen::MatrixXd> factor_;
  Eigen::MatrixXd across_;
  Eigen::VectorXd linear_;
};

/// The model's own draws.
class LeafDrawer final : public Drawer {
 public:
  LeafDrawer(const Coordinates& coordinates, const Model& model, const Leaf& leaf)
      : coordinates_(coordinates), model_(model), leaf_(leaf) {}

  /// False where the model declines: some models draw only with some settings.
  bool possible() const {
    if (model_.facts().draw_uniforms == 0 || leaf_.parts != 1) return false;
    std::vector<double> value, half(static_cast<size_t>(uniforms()), 0.5);
    held_coordinates(coordinates_, value);
    return attempt(half.data(), value);
  }

  std::string description() const override { return fmt::format("exact draws of model '{}'", leaf_.kind->name); }
  int64_t uniforms() const override { return model_.facts().draw_uniforms; }

  void draw(const double* uniform, std::vector<double>& state) const override {
    if (!attempt(uniform, state))
      throw PluginError("model '" + leaf_.kind->name + "' must draw for all parents, got a refusal for these");
  }

 private:
  template <class T>
  void read(const Binding& binding, const std::vector<double>& state, std::vector<double>& row) const {
    T* to = reinterpret_cast<T*>(row.data());
    for (int64_t j = 0; j < size_of(binding); ++j)
      to[j] = static_cast<T>(binding.variable < 0 ? binding.literal[static_cast<size_t>(j)] : at(binding, state, j));
  }

  double at(const Binding& binding, const std::vector<double>& state, int64_t j) const {
    return state[static_cast<size_t>(coordinates_.coordinate(binding, 0, j))];
  }

  bool attempt(const double* uniform, std::vector<double>& state) const {
    const size_t count = leaf_.inputs.size();
    const bool narrow = model_.setup().precision == Precision::kFloat32;
    std::vector<std::vector<double>> rows(count);
    std::vector<const void*> input(count, nullptr);
    std::vector<void*> out(count, nullptr);
    for (size_t i = 0; i < count; ++i) {
      const Binding& binding = leaf_.inputs[i];
      if (binding.left_out) continue;
      rows[i].resize(static_cast<size_t>(size_of(binding)));
      if (!leaf_.kind->inputs[i].parent) {
        out[i] = rows[i].data();
        continue;
      }
      input[i] = rows[i].data();
      if (leaf_.kind->inputs[i].categorical)
        read<int64_t>(binding, state, rows[i]);
      else if (narrow)
        read<float>(binding, state, rows[i]);
      else
        read<double>(binding, state, rows[i]);
    }
    Workspace workspace(model_.workspace_bytes(1));
    potluck_call given{};
    given.size = sizeof(given);
    given.rows = 1;
    given.input = input.data();
    given.threads = 1;
    given.workspace = workspace.data();
    if (!model_.draw(given, nullptr, uniform, out.data())) return false;
    for (size_t i = 0; i < count; ++i) {
      if (!out[i]) continue;
      for (int64_t j = 0; j < size_of(leaf_.inputs[i]); ++j) {
        const double drawn = narrow ? static_cast<double>(reinterpret_cast<const float*>(rows[i].data())[j])
                                    : rows[i][static_cast<size_t>(j)];
        state[static_cast<size_t>(coordinates_.coordinate(leaf_.inputs[i], 0, j))] = drawn;
      }
    }
    return true;
  }

  const Coordinates& coordinates_;
  const Model& model_;
  const Leaf& leaf_;
};

/// One of the draws that annealing left of a branch.
class AnnealedDrawer final : public Drawer {
 public:
  /// @param coordinates  of the state that the branch draws
  AnnealedDrawer(const Coordinates& coordinates, const CoordinateSet& drawn, std::shared_ptr<const BranchDraws> draws)
      : draws_(std::move(draws)) {
    const std::vector<Variable>& variables = coordinates.composition().variables;
    for (size_t v = 0; v < variables.size(); ++v) {
      Numbers numbers;
      const int64_t first = coordinates.first(static_cast<int>(v));
      for (int64_t i = first; i < first + variables[v].size(); ++i)
        if (drawn[static_cast<size_t>(i)]) numbers.places.push_back(static_cast<size_t>(i));
      if (numbers.places.empty()) continue;
      const auto found = draws_->numbers.find(variables[v].name);
      if (found != draws_->numbers.end()) numbers.values = &found->second;
      numbers_.push_back(std::move(numbers));
    }
  }

  /// The draws have the numbers that the branch draws, or are behind the run.
  bool possible() const {
    return draws_->rows == 0 || std::all_of(numbers_.begin(), numbers_.end(), [this](const Numbers& one) {
             return one.values && one.values->size() == static_cast<size_t>(draws_->rows) * one.places.size();
           });
  }

  std::string description() const override { return "annealed draws"; }
  int64_t uniforms() const override { return 1; }
  bool exact() const override { return false; }

  void draw(const double* uniform, std::vector<double>& state) const override {
    if (draws_->rows == 0) throw FileError("starts must be made before a run begins, got a run that is resumed");
    const auto rows = static_cast<size_t>(draws_->rows);
    const size_t row = std::min(rows - 1, static_cast<size_t>(uniform[0] * static_cast<double>(rows)));
    for (const Numbers& one : numbers_)
      for (size_t j = 0; j < one.places.size(); ++j) state[one.places[j]] = (*one.values)[row * one.places.size() + j];
  }

 private:
  struct Numbers {
    std::vector<size_t> places;  ///< in the state
    const std::vector<double>* values = nullptr;
  };
  std::shared_ptr<const BranchDraws> draws_;
  std::vector<Numbers> numbers_;  ///< of each variable that is drawn
};

/// Level after level, from the top.
class LevelsDrawer final : public Drawer {
 public:
  explicit LevelsDrawer(std::vector<std::unique_ptr<Drawer>> levels) : levels_(std::move(levels)) {}
  std::string description() const override { return "exact draws of the hierarchy, from the top"; }
  int64_t uniforms() const override {
    int64_t count = 0;
    for (const auto& level : levels_) count += level->uniforms();
    return count;
  }
  std::vector<int64_t> choices() const override {
    std::vector<int64_t> all;
    int64_t at = 0;
    for (const auto& level : levels_) {
      for (const int64_t one : level->choices()) all.push_back(at + one);
      at += level->uniforms();
    }
    return all;
  }
  bool exact() const override {
    return std::all_of(levels_.begin(), levels_.end(), [](const auto& level) { return level->exact(); });
  }
  void draw(const double* uniform, std::vector<double>& state) const override {
    for (const auto& level : levels_) {
      level->draw(uniform, state);
      uniform += level->uniforms();
    }
  }

 private:
  std::vector<std::unique_ptr<Drawer>> levels_;
};

/// A branch by its weight, then the branch. Every draw has uniforms for the longest branch.
class MixtureDrawer final : public Drawer {
 public:
  MixtureDrawer(std::vector<std::unique_ptr<Drawer>> branches, std::vector<double> up_to, bool exact, bool refined)
      : branches_(std::move(branches)), up_to_(std::move(up_to)), exact_(exact), refined_(refined) {
    for (const auto& branch : branches_) exact_ = exact_ && branch->exact();
  }
  std::string description() const override {
    return exact_ ? "exact draws of the mixture" : "draws of the mixture's branches";
  }
  int64_t uniforms() const override {
    int64_t most = 0;
    for (const auto& branch : branches_) most = std::max(most, branch->uniforms());
    return 1 + most;
  }
  std::vector<int64_t> choices() const override { return {0}; }
  bool exact() const override { return exact_; }
  void draw(const double* uniform, std::vector<double>& state) const override {
    const double at = uniform[0] * up_to_.back();
    size_t branch = 0;
    while (branch + 1 < branches_.size() && at > up_to_[branch]) ++branch;
    const std::vector<int64_t> within = branches_[branch]->choices();
    if (!refined_ || within.empty()) return branches_[branch]->draw(uniform + 1, state);
    // Where it is within the branch's share, which is uniform again.
    const double least = branch == 0 ? 0 : up_to_[branch - 1];
    std::vector<double> rest(uniform + 1, uniform + uniforms());
    rest[static_cast<size_t>(within.front())] = (at - least) / (up_to_[branch] - least);
    branches_[branch]->draw(rest.data(), state);
  }

 private:
  std::vector<std::unique_ptr<Drawer>> branches_;
  std::vector<double> up_to_;  ///< cumulated weights
  bool exact_, refined_;
};

class DrawerMaker {
 public:
  DrawerMaker(const Coordinates& coordinates, const Experts& experts, const Normaliser& normaliser, bool by_word,
              bool refined)
      : coordinates_(coordinates), experts_(experts), normaliser_(normaliser), by_word_(by_word), refined_(refined) {
    held_ = held_coordinates(coordinates, value_);
  }

  /// @param given  coordinates drawn above the node.
  std::unique_ptr<Drawer> make(const Node& node, const CoordinateSet& given) const {
    if (auto drawer = make_quadratic(node, given, 1)) return drawer;
    const CoordinateSet drawn = coordinates_.drawn(node);
    if (overlap(drawn, held_) || overlap(drawn, given)) return nullptr;
    using Made = std::unique_ptr<Drawer>;
    const auto none = [](const auto&) -> Made { return nullptr; };
    return visit_kind(
        node, [&](const Leaf& leaf) -> Made { return make_leaf(leaf, node); },
        [&](const Mixture& mixture) -> Made { return make_mixture(mixture, given); },
        // Where these are not quadratic nobody draws from them; levels are drawn for the target only.
        [&](const Product& one) { return none(one); }, [&](const Not& one) { return none(one); },
        [&](const Temper& one) { return none(one); }, [&](const Hierarchy& one) { return none(one); },
        [&](const Each& one) { return none(one); });
  }

  /// The levels below the top must be known densities of what they draw, else the top's law is not its own.
  std::unique_ptr<Drawer> make_levels(const Hierarchy& hierarchy) const {
    std::vector<std::unique_ptr<Drawer>> levels;
    CoordinateSet above = coordinates_.none();
    for (const NodePointer& level : hierarchy.levels) {
      const bool top = level == hierarchy.levels.front();
      CoordinateSet drawn = coordinates_.drawn(*level);
      exclude(drawn, above);
      CoordinateSet parents = coordinates_.parents(*level);
      exclude(parents, above);
      exclude(parents, held_);
      if (!is_empty(parents) || (!top && overlap(drawn, held_))) return nullptr;
      const LogNormaliser log_z = normaliser_.of(*level, above);
      if (!top && (!log_z.known || (hierarchy.unnormalised && log_z.depends_on_parents()))) return nullptr;
      auto drawer = make(*level, above);
      if (!drawer) return nullptr;
      levels.push_back(std::move(drawer));
      include(above, drawn);
    }
    return std::make_unique<LevelsDrawer>(std::move(levels));
  }

  /// Everything that the node reads, but what is held or drawn above it.
  std::unique_ptr<Drawer> make_quadratic(const Node& node, const CoordinateSet& given, double temperature) const {
    std::string why;
    auto form = quadratic_form(node, coordinates_, experts_, normaliser_, given, why);
    if (!form) return nullptr;
    CoordinateSet fixed = held_;
    include(fixed, given);
    auto drawer = std::make_unique<QuadraticDrawer>(std::move(*form), fixed, temperature);
    if (!drawer->possible()) return nullptr;
    return drawer;
  }

 private:
  /// A leaf whose drawn inputs are variables, each number once.
  std::unique_ptr<Drawer> make_leaf(const Leaf& leaf, const Node& node) const {
    int64_t numbers = 0;
    for (size_t i = 0; i < leaf.inputs.size(); ++i) {
      if (leaf.kind->inputs[i].parent || leaf.inputs[i].left_out) continue;
      if (leaf.inputs[i].variable < 0 || leaf.kind->inputs[i].categorical) return nullptr;
      numbers += size_of(leaf.inputs[i]);
    }
    const CoordinateSet drawn = coordinates_.drawn(node);
    if (std::count(drawn.begin(), drawn.end(), uint8_t{1}) != numbers) return nullptr;
    const Model* model = experts_.on_cpu(leaf);
    if (!model) return nullptr;
    auto drawer = std::make_unique<LeafDrawer>(coordinates_, *model, leaf);
    if (!drawer->possible()) return nullptr;
    return drawer;
  }

  std::unique_ptr<Drawer> make_mixture(const Mixture& mixture, const CoordinateSet& given) const {
    std::vector<std::unique_ptr<Drawer>> branches;
    std::vector<double> up_to;
    double sum = 0;
    bool exact = true;
    CoordinateSet first;
    for (const Mixture::Branch& branch : mixture.branches) {
      if (branch.weight == 0) continue;
      const LogNormaliser log_z = log_normaliser_of_branch(normaliser_, branch, given);
      // A number in the file is the user's word for the weight, not the mass of what is drawn; an estimate has an
      // error, and may be that of a truncated expert.
      const bool by_word = branch.log_z || log_z.estimated;
      if (!log_z.known || (by_word && (!by_word_ || mixture.unnormalised))) return nullptr;
      exact = exact && !by_word;
      if (mixture.unnormalised && log_z.depends_on_parents()) return nullptr;
      const CoordinateSet drawn = coordinates_.drawn(*branch.energy);
      if (!first.empty() && drawn != first) return nullptr;
      first = drawn;
      CoordinateSet parents = coordinates_.parents(*branch.energy);
      exclude(parents, held_);
      exclude(parents, given);
      if (!is_empty(parents)) return nullptr;
      auto drawer = make(*branch.energy, given);
      if (!drawer && by_word) drawer = make_annealed(branch, drawn, given);
      if (!drawer) return nullptr;
      branches.push_back(std::move(drawer));
      sum += branch.weight * (mixture.unnormalised ? std::exp(log_z.constant) : 1);
      up_to.push_back(sum);
    }
    if (branches.empty()) return nullptr;
    return std::make_unique<MixtureDrawer>(std::move(branches), std::move(up_to), exact, refined_);
  }

  /// Draws that were kept of the branch's estimate.
  std::unique_ptr<Drawer> make_annealed(const Mixture::Branch& branch, const CoordinateSet& drawn,
                                        const CoordinateSet& given) const {
    if (!branch.estimation || overlap(drawn, held_) || overlap(drawn, given)) return nullptr;
    const auto& estimates = coordinates_.composition().estimates;
    const auto found = estimates.find(content_key_of_branch(coordinates_.composition(), branch));
    if (found == estimates.end() || !found->second.draws) return nullptr;
    auto drawer = std::make_unique<AnnealedDrawer>(coordinates_, drawn, found->second.draws);
    if (!drawer->possible()) return nullptr;
    return drawer;
  }

  const Coordinates& coordinates_;
  const Experts& experts_;
  const Normaliser& normaliser_;
  bool by_word_, refined_;
  CoordinateSet held_;
  std::vector<double> value_;
};

}  // namespace

std::unique_ptr<Drawer> make_drawer(const Coordinates& coordinates, const Experts& experts,
                                    const Normaliser& normaliser, bool by_word, bool refined) {
  // Nobody draws labels.
  const Composition& composition = coordinates.composition();
  if (!moving_labels(composition.variables, composition.held).empty()) return nullptr;
  const Node& target = *composition.target;
  const double temperature = composition.sample.temperature;
  const DrawerMaker maker(coordinates, experts, normaliser, by_word, refined);
  const CoordinateSet free = coordinates.free();
  CoordinateSet drawn = coordinates.drawn(target), touched = drawn;
  include(touched, coordinates.parents(target));
  if (!contains(touched, free)) return nullptr;
  if (auto joint = maker.make_quadratic(target, coordinates.none(), temperature)) return joint;
  if (!contains(drawn, free) || temperature != 1) return nullptr;
  if (const auto* hierarchy = std::get_if<Hierarchy>(&target.kind)) return maker.make_levels(*hierarchy);
  return maker.make(target, coordinates.none());
}

}  // namespace potluck
