// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugins/model.h"

namespace potluck::test {

using Numbers = std::vector<double>;

/// What a test creates a model from, in the words of a composition file.
struct ProbeSetup {
  std::map<std::string, std::string> settings;  ///< lists with commas: {"mean", "1, 2"}
  std::vector<Slot> slots;
  std::vector<Weight> weights;
  Precision precision = Precision::kFloat64;
  int64_t most_rows = 256;
};

Slot continuous_slot(std::vector<int64_t> shape);
Slot label_slot(int64_t categories);
/// float32 unless `type` says otherwise.
Weight weight(const std::string& name, std::vector<int64_t> shape, const Numbers& numbers,
              int32_t type = POTLUCK_FLOAT64);

/// A model of one of the plugins that were built, called as the host calls it, with all numbers widened to double.
class ModelProbe {
 public:
  /// @param plugin  "potluck.gaussian", or the path of a file
  ModelProbe(const std::string& plugin, const std::string& model, const ProbeSetup& setup);

  struct Evaluated {
    Numbers energy;                 ///< [B]
    std::vector<Numbers> gradient;  ///< [B, n] for each input
  };
  struct How {
    Numbers row_weight;             ///< empty: none
    std::vector<Numbers> gradient;  ///< what the gradients hold before; empty: nothing is accumulated
    int threads = 1;
  };
  /// @param inputs  [B, n] for each input; labels as numbers
  Evaluated evaluate(const std::vector<Numbers>& inputs) const { return evaluate(inputs, How{}); }
  Evaluated evaluate(const std::vector<Numbers>& inputs, const How& how) const;
  Numbers energies(const std::vector<Numbers>& inputs) const { return evaluate(inputs).energy; }

  /// The largest |gradient - central difference of the energy| over all rows and coordinates of input i, relative to
  /// 1 + |gradient|.
  double worst_gradient_error(const std::vector<Numbers>& inputs, int i = 0, double step = 1e-4) const;

  struct LogZ {
    Numbers value;
    std::vector<Numbers> gradient;
  };
  std::optional<LogZ> log_normaliser(const std::vector<Numbers>& parents, int64_t rows) const;
  /// `given[i]` empty: input i is open.
  std::optional<Model::Quadratic> quadratic(const std::vector<Numbers>& given) const;
  /// `rows` draws of input i, [rows, n], from uniforms of a fixed generator. `held[i]` empty: none is held.
  std::optional<Numbers> draw(int64_t rows, const std::vector<Numbers>& given,
                              const std::vector<std::vector<uint8_t>>& held, int i = 0, uint64_t seed = 1) const;

  /// What parameter_gradient adds to sums of zeros, for each parameter; nothing where the model cannot.
  /// @param tangent  as `inputs`; empty: zero
  std::optional<std::vector<Numbers>> parameter_gradient(const std::vector<Numbers>& inputs, const Numbers& cotangent,
                                                         const std::vector<Numbers>& tangent);

  const Model& model() const { return *model_; }
  Model& model() { return *model_; }

 private:
  bool wide() const { return model_->setup().precision == Precision::kFloat64; }
  std::vector<std::vector<std::byte>> pack(const std::vector<Numbers>& inputs) const;
  Numbers unpack(const std::vector<std::byte>& bytes) const;
  std::unique_ptr<Model> model_;
};

/// The text of the error with which the model refuses the setup; "" where it does not.
std::string refusal(const std::string& plugin, const std::string& model, const ProbeSetup& setup);

/// `count` numbers between -1 and 1, the same for the same seed.
Numbers some_numbers(int64_t count, uint64_t seed = 1);

/// Means [n] and covariance [n, n] of draws [B, n].
struct Moments {
  Numbers mean, covariance;
};
Moments moments(const Numbers& draws, int64_t n);

}  // namespace potluck::test
