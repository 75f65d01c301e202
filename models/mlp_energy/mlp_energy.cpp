// SPDX-License-Identifier: Apache-2.0
#include "models/preconditioned/modulated_silu.h"
#include "models/preconditioned/preconditioned_energy.h"

namespace potluck::models {
namespace {

using plugin::Setting;
using plugin::Setup;

/// Dense layers to one number. Each hidden layer has a scale and a shift of its numbers by noise and label, and silu.
class Layers {
 public:
  static constexpr const char* kX = "numbers of any shape";
  static plugin::Facts facts() { return {}; }

  Layers(ParameterMaker& maker, int64_t features) {
    const Setup& setup = maker.setup();
    const std::span<const int64_t> hidden = setup.integers("hidden");
    if (hidden.empty()) throw setup.setting_error("hidden", "must have one number or more, got none");
    int64_t before = setup.size("x");
    for (size_t layer = 0; layer < hidden.size(); ++layer) {
      const std::string name = "layer_" + std::to_string(layer);
      layers_.push_back(
          {maker.normal(name + "_weight", {hidden[layer], before}, std::sqrt(2 / static_cast<double>(before))),
           Modulation(maker, name, hidden[layer], features)});
      before = hidden[layer];
    }
    last_weight_ = maker.normal("last_weight", {before}, 0.1 / std::sqrt(static_cast<double>(before)));
  }

  at::Tensor value(const at::Tensor& u, const at::Tensor& features) const { return run(u, features, &modulated_silu); }
  at::Tensor pair(const at::Tensor& u, const at::Tensor& features) const {
    return run(u, features, &modulated_silu_pair);
  }

 private:
  struct Layer {
    at::Tensor weight;
    Modulation modulation;
  };

  template <class Activation>
  at::Tensor run(const at::Tensor& u, const at::Tensor& features, Activation activation) const {
    at::Tensor numbers = u.reshape({u.size(0), -1});
    for (const Layer& layer : layers_)
      numbers = activation(linear_map(numbers, layer.weight), layer.modulation(features));
    return plugin::sum_rows(numbers.mul(last_weight_));
  }

  std::vector<Layer> layers_;
  at::Tensor last_weight_;
};

class MlpEnergy : public PreconditionedEnergy<Layers> {
 public:
  static constexpr const char* name = "mlp_energy";
  static constexpr const char* summary = "A learned energy of vectors: dense layers beside a Gaussian part";
  static constexpr const char* reference = kPreconditioningReference;
  static constexpr Setting settings[] = {
      plugin::integer("hidden", "numbers in each hidden layer").list().at_least(1).preset("128, 128"),
      fixed_noise_setting()};
  using PreconditionedEnergy::PreconditionedEnergy;
};

}  // namespace
}  // namespace potluck::models

POTLUCK_EXPORT_PLUGIN("potluck.mlp_energy", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors",
                      "A learned energy of vectors: dense layers beside a Gaussian part",
                      potluck::plugin::TorchModel<potluck::models::MlpEnergy>);
