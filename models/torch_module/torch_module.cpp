// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/cat.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "models/torch_module/energy_package.h"
#include "models/torch_module/script_energy.h"

namespace potluck::models {
namespace {

using namespace potluck::plugin;

/// Hosts what PyTorch exported: a TorchScript module, with everything that TorchModel does, or a compiled package.
class HostedModule : public TorchModel<ScriptEnergy> {
 public:
  explicit HostedModule(const Setup& setup) : TorchModel<ScriptEnergy>(setup), device_(torch_device(setup)) {
    if (!is_package()) return;
    package_ = with_torch_errors([&] { return std::make_shared<EnergyPackage>(setup); });
    for (int32_t i = 0; i < kInputs; ++i) shapes_.emplace_back(setup.shape(i).begin(), setup.shape(i).end());
  }

  Facts facts() const {
    Facts facts = TorchModel<ScriptEnergy>::facts();
    if (package_) facts.preferred_rows = package_->batch();
    return facts;
  }

  template <class Real>
  void evaluate(const Call<Real>& call) const {
    if (!package_) return TorchModel<ScriptEnergy>::evaluate(call);
    with_torch_errors([&] {
      const TorchBorder border(call, device_, /*grad=*/false);
      for (int64_t first = 0; first < call.rows(); first += package_->batch()) evaluate_batch(call, first);
    });
  }

 private:
  static constexpr int32_t kInputs = 4;
  static constexpr int32_t kLabel = 2;

  template <class Real>
  void evaluate_batch(const Call<Real>& call, int64_t first) const {
    const int64_t rows = std::min(package_->batch(), call.rows() - first);
    std::vector<at::Tensor> tensors;
    for (int32_t i = 0; i < kInputs; ++i) tensors.push_back(batch_of(call, i, first, rows));
    const std::vector<at::Tensor> found = package_->run(tensors, call.stream());
    if (call.energy() != nullptr) tensor_view(call.energy() + first, {rows}, device_).copy_(found[0].slice(0, 0, rows));
    size_t next = 1;
    for (int32_t i = 0; i < kInputs; ++i) {
      if (i == kLabel || call.input(i) == nullptr) continue;
      if (call.gradient(i) != nullptr) write(call, i, first, found[next].slice(0, 0, rows));
      ++next;
    }
  }

  /// Rows first ... of input `i`, filled up to a batch; undefined where it is left out.
  template <class Real>
  at::Tensor batch_of(const Call<Real>& call, int32_t i, int64_t first, int64_t rows) const {
    if (call.input(i) == nullptr) return {};
    std::vector<int64_t> shape = {rows};
    shape.insert(shape.end(), shapes_[static_cast<size_t>(i)].begin(), shapes_[static_cast<size_t>(i)].end());
    const int64_t at = first * call.size(i);
    const at::Tensor own = i == kLabel ? tensor_view(call.labels(i) + at, shape, device_)
                                       : tensor_view(call.input(i) + at, shape, device_);
    if (rows == package_->batch()) return own;
    shape[0] = package_->batch() - rows;
    return at::cat({own, own.slice(0, 0, 1).expand(shape)});
  }

  /// A weight of 0 leaves nothing of a row's gradient, whatever it is: at energy +infinity it may be NaN.
  template <class Real>
  void write(const Call<Real>& call, int32_t i, int64_t first, const at::Tensor& found) const {
    const int64_t rows = found.size(0);
    const at::Tensor out = tensor_view(call.gradient(i) + first * call.size(i), {rows, call.size(i)}, device_);
    at::Tensor gradient = found.reshape({rows, call.size(i)});
    if (call.row_weights() != nullptr) {
      const at::Tensor weight = tensor_view(call.row_weights() + first, {rows, 1}, device_).to(out.scalar_type());
      gradient = at::where(weight.eq(0), at::zeros_like(gradient), gradient.mul(weight));
    }
    if (call.accumulate())
      out.add_(gradient);
    else
      out.copy_(gradient);
  }

  at::Device device_;
  std::shared_ptr<EnergyPackage> package_;
  std::vector<std::vector<int64_t>> shapes_;
};

}  // namespace
}  // namespace potluck::models

using potluck::models::HostedModule;
POTLUCK_EXPORT_PLUGIN("potluck.torch_module", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors",
                      "Energies that PyTorch exported", HostedModule);
