// SPDX-License-Identifier: Apache-2.0
// Two LibTorch models of E(x) = |x|^2 / 2: one makes double the default type of the process, in the call that `when`
// names, and sees to it that this took effect; the other makes tensors of the default type, which must be float32.
#include <ATen/ops/eye.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <c10/core/DefaultDtype.h>

#include <potluck/torch_model.hpp>

using namespace potluck::plugin;

namespace {

void make_double_the_default() {
  c10::set_default_dtype(caffe2::TypeMeta::Make<double>());
  if (at::eye(2).scalar_type() != at::kDouble) throw Failure(POTLUCK_INTERNAL, "the default type did not change");
}

/// 0, by operations that are large enough to be shared out among threads.
at::Tensor zero() { return at::ones({int64_t{1} << 20}).sub(1).sum(); }

class Changes {
 public:
  static constexpr const char* name = "zoo.default_type.changes";
  static constexpr const char* summary = "changes the default type";
  static constexpr Setting settings[] = {choice("when", {"never", "create", "evaluate"}, "the call").preset("never")};
  explicit Changes(const Setup& setup) : when_(setup.choice("when")) {
    if (when_ == kCreate) make_double_the_default();
  }
  at::Tensor energy(const std::vector<at::Tensor>& inputs) const {
    if (when_ == kEvaluate) make_double_the_default();
    return inputs[0].square().sum(1) / 2;
  }

 private:
  static constexpr int64_t kCreate = 1, kEvaluate = 2;
  int64_t when_;
};

class Uses {
 public:
  static constexpr const char* name = "zoo.default_type.uses";
  static constexpr const char* summary = "makes tensors of the default type";
  explicit Uses(const Setup&) : identity_(at::eye(2).add(zero())) {}
  at::Tensor energy(const std::vector<at::Tensor>& inputs) const {
    return at::matmul(at::matmul(inputs[0], identity_), at::eye(2)).square().sum(1) / 2;
  }

 private:
  at::Tensor identity_;
};

}  // namespace

POTLUCK_EXPORT_PLUGIN("zoo.default_type", "1.0.0", "Apache-2.0", "Potluck's tests", "the default type of LibTorch",
                      TorchModel<Changes>, TorchModel<Uses>);
