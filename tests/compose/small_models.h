// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "compose/tree/tree.h"
#include "potluck/plugin.h"

namespace potluck::testing {

/// An array that a small model can learn.
struct SmallParameter {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<double> value;
  bool trainable = true;
};

/// A model in double arithmetic over all its inputs laid one after the other, behind a real C table in this process.
class SmallModel {
 public:
  virtual ~SmallModel() = default;
  /// Energy of one row; gradient (as long as x) is overwritten.
  virtual double energy(const std::vector<double>& x, std::vector<double>& gradient) const = 0;
  /// log Z at the parents in x; false: not known. gradient: of log Z.
  virtual bool log_z(const std::vector<double>&, double&, std::vector<double>&) const { return false; }
  /// P and h and c of E over all of x.
  virtual bool quadratic(std::vector<double>&, std::vector<double>&, double&) const { return false; }
  /// One row of drawn numbers from uniforms.
  virtual bool draw(const std::vector<double>&, const double*, std::vector<double>&) const { return false; }
  /// sum[p] += cotangent dE/dp + d/dp (tangent . dE/dx) at one row; tangent is empty or as long as x. False: not so.
  virtual bool parameter_slopes(const std::vector<double>&, double, const std::vector<double>&,
                                std::vector<std::vector<double>>&) const {
    return false;
  }

  /// In double here; the host sees arrays of the run's type, and what it writes arrives at parameters_changed().
  std::vector<SmallParameter> parameters;

  uint64_t abilities = POTLUCK_CAN_CPU | POTLUCK_CAN_FLOAT64 | POTLUCK_CAN_ACCUMULATE | POTLUCK_THREAD_SAFE |
                       POTLUCK_ROWS_ALONE | POTLUCK_GRAPH_CAPTURABLE | POTLUCK_INTEGRABLE | POTLUCK_BOUNDED_ON_BOXES;
  double least = 0;
  int64_t uniforms = 0;
  int64_t preferred_rows = 0;
};

/// Sizes of the inputs, then one list of real numbers for each setting.
using Make =
    std::function<std::unique_ptr<SmallModel>(const std::vector<int64_t>&, const std::vector<std::vector<double>>&)>;

/// A model kind whose inputs are called "x" (drawn) or "z..." (parents), "label" (categorical parent), or "maybe"
/// (an optional parent).
std::unique_ptr<ModelKind> small_kind(const std::string& name, const std::vector<std::string>& inputs, int settings,
                                      Make make);

/// Calls of evaluate on all models since the last reset.
std::atomic<int64_t>& evaluate_calls();
/// Answers of all models to how their energy is quadratic.
std::atomic<int64_t>& quadratic_calls();
/// Models that were created in this process.
std::atomic<int64_t>& models_created();

// E = (x - m)' P (x - m) / 2; settings m [n] and P [n, n] or [1].
const ModelKind& gauss();
const ModelKind& gauss_that_overwrites();  ///< cannot accumulate
const ModelKind& gauss_without_log_z();    ///< quadratic, but says no log Z of its own
const ModelKind& gauss_unknown();          ///< neither log Z nor quadratic
const ModelKind& gauss_broken();           ///< gradient 1 % too large
/// E = 0 within `half` of `centre` in every coordinate, +infinity outside, with a NaN as its gradient there.
const ModelKind& box();
/// E = x^4, summed; normaliser unknown, a lower bound of 0.
const ModelKind& quartic();
/// E = |x - W z|^2 / (2 s^2): settings W [n, k], s. Its log Z does not depend on z.
const ModelKind& linear();
/// E = |x|^2 e^-z / 2 with a parent z of one number: log Z = n/2 (log 2 pi + z).
const ModelKind& stretched();
/// E = |x - mean of the label|^2 / 2: setting: the means.
const ModelKind& labelled();
/// Energies by command: E = the number `value`, which may be NaN or infinite.
const ModelKind& constant();

}  // namespace potluck::testing
