// SPDX-License-Identifier: Apache-2.0
// What learning and discrete moves ask of a model.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "plugins/conformance/checks.h"
#include "plugins/floating_point.h"

namespace potluck::conformance {

namespace {

constexpr int64_t kRows = 5;

/// Calls the plugin where Model has no call of its own. Nothing is thrown by a C door that keeps its promises.
class Door {
 public:
  explicit Door(const Model& model) : model_(model), table_(*model.kind().table) {}

  int parameters(int64_t* count, potluck_array* const** arrays) {
    const FloatingPointGuard guard;
    return table_.parameters(model_.plugin_model(), count, arrays, error());
  }
  int changed() {
    const FloatingPointGuard guard;
    return table_.parameters_changed ? table_.parameters_changed(model_.plugin_model(), nullptr, error()) : POTLUCK_OK;
  }
  int parameter_gradient(const potluck_call& call, const double* cotangent, const void* const* tangent,
                         void* const* sum) {
    const FloatingPointGuard guard;
    return table_.parameter_gradient(model_.plugin_model(), &call, cotangent, tangent, sum, error());
  }
  int category_energies(const potluck_call& call, int32_t i, double* energy) {
    const FloatingPointGuard guard;
    return table_.category_energies(model_.plugin_model(), &call, i, energy, error());
  }

 private:
  potluck_error* error() { return &error_; }

  const Model& model_;
  const potluck_model_kind& table_;
  char text_[1024] = "";
  potluck_error error_ = {sizeof(potluck_error), text_, sizeof text_, 0, 0};
};

double get(const potluck_array& array, int64_t at) {
  return array.type == POTLUCK_FLOAT64 ? static_cast<const double*>(array.data)[at]
                                       : static_cast<double>(static_cast<const float*>(array.data)[at]);
}

void set(const potluck_array& array, int64_t at, double value) {
  if (array.type == POTLUCK_FLOAT64)
    static_cast<double*>(array.data)[at] = value;
  else
    static_cast<float*>(array.data)[at] = static_cast<float>(value);
}

int64_t size_of(const potluck_array& array) {
  int64_t size = 1;
  for (int64_t d = 0; d < array.rank; ++d) size *= array.shape[d];
  return size;
}

}  // namespace

Finding check_parameter_gradient(const Subject& subject) {
  if (subject.kind().table->parameters == nullptr) return not_applicable("the model has no trainable parameters");
  const Model model = subject.create();
  Door door(model);
  int64_t count = 0;
  potluck_array* const* arrays = nullptr;
  if (const int status = door.parameters(&count, &arrays); status == POTLUCK_UNSUPPORTED || count == 0)
    return not_applicable("the model has no trainable parameters");
  else if (status != POTLUCK_OK)
    return failed(fmt::format("parameters() must succeed, got status {}", status), "See potluck/plugin.h");
  if (subject.kind().table->parameter_gradient == nullptr)
    return failed("parameters() is there, and parameter_gradient() is not", "Provide both, or neither");

  const Batch batch = subject.finite_points(model, kRows, 100);
  if (batch.rows == 0) return not_applicable("no test point has a finite energy. Give --support input=least:most");
  const auto rows = static_cast<size_t>(batch.rows);
  const std::vector<double> cotangent = {0.5, -1, 0.25, 2, -0.125};
  Batch direction = subject.points(model, batch.rows, 101);
  const auto wide = [](const potluck_array& array) { return array.type == POTLUCK_FLOAT64; };

  double worst = 0, worst_bound = 0;
  std::string where;
  int64_t slopes = 0;
  for (const bool of_score : {false, true}) {
    // The scalar whose slopes are looked for: sum of cotangent E, or of tangent . dE/dx.
    const auto scalar = [&] {
      const Evaluation found = evaluate(model, batch);
      double sum = 0;
      for (size_t b = 0; b < rows && !of_score; ++b) sum += cotangent[b] * found.energy[b];
      for (size_t i = 0; i < found.gradient.size() && of_score; ++i)
        for (size_t k = 0; k < found.gradient[i].size(); ++k) sum += direction.values[i][k] * found.gradient[i][k];
      return sum;
    };
    Arrays input(model, batch), tangent(model, direction);
    for (size_t i = 0; i < batch.values.size(); ++i)
      if (subject.kind().inputs[i].categorical) tangent.pointers()[i] = nullptr;
    std::vector<GuardedBytes> sums;
    std::vector<void*> pointers;
    for (int64_t p = 0; p < count; ++p)
      sums.emplace_back(static_cast<size_t>(size_of(*arrays[p])) * (wide(*arrays[p]) ? 8 : 4), 0);
    for (GuardedBytes& sum : sums) pointers.push_back(sum.data());
    GuardedBytes workspace(model.workspace_bytes(batch.rows));
    const potluck_call call = {sizeof call, batch.rows, input.pointers(), nullptr, nullptr, nullptr,
                               0,           1,          workspace.data(), nullptr};
    const int status = door.parameter_gradient(call, of_score ? nullptr : cotangent.data(),
                                               of_score ? tangent.pointers() : nullptr, pointers.data());
    if (status == POTLUCK_UNSUPPORTED && of_score) continue;
    if (status != POTLUCK_OK)
      return failed(fmt::format("parameter_gradient() must succeed, got status {}", status), "See potluck/plugin.h");
    for (int64_t p = 0; p < count; ++p) {
      const potluck_array& array = *arrays[p];
      if (!sums[static_cast<size_t>(p)].guards_intact())
        return failed(fmt::format("the gradient of parameter '{}' was written beyond its end", array.name),
                      "It has as many numbers as the parameter");
      if (array.trainable == 0) continue;
      const int64_t size = size_of(array), stride = std::max<int64_t>(1, size / 20);
      potluck_array sum = array;
      sum.data = sums[static_cast<size_t>(p)].data();
      for (int64_t at = 0; at < size; at += stride) {
        const double value = get(array, at);
        const double h = wide(array) ? 0x1p-10 : 0x1p-6;
        const auto slope = [&](double width) {
          set(array, at, value + width);
          door.changed();
          const double above = get(array, at), up = scalar();
          set(array, at, value - width);
          door.changed();
          const double below = get(array, at), down = scalar();
          set(array, at, value);
          door.changed();
          return (up - down) / (above - below);
        };
        const double fine = slope(h), rough = slope(2 * h), claimed = get(sum, at);
        // The error of `fine` is a third of its distance from `rough` (h^2 law).
        const double scale = 1 + std::abs(scalar()) + std::abs(claimed);
        const double epsilon = wide(array) && subject.best_precision() == Precision::kFloat64 ? 0x1p-52 : 0x1p-23;
        const double bound = std::abs(fine - rough) + 256 * epsilon * scale / h;
        const double apart = std::abs(claimed - fine);
        ++slopes;
        if (worst_bound == 0 || !(apart * worst_bound <= worst * bound)) {
          worst = apart;
          worst_bound = bound;
          where = fmt::format("'{}', number {}, {}", array.name, at, of_score ? "tangent" : "cotangent");
        }
      }
    }
  }
  if (!(worst <= worst_bound)) {
    return failed(fmt::format("a parameter's gradient is {:.3g} away from central differences, bound {:.3g} ({})",
                              worst, worst_bound, where),
                  "sum[p] += sum_b cotangent[b] dE_b/dp + sum_b d/dp (tangent_b . dE_b/dx)");
  }
  return passed(fmt::format("{} slopes, worst error {:.3g}, bound {:.3g}", slopes, worst, worst_bound));
}

Finding check_category_energies(const Subject& subject) {
  if (subject.kind().table->category_energies == nullptr) return not_applicable("category_energies is not provided");
  const Model model = subject.create();
  Door door(model);
  const Batch batch = subject.points(model, kRows, 110);
  double worst = 0, bound = 1;
  int64_t compared = 0;
  for (size_t i = 0; i < batch.values.size(); ++i) {
    const int64_t categories = subject.slots()[i].categories, size = subject.slots()[i].size();
    if (categories == 0) continue;
    Arrays input(model, batch);
    GuardedBytes workspace(model.workspace_bytes(kRows));
    std::vector<double> found(static_cast<size_t>(kRows * size * categories), NAN);
    const potluck_call call = {sizeof call, kRows, input.pointers(), nullptr, nullptr, nullptr,
                               0,           1,     workspace.data(), nullptr};
    const int status = door.category_energies(call, static_cast<int32_t>(i), found.data());
    if (status == POTLUCK_UNSUPPORTED) continue;
    if (status != POTLUCK_OK)
      return failed(fmt::format("category_energies() must succeed, got status {}", status), "See potluck/plugin.h");
    for (int64_t j = 0; j < size; ++j) {
      for (int64_t k = 0; k < categories; ++k) {
        Batch moved = batch;
        for (int64_t b = 0; b < kRows; ++b) moved.values[i][static_cast<size_t>(b * size + j)] = static_cast<double>(k);
        const Evaluation exact = evaluate(model, moved);
        bound = std::max(bound, rounding(model, scale_of(moved, exact)));
        for (int64_t b = 0; b < kRows; ++b, ++compared) {
          const double apart = std::abs(found[static_cast<size_t>((b * size + j) * categories + k)] -
                                        exact.energy[static_cast<size_t>(b)]);
          worst = std::isnan(apart) ? static_cast<double>(INFINITY) : std::max(worst, apart);
        }
      }
    }
  }
  if (compared == 0) return not_applicable("no categorical input has category energies");
  if (!(worst <= bound)) {
    return failed(fmt::format("category energies differ from evaluate by {:.3g}, bound {:.3g}", worst, bound),
                  "energy[row, j, k] is E with label k at place j and all else as it stands");
  }
  return passed(fmt::format("{} energies, largest difference {:.3g}, bound {:.3g}", compared, worst, bound));
}

}  // namespace potluck::conformance
