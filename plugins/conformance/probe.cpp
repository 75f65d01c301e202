// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "plugins/conformance/finding.h"

namespace potluck::conformance {

namespace {

constexpr size_t kGuard = 256;
constexpr std::byte kGuardByte{0xa5};

bool is_parent(const Model& model, size_t i) { return model.kind().inputs[i].parent; }
bool is_categorical(const Model& model, size_t i) { return model.kind().inputs[i].categorical; }
bool is_left_out(const Model& model, size_t i) { return model.setup().slots[i].left_out; }
bool is_wide(const Model& model) { return model.setup().precision == Precision::kFloat64; }

template <typename Number>
void store(const std::vector<double>& values, std::byte* to) {
  for (size_t j = 0; j < values.size(); ++j) reinterpret_cast<Number*>(to)[j] = static_cast<Number>(values[j]);
}

template <typename Number>
std::vector<double> load(const std::byte* from, size_t bytes) {
  const auto* numbers = reinterpret_cast<const Number*>(from);
  return {numbers, numbers + bytes / sizeof(Number)};
}

GuardedBytes workspace_for(const Model& model, int64_t rows, unsigned char leftovers = 0xff) {
  return GuardedBytes(model.workspace_bytes(rows), leftovers);
}

potluck_call call_of(int64_t rows, void* const* input, GuardedBytes& workspace) {
  return {sizeof(potluck_call), rows, input, nullptr, nullptr, nullptr, 0, 1, workspace.data(), nullptr};
}

}  // namespace

GuardedBytes::GuardedBytes(size_t bytes, unsigned char fill) : bytes_(bytes), storage_(bytes + 2 * kGuard + 64) {
  const size_t past = (reinterpret_cast<uintptr_t>(storage_.data()) + kGuard) % 64;
  first_ = kGuard + (64 - past) % 64;
  std::fill(storage_.begin(), storage_.end(), kGuardByte);
  std::memset(data(), fill, bytes_);
}

bool GuardedBytes::guards_intact() const {
  const auto untouched = [](std::byte byte) { return byte == kGuardByte; };
  return std::all_of(storage_.data(), data(), untouched) &&
         std::all_of(data() + bytes_, storage_.data() + storage_.size(), untouched);
}

Arrays::Arrays(const Model& model, const Batch& batch) : model_(model) {
  for (size_t i = 0; i < batch.values.size(); ++i) {
    const std::vector<double>& values = batch.values[i];
    const size_t number = is_categorical(model, i) || is_wide(model) ? 8 : 4;
    std::byte* const to = bytes_.emplace_back(values.size() * number).data();
    if (is_categorical(model, i))
      store<int64_t>(values, to);
    else if (is_wide(model))
      store<double>(values, to);
    else
      store<float>(values, to);
  }
  for (size_t i = 0; i < bytes_.size(); ++i) pointers_.push_back(is_left_out(model, i) ? nullptr : bytes_[i].data());
}

std::vector<double> Arrays::numbers(size_t i) const {
  const GuardedBytes& bytes = bytes_[i];
  if (is_categorical(model_, i)) return load<int64_t>(bytes.data(), bytes.bytes());
  return is_wide(model_) ? load<double>(bytes.data(), bytes.bytes()) : load<float>(bytes.data(), bytes.bytes());
}

bool Arrays::same(size_t i, const Arrays& other) const {
  return std::memcmp(bytes_[i].data(), other.bytes_[i].data(), bytes_[i].bytes()) == 0;
}

void Lent::read(const std::string& name, const GuardedBytes& bytes) {
  loans_.push_back({name, &bytes, {bytes.data(), bytes.data() + bytes.bytes()}});
}

void Lent::read(Arrays& arrays, const Model& model, const std::string& prefix) {
  for (size_t i = 0; i < model.kind().inputs.size(); ++i)
    read(fmt::format("{}input '{}'", prefix, model.kind().inputs[i].name), arrays.bytes(i));
}

void Lent::written(const std::string& name, const GuardedBytes& bytes) { loans_.push_back({name, &bytes, {}}); }

void Lent::written(Arrays& arrays, const Model& model, const std::string& prefix) {
  for (size_t i = 0; i < model.kind().inputs.size(); ++i)
    written(fmt::format("{}input '{}'", prefix, model.kind().inputs[i].name), arrays.bytes(i));
}

void Lent::check() const {
  for (const Loan& loan : loans_) {
    if (!loan.bytes->guards_intact())
      throw FailedCheck(
          failed(fmt::format("{} must leave what lies beside {} alone, got written bytes", call_, loan.name),
                 "Write no more numbers than it has; count scratch in facts(): workspace_bytes"));
    if (!std::equal(loan.before.begin(), loan.before.end(), loan.bytes->data()))
      throw FailedCheck(failed(fmt::format("{} must leave {} untouched, got other bytes", call_, loan.name),
                               "It belongs to the host: take scratch from the workspace"));
  }
}

Evaluation evaluate(const Model& model, const Batch& batch, const Asked& asked) {
  Arrays input(model, batch), before(model, batch);
  Batch gradient_start = filled(model, batch.rows, 0);
  for (size_t i = 0; i < batch.values.size(); ++i) {
    if (!is_categorical(model, i))
      std::fill(gradient_start.values[i].begin(), gradient_start.values[i].end(), asked.start);
  }
  Arrays gradient(model, gradient_start);
  GuardedBytes workspace = workspace_for(model, batch.rows, asked.leftovers);
  GuardedBytes energy(static_cast<size_t>(batch.rows) * sizeof(double));
  potluck_call call = call_of(batch.rows, input.pointers(), workspace);
  if (asked.energy) call.energy = reinterpret_cast<double*>(energy.data());
  for (size_t i = 0; i < batch.values.size(); ++i) {
    if (is_categorical(model, i)) gradient.pointers()[i] = nullptr;
  }
  if (asked.gradient) call.gradient = gradient.pointers();
  GuardedBytes weights(asked.row_weight.size() * sizeof(double));
  const auto* const given_weights = reinterpret_cast<const std::byte*>(asked.row_weight.data());
  std::copy_n(given_weights, weights.bytes(), weights.data());
  if (!asked.row_weight.empty()) call.row_weight = reinterpret_cast<const double*>(weights.data());
  call.accumulate = asked.accumulate ? 1 : 0;
  model.evaluate(call);

  Evaluation out;
  if (asked.energy) out.energy = load<double>(energy.data(), energy.bytes());
  if (!workspace.guards_intact()) out.overrun = "the workspace";
  if (!energy.guards_intact()) out.overrun = "the energies";
  if (!weights.guards_intact()) out.overrun = "row_weight";
  if (!std::equal(weights.data(), weights.data() + weights.bytes(), given_weights)) out.written_input = "row_weight";
  for (size_t i = 0; i < batch.values.size(); ++i) {
    const std::string& name = model.kind().inputs[i].name;
    if (!input.same(i, before)) out.written_input = fmt::format("'{}'", name);
    if (!input.bytes(i).guards_intact()) out.overrun = fmt::format("input '{}'", name);
    if (!gradient.bytes(i).guards_intact()) out.overrun = fmt::format("the gradient of '{}'", name);
    if (asked.gradient) out.gradient.push_back(is_categorical(model, i) ? std::vector<double>() : gradient.numbers(i));
  }
  return out;
}

std::vector<double> energies(const Model& model, const Batch& batch) {
  return evaluate(model, batch, {.gradient = false}).energy;
}

Batch filled(const Model& model, int64_t rows, double value) {
  Batch batch{rows, {}};
  for (const Slot& slot : model.setup().slots)
    batch.values.emplace_back(static_cast<size_t>(rows * slot.size()), value);
  return batch;
}

Batch rows_of(const Model& model, const Batch& batch, const std::vector<int64_t>& rows) {
  Batch out{static_cast<int64_t>(rows.size()), {}};
  for (size_t i = 0; i < batch.values.size(); ++i) {
    const int64_t size = model.setup().slots[i].size();
    auto& values = out.values.emplace_back();
    for (const int64_t row : rows)
      values.insert(values.end(), batch.values[i].begin() + row * size, batch.values[i].begin() + (row + 1) * size);
  }
  return out;
}

Batch repeated(const Model& model, const Batch& batch, int64_t row, int64_t rows) {
  return rows_of(model, batch, std::vector<int64_t>(static_cast<size_t>(rows), row));
}

std::optional<std::vector<double>> log_normaliser(const Model& model, const Batch& batch,
                                                  std::vector<std::vector<double>>* gradient) {
  Arrays input(model, batch), slopes(model, filled(model, batch.rows, 0));
  GuardedBytes workspace = workspace_for(model, batch.rows);
  for (size_t i = 0; i < batch.values.size(); ++i) {
    if (!is_parent(model, i)) input.pointers()[i] = nullptr;
    if (!is_parent(model, i) || is_categorical(model, i)) slopes.pointers()[i] = nullptr;
  }
  potluck_call given = call_of(batch.rows, input.pointers(), workspace);
  if (gradient != nullptr) given.gradient = slopes.pointers();
  GuardedBytes values(static_cast<size_t>(batch.rows) * sizeof(double));  // NaN
  Lent lent("log_normaliser");
  lent.read(input, model);
  lent.written(slopes, model, "the gradient of ");
  lent.written("log Z", values);
  lent.written("the workspace", workspace);
  const bool known = model.log_normaliser(given, reinterpret_cast<double*>(values.data()));
  lent.check();
  if (!known) return std::nullopt;
  std::vector<double> log_z = load<double>(values.data(), values.bytes());
  // A model without bound parents has one number.
  bool parents = false;
  for (size_t i = 0; i < batch.values.size(); ++i) parents = parents || (is_parent(model, i) && !is_left_out(model, i));
  if (!parents) std::fill(log_z.begin(), log_z.end(), log_z[0]);
  if (gradient != nullptr) {
    gradient->clear();
    for (size_t i = 0; i < batch.values.size(); ++i)
      gradient->push_back(slopes.pointers()[i] != nullptr ? slopes.numbers(i) : std::vector<double>());
  }
  return log_z;
}

std::optional<Batch> draw(const Model& model, const Batch& given, const std::vector<double>& uniforms,
                          const std::vector<std::vector<uint8_t>>& held) {
  Arrays input(model, given), out(model, filled(model, given.rows, 0));
  GuardedBytes workspace = workspace_for(model, given.rows);
  std::vector<const uint8_t*> masks;
  for (size_t i = 0; i < given.values.size(); ++i) {
    if (is_parent(model, i))
      out.pointers()[i] = nullptr;
    else if (held.empty())
      input.pointers()[i] = nullptr;
    masks.push_back(held.empty() || held[i].empty() ? nullptr : held[i].data());
  }
  const potluck_call call = call_of(given.rows, input.pointers(), workspace);
  GuardedBytes numbers(uniforms.size() * sizeof(double));
  std::memcpy(numbers.data(), uniforms.data(), numbers.bytes());
  Lent lent("draw");
  lent.read(input, model);
  lent.read("the uniforms", numbers);
  lent.written(out, model, "the draws of ");
  lent.written("the workspace", workspace);
  const bool drawn_here = model.draw(call, held.empty() ? nullptr : masks.data(),
                                     reinterpret_cast<const double*>(numbers.data()), out.pointers());
  lent.check();
  if (!drawn_here) return std::nullopt;
  Batch drawn{given.rows, {}};
  for (size_t i = 0; i < given.values.size(); ++i)
    drawn.values.push_back(is_parent(model, i) ? given.values[i] : out.numbers(i));
  return drawn;
}

std::optional<std::vector<double>> category_energies(const Model& model, const Batch& batch, size_t i) {
  const Slot& slot = model.setup().slots[i];
  Arrays input(model, batch);
  GuardedBytes workspace = workspace_for(model, batch.rows);
  GuardedBytes energy(static_cast<size_t>(batch.rows * slot.size() * slot.categories) * sizeof(double));
  Lent lent("category_energies");
  lent.read(input, model);
  lent.written("the workspace", workspace);
  lent.written("the energies", energy);
  const potluck_call call = call_of(batch.rows, input.pointers(), workspace);
  auto* const numbers = reinterpret_cast<double*>(energy.data());
  const bool known = model.category_energies(call, static_cast<int32_t>(i), numbers);
  lent.check();
  if (!known) return std::nullopt;
  return std::vector<double>(numbers, numbers + energy.bytes() / sizeof(double));
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

double rounding(const Model& model, double scale) {
  const double epsilon = is_wide(model) ? 0x1p-53 : 0x1p-24;
  return (64 + 4 * static_cast<double>(all_numbers(model))) * epsilon * scale;
}

double scale_of(const Batch& batch, const Evaluation& found) {
  double most = 1;
  const auto take = [&](double value) {
    if (std::isfinite(value)) most = std::max(most, std::abs(value));
  };
  for (const double energy : found.energy) take(energy);
  for (size_t i = 0; i < found.gradient.size(); ++i) {
    for (size_t at = 0; at < found.gradient[i].size(); ++at) {
      take(found.gradient[i][at]);
      take(found.gradient[i][at] * batch.values[i][at]);
    }
  }
  return most;
}

int64_t drawn_numbers(const Model& model) {
  int64_t numbers = 0;
  for (size_t i = 0; i < model.setup().slots.size(); ++i)
    if (!is_parent(model, i)) numbers += model.setup().slots[i].size();
  return numbers;
}

int64_t all_numbers(const Model& model) {
  int64_t numbers = 0;
  for (const Slot& slot : model.setup().slots) numbers += slot.size();
  return numbers;
}

}  // namespace potluck::conformance
