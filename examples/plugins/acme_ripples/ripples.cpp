// SPDX-License-Identifier: Apache-2.0
#include <potluck/torch_model.hpp>
using namespace potluck::plugin;

class Ripples {  // E = sum over x of x^2 / 2 + height (1 - cos(frequency x))
 public:
  static constexpr const char* name = "acme.ripples";
  static constexpr const char* summary = "A bowl with ripples in it";
  static constexpr Setting settings[] = {real("height", "half the depth of a ripple").at_least(0).preset("0.5"),
                                         real("frequency", "2 pi / the distance of ripples").at_least(0).preset("4")};
  explicit Ripples(const Setup& setup) : height_(setup.real("height")), frequency_(setup.real("frequency")) {}

  at::Tensor energy(const std::vector<at::Tensor>& inputs) const {
    const at::Tensor& x = inputs[0];  // [B, shape ...]
    return sum_rows(x * x / 2 + height_ * (1 - (frequency_ * x).cos()));
  }

  // Each number by itself, then a sum over the row: no row's bits hang on the others.
  Facts facts() const { return {.least_energy = 0, .integrable = true, .bounded_on_boxes = true, .rows_alone = true}; }

 private:
  double height_, frequency_;
};
POTLUCK_EXPORT_PLUGIN("acme.ripples", "1.0.0", "Apache-2.0", "Acme", "Ripples", TorchModel<Ripples>);
