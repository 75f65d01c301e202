// SPDX-License-Identifier: Apache-2.0
#include "tests/core/backend/random_group.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "core/alignment.h"
#include "core/random/philox.h"

namespace potluck::testing {

namespace {

using Kind = GroupNumbers::Kind;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kSecond = 3;  // numbers of y
constexpr int64_t kExperts = 2;
constexpr int64_t kLabels = 2, kCategories = 3;

std::vector<Variable> variables_of(const GroupCase& shape) {
  Variable x;
  x.name = "x";
  x.shape = {shape.n};
  if (shape.faces) {
    x.least = -1.5;
    x.most = 1.5;
  }
  if (!shape.second) return {x};
  Variable y;
  y.name = "y";
  y.shape = {kSecond};
  return {x, y};
}

bool is_held(const GroupCase& shape, int64_t j) { return shape.held && j % 3 == 1; }

}  // namespace

std::string name_of(const GroupCase& one) {
  std::string name = one.precision == Precision::kFloat32 ? "float32" : "float64";
  name += " [" + std::to_string(one.rows) + ", " + std::to_string(one.n) + "]";
  const std::pair<bool, const char*> parts[] = {{one.faces, "faces"},   {one.held, "held"},     {one.frozen, "frozen"},
                                                {one.scale, "scale"},   {one.ladder, "ladder"}, {one.second, "second"},
                                                {one.fails, "failing"}, {one.huge, "huge"}};
  for (const auto& [is, part] : parts) {
    if (is) name += std::string(" ") + part;
  }
  return name;
}

RandomGroup::RandomGroup(const GroupCase& shape, Precision kept)
    : shape_(shape), kept_(kept), energy_(variables_of(shape), kept) {
  fill_rows();
  fill_counts();
  fill_variable("x", shape.n, false);
  if (shape.second) fill_variable("y", kSecond, true);
  fill_given();
  fill_labels();
}

double RandomGroup::between(double least, double most) {
  return least + (most - least) * static_cast<double>(random_() >> 11) * 0x1p-53;
}

double RandomGroup::rounded(double value) const {
  return shape_.precision == Precision::kFloat32 ? static_cast<double>(static_cast<float>(value)) : value;
}

std::vector<double> RandomGroup::drawn(int64_t count, double least, double most) {
  std::vector<double> values(count);
  for (double& value : values) value = between(least, most);
  return values;
}

void RandomGroup::add(const std::string& name, Kind kind, size_t bytes, bool changes,
                      const std::vector<double>& values) {
  const Array array{name, kind, bytes, false, memory_.size(), static_cast<int64_t>(values.size()), changes};
  memory_.resize(memory_.size() + aligned(bytes * values.size()));
  std::byte* to = memory_.data() + array.offset;
  for (const double value : values) {
    if (bytes == 8) {
      std::memcpy(to, &value, 8);
    } else if (bytes == 4) {
      const auto number = static_cast<uint32_t>(value);
      std::memcpy(to, &number, 4);
    } else {
      *to = static_cast<std::byte>(value);
    }
    to += bytes;
  }
  arrays_.push_back(array);
}

void RandomGroup::add_reals(const std::string& name, bool changes, std::vector<double> values) {
  for (double& value : values) value = rounded(value);
  if (kept_ == Precision::kFloat64) {
    add(name, Kind::kReal, 8, changes, values);
  } else {
    Array array{name, Kind::kReal, 4, true, memory_.size(), static_cast<int64_t>(values.size()), changes};
    memory_.resize(memory_.size() + aligned(4 * values.size()));
    for (size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<float>(values[i]);
      std::memcpy(memory_.data() + array.offset + 4 * i, &value, 4);
    }
    arrays_.push_back(array);
  }
}

std::vector<double> RandomGroup::gradients(int64_t n, const std::vector<double>& held) {
  std::vector<double> g = drawn(shape_.rows * n, -4, 4);
  const auto put = [&](int64_t row, double value) {
    // In a coordinate that is free, the last one but where that is held.
    const int64_t j = held[n - 1] == 0 ? n - 1 : n - 2;
    if (row < shape_.rows) g[row * n + j] = value;
  };
  if (shape_.fails) {
    put(1, kNaN);
    put(3, INFINITY);
    put(5, -INFINITY);
  }
  if (shape_.huge) put(6, 1e25);
  for (int64_t i = 0; i < shape_.rows * n; ++i) {
    if (held[i % n] != 0 && i / n % 2 == 0) g[i] = kNaN;  // nobody may look at it
  }
  return g;
}

void RandomGroup::fill_variable(const std::string& name, int64_t n, bool plain) {
  const int64_t count = shape_.rows * n;
  std::vector<double> held(n, 0.0);
  for (int64_t j = 0; j < n; ++j) held[j] = !plain && is_held(shape_, j);
  const auto velocities = [&] {
    std::vector<double> v = drawn(count, -2, 2);
    for (int64_t i = 0; i < count; ++i) v[i] = held[i % n] != 0 ? 0 : v[i];
    return v;
  };
  if (!plain && shape_.held) add(name + ".held", Kind::kCount, 1, false, held);
  // The flow leaves y and what is held alone, and every fourth number of x from the third on.
  std::vector<double> stays(n, 1.0);
  for (int64_t j = 0; j < n && !plain; ++j) stays[j] = held[j] != 0 || j % 4 == 2;
  add(name + ".stays", Kind::kCount, 1, false, stays);
  if (!plain && shape_.scale) {
    add_reals(name + ".scale", false, drawn(n, 0.5, 2));
    add_reals(name + ".centre", false, drawn(n, -0.5, 0.5));
  }
  add_reals(name + ".position", true, drawn(count, -1.4, 1.4));
  add_reals(name + ".gradient", true, gradients(n, held));
  add_reals(name + ".velocity", true, velocities());
  add_reals(name + ".proposal", true, drawn(count, -1.4, 1.4));
  add_reals(name + ".proposal_gradient", true, gradients(n, held));
  add_reals(name + ".proposal_velocity", true, velocities());
  if (!plain && shape_.faces) add_reals(name + ".unfolded", true, drawn(count, -5, 5));
}

void RandomGroup::fill_rows() {
  const int64_t rows = shape_.rows;
  std::vector<double> energy = drawn(rows, -5, 5), proposal_energy = drawn(rows, -5, 5), log_ratio = drawn(rows, -1, 1),
                      expert_energy = drawn(kExperts * rows, -5, 5),
                      proposal_expert_energy = drawn(kExperts * rows, -5, 5), left(rows, 0.0);
  const auto put = [rows](std::vector<double>& values, int64_t row, double value) {
    if (row < rows) values[row] = value;
  };
  if (shape_.fails) {
    put(energy, 0, kNaN);
    put(energy, 8, INFINITY);
    put(energy, 9, -INFINITY);
    put(proposal_energy, 4, INFINITY);
    put(proposal_energy, 6, kNaN);  // with an expert at +infinity, an overflow
    put(proposal_expert_energy, 6, INFINITY);
    put(proposal_energy, 7, kNaN);
    put(proposal_energy, 10, -INFINITY);
    put(proposal_energy, 11, kNaN);  // of a trajectory that had left
    put(left, 11, 1);
    put(proposal_energy, 13, 5000);
    put(log_ratio, 14, 1e6);
    put(log_ratio, 15, -1e6);
    put(log_ratio, 16, kNaN);
  }
  std::vector<double> chain(rows);
  for (int64_t row = 0; row < rows; ++row) chain[row] = static_cast<double>(3 + row);
  add("chain", Kind::kCount, 4, false, chain);
  add("energy", Kind::kSum, 8, true, energy);
  add("expert_energy", Kind::kSum, 8, true, expert_energy);
  add("proposal_energy", Kind::kSum, 8, true, proposal_energy);
  add("proposal_expert_energy", Kind::kSum, 8, true, proposal_expert_energy);
  add("log_ratio", Kind::kSum, 8, true, log_ratio);
  add("left", Kind::kCount, 1, true, left);
  if (!shape_.ladder) return;
  std::vector<double> temperature(rows), step(rows);
  for (int64_t row = 0; row < rows; ++row) {
    temperature[row] = 0.75 * std::pow(1.5, static_cast<double>(row % 4));
    step[row] = 1 - 0.125 * static_cast<double>(row % 4);
  }
  add("row_temperature", Kind::kSum, 8, false, temperature);
  add("row_step", Kind::kSum, 8, false, step);
}

void RandomGroup::fill_counts() {
  const int64_t rows = shape_.rows;
  const auto counts = [&](int most) {
    std::vector<double> values = drawn(rows, 0, most);
    for (double& value : values) value = std::floor(value);
    return values;
  };
  std::vector<double> frozen(rows, 0.0);
  for (int64_t row = 2; shape_.frozen && row < rows; row += 5) frozen[row] = 1;
  add("frozen", Kind::kCount, 1, true, frozen);
  add("frozen_step", Kind::kCount, 4, true, counts(50));
  for (const char* name : {"nan_proposals", "divergences", "swap_attempts", "round_trips"})
    add(name, Kind::kCount, 4, true, counts(9));
  add("replica", Kind::kCount, 4, true, counts(4));
  add("has_been", Kind::kCount, 1, true, counts(3));
  add("reflected", Kind::kCount, 8, true, counts(9));
  for (const char* name : {"clipped", "acceptance", "energy_error", "gradient_square", "swap_acceptance"})
    add(name, Kind::kSum, 8, true, drawn(rows, 0, 4));
  add("trajectory_slope", Kind::kSquare, 8, true, drawn(rows, -4, 4));
  add("energy_sums", Kind::kSum, 8, true, drawn((3 + 4 * kExperts) * rows, -4, 4));
  arrays_.push_back({"scratch", Kind::kSum, 8, false, memory_.size(), 0, false});
  memory_.resize(memory_.size() + aligned(3 * 8 * static_cast<size_t>(rows)));
}

/// Given numbers that wear noise, with the name and support of x: all but the third, or fewer.
void RandomGroup::fill_given() {
  std::vector<double> clean(shape_.n, 0.0);
  for (int64_t j = 0; j < shape_.n; ++j) clean[j] = j == 2 || (shape_.held && j % 2 == 1);
  add("given.clean", Kind::kCount, 1, false, clean);
  add_reals("given.value", false, drawn(shape_.n, -1.4, 1.4));
  add_reals("given.position", true, drawn(shape_.rows * shape_.n, -1.4, 1.4));
}

/// Labels are int64, and stand here as numbers with their bits.
void RandomGroup::fill_labels() {
  const int64_t rows = shape_.rows;
  for (const char* name : {"label", "label_proposal"}) {
    std::vector<double> labels = drawn(rows * kLabels, 0, kCategories);
    for (double& label : labels) label = std::bit_cast<double>(static_cast<int64_t>(label));
    add(name, Kind::kCount, 8, true, labels);
  }
  std::vector<double> energy = drawn(kCategories * rows, -2, 2);
  const auto put = [&](int64_t category, int64_t row, double value) {
    if (row < rows) energy[category * rows + row] = value;
  };
  if (shape_.fails) {
    put(1, 0, INFINITY);
    put(2, 3, kNaN);
    put(0, 4, -INFINITY);
    for (int64_t k = 0; k < kCategories; ++k) put(k, 5, INFINITY);
  }
  add("category_energy", Kind::kSum, 8, true, energy);
}

template <class T>
T* RandomGroup::pointer(const std::string& name, std::byte* base) const {
  for (const Array& array : arrays_) {
    if (array.name == name) return reinterpret_cast<T*>(base + array.offset);
  }
  return nullptr;
}

Block RandomGroup::block(const std::string& name, int index, std::byte* base) const {
  Block b = block_of(index, energy_.variables()[index]);
  b.held = pointer<uint8_t>(name + ".held", base);
  b.moving = b.n;
  for (int64_t j = 0; b.held && j < b.n; ++j) b.moving -= is_held(shape_, j);
  b.stays = pointer<uint8_t>(name + ".stays", base);
  b.scale = pointer<void>(name + ".scale", base);
  b.centre = pointer<void>(name + ".centre", base);
  b.position = pointer<void>(name + ".position", base);
  b.gradient = pointer<void>(name + ".gradient", base);
  b.velocity = pointer<void>(name + ".velocity", base);
  b.proposal = pointer<void>(name + ".proposal", base);
  b.proposal_gradient = pointer<void>(name + ".proposal_gradient", base);
  b.proposal_velocity = pointer<void>(name + ".proposal_velocity", base);
  b.unfolded = pointer<void>(name + ".unfolded", base);
  if (!b.unfolded) b.unfolded = b.proposal;
  return b;
}

Group RandomGroup::at(std::byte* base, void* stream) const {
  Group g;
  g.target = &energy_;
  g.temperature = 0.75;
  g.seed = 9;
  g.rows = g.chains = g.energy_stride = shape_.rows;
  g.ladder = shape_.ladder ? 4 : 1;
  g.stream = stream;
  g.blocks.push_back(block("x", 0, base));
  if (shape_.second) g.blocks.push_back(block("y", 1, base));
  for (const Block& one : g.blocks) g.dimension += one.moving;
  g.label_blocks.push_back({.n = kLabels,
                            .categories = kCategories,
                            .key = variable_key("label"),
                            .label = pointer<int64_t>("label", base),
                            .proposal = pointer<int64_t>("label_proposal", base)});
  const Variable& x = energy_.variables()[0];
  g.noisy_givens.push_back({.n = shape_.n,
                            .key = variable_key(x.name),
                            .least = x.least,
                            .most = x.most,
                            .faces = x.has_face(),
                            .clean = pointer<uint8_t>("given.clean", base),
                            .given = pointer<void>("given.value", base),
                            .position = pointer<void>("given.position", base)});
  g.category_energy = pointer<double>("category_energy", base);
  g.chain = pointer<uint32_t>("chain", base);
  g.row_temperature = pointer<double>("row_temperature", base);
  g.row_step = pointer<double>("row_step", base);
  g.energy = pointer<double>("energy", base);
  g.expert_energy = pointer<double>("expert_energy", base);
  g.proposal_energy = pointer<double>("proposal_energy", base);
  g.proposal_expert_energy = pointer<double>("proposal_expert_energy", base);
  g.log_ratio = pointer<double>("log_ratio", base);
  g.scratch = pointer<double>("scratch", base);
  g.left = pointer<uint8_t>("left", base);
  g.frozen = pointer<uint8_t>("frozen", base);
  g.frozen_step = pointer<uint32_t>("frozen_step", base);
  g.nan_proposals = pointer<uint32_t>("nan_proposals", base);
  g.divergences = pointer<uint32_t>("divergences", base);
  g.acceptance = pointer<double>("acceptance", base);
  g.energy_error = pointer<double>("energy_error", base);
  g.clipped = pointer<double>("clipped", base);
  g.gradient_square = pointer<double>("gradient_square", base);
  g.reflected = pointer<double>("reflected", base);
  g.energy_sums = pointer<double>("energy_sums", base);
  g.trajectory_slope = pointer<double>("trajectory_slope", base);
  g.swap_attempts = pointer<uint32_t>("swap_attempts", base);
  g.swap_acceptance = pointer<double>("swap_acceptance", base);
  g.replica = pointer<uint32_t>("replica", base);
  g.has_been = pointer<uint8_t>("has_been", base);
  g.round_trips = pointer<uint32_t>("round_trips", base);
  return g;
}

std::vector<GroupNumbers> RandomGroup::numbers() const {
  std::vector<GroupNumbers> all;
  for (const Array& array : arrays_) {
    if (!array.changes) continue;
    GroupNumbers numbers{array.name, array.kind, std::vector<double>(array.count)};
    const std::byte* from = memory_.data() + array.offset;
    for (double& value : numbers.values) {
      if (array.bytes == 8) {
        std::memcpy(&value, from, 8);
      } else if (array.real) {
        float number;
        std::memcpy(&number, from, 4);
        value = static_cast<double>(number);
      } else if (array.bytes == 4) {
        uint32_t number;
        std::memcpy(&number, from, 4);
        value = number;
      } else {
        value = std::to_integer<uint8_t>(*from);
      }
      from += array.bytes;
    }
    all.push_back(std::move(numbers));
  }
  return all;
}

}  // namespace potluck::testing
