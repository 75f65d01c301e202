// SPDX-License-Identifier: Apache-2.0
#include "models/torch_module/probe.h"

#include <algorithm>
#include <cmath>

namespace potluck::models {

using plugin::Setup;

namespace {

constexpr const char* kNames[] = {"x", "noise", "label", "given"};
constexpr int32_t kInputs = 4;
constexpr int32_t kLabel = 2;

/// A number within the support, other for each `place`.
double number_within(const Setup& setup, int32_t input, int64_t j, double place) {
  const auto least = setup.support_least(input), most = setup.support_most(input);
  const double low = least.empty() ? -HUGE_VAL : least[static_cast<size_t>(j)];
  const double high = most.empty() ? HUGE_VAL : most[static_cast<size_t>(j)];
  const double share = 0.5 + 0.4 * std::sin(place);  // in (0.1, 0.9)
  if (std::isfinite(low) && std::isfinite(high)) return low + share * (high - low);
  if (std::isfinite(low)) return low + share;
  return std::isfinite(high) ? high - share : share;
}

at::Tensor rows_of(const Setup& setup, int32_t input, int64_t rows) {
  const int64_t n = setup.size(input);
  std::vector<double> numbers;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t j = 0; j < n; ++j)
      numbers.push_back(number_within(setup, input, j, static_cast<double>(j) + (row == 1 ? 2.5 : 1)));
  std::vector<int64_t> shape = {rows};
  shape.insert(shape.end(), setup.shape(input).begin(), setup.shape(input).end());
  return plugin::tensor_view(numbers.data(), shape, at::kCPU).to(plugin::torch_options(setup), false, /*copy=*/true);
}

at::Tensor labels_of(const Setup& setup, int64_t rows) {
  std::vector<int64_t> shape = {rows};
  shape.insert(shape.end(), setup.shape(kLabel).begin(), setup.shape(kLabel).end());
  std::vector<int64_t> labels(static_cast<size_t>(rows * setup.size(kLabel)), 0);
  return plugin::tensor_view(labels.data(), shape, at::kCPU)
      .to(at::TensorOptions().dtype(at::kLong).device(plugin::torch_device(setup)), false, /*copy=*/true);
}

}  // namespace

std::vector<at::Tensor> probing_rows(const Setup& setup, int64_t rows) {
  std::vector<at::Tensor> inputs;
  for (int32_t i = 0; i < kInputs; ++i) {
    if (!setup.has_input(i))
      inputs.emplace_back();
    else
      inputs.push_back(i == kLabel ? labels_of(setup, rows) : rows_of(setup, i, rows));
  }
  return inputs;
}

std::string text_of(at::IntArrayRef shape) {
  std::string text = "[";
  for (size_t axis = 0; axis < shape.size(); ++axis)
    text.append(axis == 0 ? "" : ", ").append(std::to_string(shape[axis]));
  return text.append("]");
}

std::string text_of(const std::vector<at::Tensor>& inputs) {
  std::string text;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined()) continue;
    if (!text.empty()) text += ", ";
    text += std::string(kNames[i]).append(" ").append(text_of(inputs[i].sizes()));
  }
  return text;
}

std::string first_line(const std::string& text) {
  std::string line;
  for (size_t at = 0; at < text.size() && line.empty();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    line = text.substr(at, end - at);
    at = end + 1;
    // TorchScript puts where in its source code an error arose before the error.
    if (line.rfind("The following operation failed", 0) == 0 || line.rfind("Traceback", 0) == 0) {
      const size_t error = text.find("RuntimeError: ");
      if (error == std::string::npos) break;
      const size_t begin = error + std::string("RuntimeError: ").size();
      line = text.substr(begin, text.find('\n', begin) - begin);
    }
  }
  while (!line.empty() && (line.back() == '.' || line.back() == ' ')) line.pop_back();
  return line;
}

void probe_energies(const Setup& setup, int64_t rows,
                    const std::function<at::Tensor(const std::vector<at::Tensor>&)>& energy_of) {
  const std::vector<at::Tensor> inputs = probing_rows(setup, rows);
  const at::Tensor energy = energy_of(inputs);
  if (energy.dim() != 1 || energy.size(0) != rows)
    throw setup.setting_error("module", "must return an energy for each row, [" + std::to_string(rows) + "] for " +
                                            text_of(inputs) + ", got " + text_of(energy.sizes()) +
                                            ". Sum over all axes but the first, and squeeze what is left");
  if (!energy.is_floating_point())
    throw setup.setting_error(
        "module", std::string("must return floating-point energies, got ") + std::string(energy.dtype().name()));
  const at::Tensor numbers = energy.detach().to(at::kCPU, at::kDouble);
  // Rows 0 and 2 are one point. Their bits may differ by their places; numbers that are not finite tell nothing.
  const double first = numbers[0].item<double>(), again = numbers[rows > 2 ? 2 : 0].item<double>();
  std::vector<at::Tensor> alike;
  for (const at::Tensor& input : inputs)
    alike.push_back(input.defined() ? input.slice(0, 0, 1).expand(input.sizes()).contiguous() : input);
  const double alone = energy_of(alike).detach().to(at::kCPU, at::kDouble)[0].item<double>();
  const double bound = 1e-4 * (1 + std::abs(first));
  if (std::abs(first - again) > bound || std::abs(first - alone) > bound)
    throw setup.setting_error("module",
                              "must give each row an energy of its own, got " + plugin::shown(first) + " and " +
                                  plugin::shown(std::abs(first - alone) > bound ? alone : again) +
                                  " for one point in other company. Export it in eval mode, without statistics of the "
                                  "batch and without noise");
}

}  // namespace potluck::models
