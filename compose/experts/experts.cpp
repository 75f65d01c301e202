// SPDX-License-Identifier: Apache-2.0
#include "compose/experts/experts.h"

#include <algorithm>
#include <filesystem>

#include "compose/tree/coordinates.h"
#include "core/random/philox.h"
#include "plugins/model_fault.h"

namespace potluck {

namespace {

constexpr size_t kMostKeptNumbers = size_t{8} << 20;  ///< of quadratic forms: 64 MB

bool same_values(const std::vector<SettingValue>& a, const std::vector<SettingValue>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const SettingValue& x, const SettingValue& y) {
    return x.integer == y.integer && x.real == y.real && x.text == y.text;
  });
}

bool same_weights(const Leaf& a, const Leaf& b) {
  if (a.weights == b.weights) return a.weights || a.weights_path == b.weights_path;
  return a.weights && b.weights && !a.weights->sha256.empty() && a.weights->sha256 == b.weights->sha256;
}

bool same_slots(const std::vector<Slot>& a, const std::vector<Slot>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Slot& x, const Slot& y) {
    return x.shape == y.shape && x.categories == y.categories && x.least == y.least && x.most == y.most &&
           x.held == y.held && x.value == y.value;
  });
}

/// Says which numbers of an input stand at one value in every row, as the rows have them. Where a chain has several
/// rows each may read others; a number that sample.anneal moves has other values before the warm-up, and one that wears
/// noise there has.
void hold(const Composition& composition, const Binding& binding, const Leaf& leaf, Precision precision, Slot& slot) {
  const auto v = static_cast<size_t>(std::max(binding.variable, 0));
  const bool literal = binding.variable < 0;
  if (!literal && (leaf.parts > 1 || v >= composition.held.size() || !composition.held[v].any())) return;
  const Schedule& anneal = composition.sample.anneal;
  if (!literal && anneal.moves(binding.variable)) return;
  const bool blurs = !literal && anneal.any() && anneal.noisy_given && v < anneal.blurred.size();
  const auto wears_noise = [&](size_t at) { return blurs && !anneal.blurred[v].empty() && anneal.blurred[v][at] != 0; };
  for (int64_t j = 0; j < size_of(binding); ++j) {
    const auto at = static_cast<size_t>(binding.index.empty() ? j : binding.index[static_cast<size_t>(j)]);
    const double value = literal ? binding.literal[static_cast<size_t>(j)] : composition.held[v].value[at];
    slot.held.push_back(literal || (composition.held[v].mask[at] && !wears_noise(at)) ? 1 : 0);
    slot.value.push_back(precision == Precision::kFloat32 ? static_cast<double>(static_cast<float>(value)) : value);
  }
  if (std::count(slot.held.begin(), slot.held.end(), uint8_t{1}) > 0) return;
  slot.held.clear();
  slot.value.clear();
}

/// A literal label says nothing of the number of categories: 0, the model knows.
Slot slot_of(const Composition& composition, const Binding& binding, const Leaf& leaf, Precision precision) {
  Slot slot;
  slot.shape = binding.shape;
  slot.left_out = binding.left_out;
  hold(composition, binding, leaf, precision, slot);
  if (binding.variable < 0) return slot;
  const Variable& variable = composition.variables[static_cast<size_t>(binding.variable)];
  slot.categories = variable.categories;
  if (variable.has_face()) {
    slot.least.assign(static_cast<size_t>(size_of(binding)), variable.least);
    slot.most.assign(static_cast<size_t>(size_of(binding)), variable.most);
  }
  return slot;
}

std::vector<Slot> slots_of(const Composition& composition, const Leaf& leaf, Precision precision) {
  std::vector<Slot> slots;
  for (const Binding& binding : leaf.inputs) slots.push_back(slot_of(composition, binding, leaf, precision));
  return slots;
}

/// Where the thing that a model refused stands in the file.
Place place_of(const Node& node, const Leaf& leaf, const ModelCreateError& error) {
  const auto listed = [&](const std::vector<Place>& places) {
    const bool known = error.index >= 0 && error.index < static_cast<int32_t>(places.size());
    return known ? places[static_cast<size_t>(error.index)] : leaf.model_place;
  };
  Place place = leaf.model_place;
  if (error.about == POTLUCK_ABOUT_SETTING) place = listed(leaf.setting_places);
  if (error.about == POTLUCK_ABOUT_INPUT) place = listed(leaf.input_places);
  if (error.about == POTLUCK_ABOUT_WEIGHT) place = leaf.weights_place;
  return place.line > 0 ? place : node.place;
}

}  // namespace

bool same_leaf(const Leaf& a, const Leaf& b) {
  if (&a == &b) return true;
  const bool same_inputs = std::equal(
      a.inputs.begin(), a.inputs.end(), b.inputs.begin(), b.inputs.end(), [](const Binding& x, const Binding& y) {
        return x.variable == y.variable && x.shape == y.shape && x.index == y.index && x.literal == y.literal;
      });
  return a.parts == b.parts && same_inputs && same_definition(a, b);
}

bool same_definition(const Leaf& a, const Leaf& b) {
  return a.kind == b.kind && same_weights(a, b) && same_values(a.settings, b.settings);
}

struct Experts::Instance {
  const Leaf* leaf = nullptr;
  std::vector<Slot> slots;
  std::vector<Model> running;      ///< one, or one a worker
  std::unique_ptr<Model> reading;  ///< where the run is not on the CPU
};

Experts::Experts(const Composition& composition, const PlanOptions& options)
    : composition_(&composition), options_(options) {
  std::vector<Diagnostic> wrong;
  std::set<const Node*> seen;
  create(*composition.target, seen, wrong);
  if (!wrong.empty()) throw CompositionError(std::move(wrong));
}

Experts::~Experts() = default;

void Experts::create(const Node& node, std::set<const Node*>& seen, std::vector<Diagnostic>& wrong) {
  if (!seen.insert(&node).second) return;
  for (const NodePointer& child : children(node)) create(*child, seen, wrong);
  const auto* leaf = std::get_if<Leaf>(&node.kind);
  if (!leaf) return;
  auto instance = std::make_unique<Instance>();
  instance->leaf = leaf;
  instance->slots = slots_of(*composition_, *leaf, options_.precision);
  for (const auto& other : instances_)
    if (other->leaf->parts == leaf->parts && same_slots(other->slots, instance->slots) &&
        same_definition(*other->leaf, *leaf))
      return;
  ModelSetup setup;
  setup.device = options_.device;
  setup.precision = options_.precision;
  setup.most_rows = options_.most_rows * leaf->parts;
  setup.slots = instance->slots;
  setup.values = leaf->settings;
  if (leaf->weights) setup.weights = leaf->weights->arrays;
  setup.initial_key[0] = composition_->learn ? composition_->learn->seed : composition_->sample.seed;
  setup.initial_key[1] = variable_key(leaf->kind->name);
  // Experts that are trained from nothing begin differently, by the names of their files.
  if (!leaf->weights && !leaf->weights_path.empty())
    setup.initial_key[1] = variable_key(std::filesystem::path(leaf->weights_path).filename().string());
  try {
    instance->running.emplace_back(*leaf->kind, setup);
    const bool shared = instance->running[0].can(POTLUCK_THREAD_SAFE);
    for (int worker = 1; worker < options_.workers && !shared; ++worker)
      instance->running.emplace_back(*leaf->kind, setup);
    const bool parents = std::any_of(leaf->kind->inputs.begin(), leaf->kind->inputs.end(),
                                     [](const InputDescription& input) { return input.parent; });
    if (parents && options_.device.kind != Device::Kind::kCpu && instance->running[0].can(POTLUCK_CAN_CPU)) {
      setup.device = Device{};
      instance->reading = std::make_unique<Model>(*leaf->kind, setup);
    }
  } catch (const ModelCreateError& error) {
    wrong.push_back({place_of(node, *leaf, error), error.what()});
  } catch (const ModelFault&) {
    throw;  // nothing that the composition could say differently
  } catch (const PluginError& error) {
    wrong.push_back({leaf->model_place.line > 0 ? leaf->model_place : node.place, error.what()});
  }
  instances_.push_back(std::move(instance));
}

const Experts::Instance& Experts::find(const Leaf& leaf) const { return *instances_[index_of(leaf)]; }

size_t Experts::index_of(const Leaf& leaf) const {
  for (size_t i = 0; i < instances_.size(); ++i)
    if (instances_[i]->leaf == &leaf) return i;
  const std::vector<Slot> slots = slots_of(*composition_, leaf, options_.precision);
  for (size_t i = 0; i < instances_.size(); ++i)
    if (instances_[i]->leaf->parts == leaf.parts && same_slots(instances_[i]->slots, slots) &&
        same_definition(*instances_[i]->leaf, leaf))
      return i;
  throw PluginError("expert of model '" + leaf.kind->name + "' must be below the target, got one that is not");
}

std::vector<Experts::Created> Experts::created() {
  std::vector<Created> all;
  for (const auto& instance : instances_) {
    Created created;
    created.leaf = instance->leaf;
    for (Model& model : instance->running) created.running.push_back(&model);
    created.reading = instance->reading.get();
    all.push_back(std::move(created));
  }
  return all;
}

const Model& Experts::model(const Leaf& leaf, int worker) const {
  const Instance& instance = find(leaf);
  return instance.running[instance.running.size() == 1 ? 0 : static_cast<size_t>(worker)];
}

std::shared_ptr<const Model::Quadratic> Experts::quadratic(const Leaf& leaf, int64_t part, const LeafRow& row,
                                                           const std::vector<uint8_t>& open) const {
  const QuadraticKey key{&leaf, part, open};
  if (const auto found = quadratics_.find(key); found != quadratics_.end()) return found->second;
  std::shared_ptr<const Model::Quadratic> form;
  if (auto answered = row.quadratic(open)) form = std::make_shared<const Model::Quadratic>(std::move(*answered));
  const size_t numbers = form ? form->precision.size() + form->linear.size() : 0;
  if (kept_numbers_ + numbers > kMostKeptNumbers) return form;
  kept_numbers_ += numbers;
  quadratics_.emplace(key, form);
  return form;
}

const Model* Experts::on_cpu(const Leaf& leaf) const {
  const Instance& instance = find(leaf);
  // Without parents a model is asked with no array of its own device: plugin.h has all answers on the CPU.
  const bool parents = std::any_of(leaf.kind->inputs.begin(), leaf.kind->inputs.end(),
                                   [](const InputDescription& input) { return input.parent; });
  if (options_.device.kind == Device::Kind::kCpu || !parents) return &instance.running[0];
  return instance.reading.get();
}

void Experts::forget_quadratics() const {
  quadratics_.clear();
  kept_numbers_ = 0;
}

}  // namespace potluck
