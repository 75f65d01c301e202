// SPDX-License-Identifier: Apache-2.0
// The same model on a CUDA device, where one is visible.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/device/devices.h"
#include "plugins/conformance/checks.h"
#include "plugins/conformance/difference.h"

#ifdef POTLUCK_HAVE_CUDA
#include "core/device/cuda/runtime.h"
#endif

namespace potluck::conformance {

#ifdef POTLUCK_HAVE_CUDA
namespace {

constexpr int64_t kRows = 37;

/// One evaluation on the device: what `evaluate` is for the CPU, without guards.
Evaluation evaluate_on_device(const Model& model, const Batch& batch) {
  const auto copy = [](void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
    cuda::check(cudaMemcpy(to, from, bytes, kind), "copying test points");
  };
  Arrays host(model, batch);
  std::vector<cuda::Memory> memory;
  std::vector<const void*> input;
  std::vector<void*> gradient;
  for (size_t i = 0; i < batch.values.size(); ++i) {
    const size_t bytes = host.bytes(i).bytes();
    if (host.pointers()[i] == nullptr) {  // left out
      input.push_back(nullptr);
      gradient.push_back(nullptr);
      continue;
    }
    input.push_back(memory.emplace_back(bytes).get());
    copy(memory.back().get(), host.pointers()[i], bytes, cudaMemcpyHostToDevice);
    gradient.push_back(model.kind().inputs[i].categorical ? nullptr : memory.emplace_back(bytes).get());
  }
  const cuda::Memory energy(static_cast<size_t>(batch.rows) * sizeof(double));
  const cuda::Memory workspace(model.workspace_bytes(batch.rows) + 64);
  cudaStream_t stream = nullptr;
  cuda::check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "creating a stream");
  const potluck_call call = {
      sizeof call, batch.rows,      input.data(), static_cast<double*>(energy.get()), gradient.data(), nullptr, 0,
      1,           workspace.get(), stream};
  cuda::check(cudaDeviceSynchronize(), "copying test points");
  model.evaluate(call);
  cuda::check(cudaStreamSynchronize(stream), "evaluating the model");
  Evaluation out;
  out.energy.resize(static_cast<size_t>(batch.rows));
  copy(out.energy.data(), energy.get(), out.energy.size() * sizeof(double), cudaMemcpyDeviceToHost);
  for (size_t i = 0; i < batch.values.size(); ++i) {
    if (gradient[i] != nullptr) copy(host.pointers()[i], gradient[i], host.bytes(i).bytes(), cudaMemcpyDeviceToHost);
    out.gradient.push_back(gradient[i] != nullptr ? host.numbers(i) : std::vector<double>());
  }
  cudaStreamDestroy(stream);
  return out;
}

}  // namespace
#endif

Finding check_cuda(const Subject& subject) {
  if (!subject.can(POTLUCK_CAN_CUDA)) return not_applicable("POTLUCK_CAN_CUDA is not claimed");
#ifdef POTLUCK_HAVE_CUDA
  if (cuda_devices().empty()) return not_applicable("no CUDA device");
  double worst = 0, bound = 0;
  std::vector<Precision> precisions = {Precision::kFloat32};
  if (subject.can(POTLUCK_CAN_FLOAT64)) precisions.push_back(Precision::kFloat64);
  for (const Precision precision : precisions) {
    const Model on_cpu = subject.create(precision);
    const Batch batch = subject.finite_points(on_cpu, kRows, 120);
    if (batch.rows == 0) return not_applicable("no test point has a finite energy. Give --support input=least:most");
    const Model on_cuda = subject.create(precision, subject.slots(), subject.values(), {Device::Kind::kCuda, 0});
    const Evaluation expected = evaluate(on_cpu, batch), found = evaluate_on_device(on_cuda, batch);
    worst = 0;
    bound = rounding(on_cpu, scale_of(batch, expected));
    const auto compare = [&](double a, double b) { worst = std::max(worst, apart(a, b)); };
    for (size_t b = 0; b < expected.energy.size(); ++b) compare(found.energy[b], expected.energy[b]);
    for (size_t i = 0; i < expected.gradient.size(); ++i)
      for (size_t k = 0; k < expected.gradient[i].size(); ++k) compare(found.gradient[i][k], expected.gradient[i][k]);
    if (!(worst <= bound)) {
      return failed(fmt::format("CUDA differs from the CPU by {:.3g}, bound {:.3g} ({})", worst, bound,
                                precision == Precision::kFloat32 ? "float32" : "float64"),
                    "Enqueue everything on call->stream, and write energies on the device");
    }
  }
  return passed(fmt::format("largest difference {:.3g}, bound {:.3g}", worst, bound));
#else
  return not_applicable("this Potluck was built without CUDA");
#endif
}

}  // namespace potluck::conformance
