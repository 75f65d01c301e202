// SPDX-License-Identifier: Apache-2.0
#include "core/learning/batch_energy.h"

#include <algorithm>

namespace potluck {

namespace {

constexpr size_t kAlignment = 64;

char* aligned(std::vector<std::byte>& memory) {
  const auto address = reinterpret_cast<uintptr_t>(memory.data());
  return reinterpret_cast<char*>((address + kAlignment - 1) / kAlignment * kAlignment);
}

}  // namespace

int64_t LearnableArray::size() const {
  int64_t size = 1;
  for (const int64_t length : shape) size *= length;
  return size;
}

BatchEnergy::BatchEnergy(Learnable& learnable, ThreadPool& threads)
    : learnable_(learnable),
      threads_(threads),
      on_cpu_(learnable.energy().device().kind == Device::Kind::kCpu),
      workspace_(static_cast<size_t>(threads.workers())),
      position_(variables().size()),
      other_(variables().size()),
      sum_(learnable.arrays().size()) {}

const void* BatchEnergy::Staging::there(const Learnable& learnable, const void* host, size_t bytes) {
  void* to = room(learnable, bytes);
  learnable.copy(to, host, bytes);
  return to;
}

void* BatchEnergy::Staging::room(const Learnable& learnable, size_t bytes) {
  if (bytes > bytes_) {
    memory_ = learnable.allocate(bytes);
    bytes_ = bytes;
  }
  return memory_.get();
}

size_t BatchEnergy::row_bytes(size_t variable) const {
  const Variable& one = variables()[variable];
  return static_cast<size_t>(one.size()) * (one.categorical() ? sizeof(int64_t) : bytes_of(precision()));
}

void BatchEnergy::evaluate(const Batch& at, double* energy, const std::vector<size_t>& wanted, Batch* gradient) {
  if (!on_cpu_) {
    evaluate_on_device(at, energy, wanted, gradient);
    return;
  }
  std::vector<void*> places(variables().size(), nullptr);
  if (gradient)
    for (const size_t v : wanted) places[v] = gradient->of(v);
  const int64_t piece = learnable_.piece(), pieces = (at.rows() + piece - 1) / piece;
  threads_.run(pieces, [&](int64_t k, int worker) {
    evaluate_piece(at, k * piece, std::min(piece, at.rows() - k * piece), energy, gradient ? places.data() : nullptr,
                   worker);
  });
}

void BatchEnergy::evaluate_piece(const Batch& at, int64_t first, int64_t rows, double* energy, void* const* gradient,
                                 int worker) {
  std::vector<const void*> position(variables().size());
  std::vector<void*> slopes(variables().size(), nullptr);
  for (size_t v = 0; v < position.size(); ++v) {
    const size_t skipped = static_cast<size_t>(first) * row_bytes(v);
    position[v] = static_cast<const char*>(at.of(v)) + skipped;
    if (gradient && gradient[v]) slopes[v] = static_cast<char*>(gradient[v]) + skipped;
  }
  std::vector<std::byte>& workspace = workspace_[static_cast<size_t>(worker)];
  const size_t wanted = learnable_.energy().workspace_bytes(rows) + kAlignment;
  if (workspace.size() < wanted) workspace.resize(wanted);
  EnergyCall call;
  call.rows = rows;
  call.position = position.data();
  call.energy = energy + first;
  call.gradient = gradient ? slopes.data() : nullptr;
  call.workspace = aligned(workspace);
  call.worker = worker;
  learnable_.energy().evaluate(call);
}

void BatchEnergy::evaluate_on_device(const Batch& at, double* energy, const std::vector<size_t>& wanted,
                                     Batch* gradient) {
  const int64_t most = learnable_.energy().most_rows();
  for (int64_t first = 0; first < at.rows(); first += most) {
    const int64_t rows = std::min(most, at.rows() - first);
    std::vector<const void*> position(variables().size());
    std::vector<void*> slopes(variables().size(), nullptr);
    for (size_t v = 0; v < position.size(); ++v) {
      const size_t bytes = static_cast<size_t>(rows) * row_bytes(v);
      const char* from = static_cast<const char*>(at.of(v)) + static_cast<size_t>(first) * row_bytes(v);
      position[v] = position_[v].there(learnable_, from, bytes);
    }
    if (gradient)
      for (const size_t v : wanted) slopes[v] = other_[v].room(learnable_, static_cast<size_t>(rows) * row_bytes(v));
    const size_t energy_bytes = static_cast<size_t>(rows) * sizeof(double);
    EnergyCall call;
    call.rows = rows;
    call.position = position.data();
    call.energy = static_cast<double*>(energy_.room(learnable_, energy_bytes));
    call.gradient = gradient ? slopes.data() : nullptr;
    call.workspace = device_workspace_.room(learnable_, learnable_.energy().workspace_bytes(rows));
    learnable_.energy().evaluate(call);
    learnable_.copy(energy + first, call.energy, energy_bytes);
    if (!gradient) continue;
    for (const size_t v : wanted)
      learnable_.copy(static_cast<char*>(gradient->of(v)) + static_cast<size_t>(first) * row_bytes(v), slopes[v],
                      static_cast<size_t>(rows) * row_bytes(v));
  }
}

void BatchEnergy::add_gradient(const Batch& at, const double* cotangent, const std::vector<size_t>& moved,
                               const Batch* tangent, std::vector<std::vector<double>>& sums) {
  const auto rows = static_cast<size_t>(at.rows());
  const auto place = [&](Staging& staging, const void* host, size_t bytes) {
    return on_cpu_ ? host : staging.there(learnable_, host, bytes);
  };
  std::vector<const void*> position(variables().size()), direction(variables().size(), nullptr);
  for (size_t v = 0; v < position.size(); ++v) position[v] = place(position_[v], at.of(v), rows * row_bytes(v));
  if (tangent)
    for (const size_t v : moved) direction[v] = place(other_[v], tangent->of(v), rows * row_bytes(v));
  std::vector<double*> sum(sums.size(), nullptr);
  for (size_t a = 0; a < sums.size(); ++a)
    if (!sums[a].empty())
      sum[a] = static_cast<double*>(const_cast<void*>(place(sum_[a], sums[a].data(), sums[a].size() * sizeof(double))));
  ParameterGradientCall call;
  call.rows = at.rows();
  call.position = position.data();
  if (cotangent) call.cotangent = static_cast<const double*>(place(energy_, cotangent, rows * sizeof(double)));
  call.tangent = tangent ? direction.data() : nullptr;
  call.sum = sum.data();
  call.threads = on_cpu_ ? &threads_ : nullptr;
  learnable_.add_gradient(call);
  if (on_cpu_) return;
  for (size_t a = 0; a < sums.size(); ++a)
    if (sum[a]) learnable_.copy(sums[a].data(), sum[a], sums[a].size() * sizeof(double));
}

}  // namespace potluck
