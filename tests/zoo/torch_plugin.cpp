// SPDX-License-Identifier: Apache-2.0
// A plugin that calls into LibTorch: its energy of a row is the sum of the row, taken by LibTorch.
#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/sum.h>

#include "potluck/plugin.h"

struct potluck_model {
  int64_t n;
};

namespace {

int create(const potluck_setup* setup, potluck_model** model, potluck_error*) {
  *model = new potluck_model{setup->slots[0]->shape[0]};
  return POTLUCK_OK;
}

void destroy(potluck_model* model) { delete model; }

int facts(const potluck_model*, potluck_facts* facts, potluck_error*) {
  facts->abilities = POTLUCK_CAN_CPU;
  return POTLUCK_OK;
}

int evaluate(const potluck_model* model, const potluck_call* call, potluck_error*) {
  auto* x = static_cast<float*>(const_cast<void*>(call->input[0]));
  const at::Tensor sums = at::from_blob(x, {call->rows, model->n}, at::kFloat).sum(1);
  for (int64_t row = 0; row < call->rows; ++row) call->energy[row] = sums.data_ptr<float>()[row];
  return POTLUCK_OK;
}

constexpr potluck_input kInput = {sizeof kInput, "position", POTLUCK_CONTINUOUS, POTLUCK_DRAWN, ""};
constexpr const potluck_input* kInputs[] = {&kInput, nullptr};
constexpr potluck_model_kind kModel = {.size = sizeof kModel,
                                       .name = "zoo.torch",
                                       .summary = "the sum of a row",
                                       .reference = nullptr,
                                       .inputs = kInputs,
                                       .settings = nullptr,
                                       .create = create,
                                       .destroy = destroy,
                                       .facts = facts,
                                       .evaluate = evaluate,
                                       .log_normaliser = nullptr,
                                       .quadratic = nullptr,
                                       .draw = nullptr,
                                       .parameters = nullptr,
                                       .parameters_changed = nullptr,
                                       .parameter_gradient = nullptr,
                                       .category_energies = nullptr};
constexpr const potluck_model_kind* kModels[] = {&kModel, nullptr};
constexpr potluck_plugin kPlugin = {sizeof kPlugin,    0,      "zoo.torch", "1.0.0", "Apache-2.0",
                                    "Potluck's tests", "sums", kModels};

}  // namespace

const potluck_plugin* potluck_plugin_v1() { return &kPlugin; }
