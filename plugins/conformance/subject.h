// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "plugins/conformance.h"
#include "plugins/conformance/probe.h"

namespace potluck::conformance {

/// No call of the kit has more rows.
inline constexpr int64_t kMostRows = 4096;

/// A setup with one or two drawn numbers, which quadrature reaches.
struct NarrowSetup {
  std::vector<Slot> slots;
  std::vector<SettingValue> values;
  bool with_weights = true;
  std::string said;  ///< how it differs from what was asked for: ", with order = 1"; empty where it does not
};

/// The model under test, with the setup that it accepted.
class Subject {
 public:
  /// Tries shapes and categories until the model can be created.
  /// @throws Error  where it accepts none: the refusal that came furthest, the first of those
  Subject(const ModelKind& kind, const ConformanceOptions& options);

  const ModelKind& kind() const { return kind_; }
  const std::vector<Slot>& slots() const { return slots_; }
  const std::vector<SettingValue>& values() const { return values_; }
  bool can(uint64_t ability) const { return (abilities_ & ability) != 0; }
  /// float64 where the model has it: what figures are measured in.
  Precision best_precision() const;
  /// "position [3], label [] of 3 categories"
  std::string describe() const;

  Model create(Precision precision) const { return create(precision, slots_, values_); }
  Model create(Precision precision, const std::vector<Slot>& slots, const std::vector<SettingValue>& values,
               Device device = {}, bool with_weights = true) const;
  Model create() const { return create(best_precision()); }

  Model create(const NarrowSetup& setup) const;
  std::chrono::milliseconds patience() const { return options_.patience; }
  const ConformanceOptions& options() const { return options_; }

  /// Setups whose drawn inputs hold one or two numbers together, at most one of each. With the settings that were asked
  /// for where the model accepts that, else with others: a law that holds for all settings is better checked at some
  /// than not at all.
  std::vector<NarrowSetup> narrow_setups() const;

  /// Rows inside the supports, standard normal where there is none, near the points that `options` has; labels among
  /// them -1 where a label may be none; the same for the same `salt`. All values are multiples of 2^-12 (of a finer
  /// step near points of a small scale) so that small steps from them are exact in float32.
  Batch points(const Model& model, int64_t rows, uint32_t salt, double spread = 1) const;
  /// Of such points those with a finite energy: at most `rows`, perhaps none.
  Batch finite_points(const Model& model, int64_t rows, uint32_t salt, double spread = 1) const;
  /// Numbers in (0, 1) for exact draws.
  std::vector<double> uniforms(int64_t count, uint32_t salt) const;

 private:
  std::vector<std::vector<Slot>> candidates(bool narrow) const;
  bool accepts(const NarrowSetup& setup) const;

  const ModelKind& kind_;
  const ConformanceOptions& options_;
  std::vector<SettingValue> values_;
  std::vector<Slot> slots_;
  uint64_t abilities_ = 0;
};

/// Values of all settings as `options` says, the others at their presets.
std::vector<SettingValue> setting_values(const ModelKind& kind, const ConformanceOptions& options);

}  // namespace potluck::conformance
