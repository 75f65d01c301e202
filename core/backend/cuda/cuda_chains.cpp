// SPDX-License-Identifier: Apache-2.0
#include "core/backend/cuda/cuda_chains.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/error.h"

namespace potluck {

namespace {

using cuda::check;

/// Where row `rows` of an array begins.
void* offset(const void* array, int64_t rows, size_t row_bytes) {
  return array ? const_cast<char*>(static_cast<const char*>(array)) + rows * row_bytes : nullptr;
}

void upload(const void* to, const void* from, size_t bytes) {
  check(cudaMemcpy(const_cast<void*>(to), from, bytes, cudaMemcpyHostToDevice), "copying to the device");
}

/// [rows, n] doubles as the run's precision.
std::vector<std::byte> converted(const std::vector<double>& values, Precision precision) {
  std::vector<std::byte> bytes(values.size() * bytes_of(precision));
  for (size_t i = 0; i < values.size(); ++i) {
    if (precision == Precision::kFloat32) {
      reinterpret_cast<float*>(bytes.data())[i] = static_cast<float>(values[i]);
    } else {
      reinterpret_cast<double*>(bytes.data())[i] = values[i];
    }
  }
  return bytes;
}

}  // namespace

CudaChains::CudaChains(const Target& target, int64_t chains, uint32_t seed, bool proposes)
    : energy_(*target.energy), chains_(chains), real_(bytes_of(energy_.precision())), held_(target.held) {
  if (energy_.most_rows() < chains) {
    throw SettingError(fmt::format("an energy for {} rows must be made, got one for {}", chains, energy_.most_rows()));
  }
  check(cudaSetDevice(energy_.device().index), "choosing the device");
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
  const std::vector<Variable>& variables = energy_.variables();
  held_.resize(variables.size());
  constant_.resize(variables.size());
  const size_t experts = energy_.experts().size();
  const auto take = [&](size_t bytes) {
    memory_.emplace_back(bytes);
    return memory_.back().get();
  };
  for (size_t v = 0; v < variables.size(); ++v) {
    const Variable& variable = variables[v];
    const Held& held = held_[v];
    const int64_t n = variable.size();
    if (variable.categorical()) {
      std::vector<int64_t> labels(chains * n);
      for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int64_t>(held.value.at(i % n));
      constant_[v] = take(labels.size() * sizeof(int64_t));
      upload(constant_[v], labels.data(), labels.size() * sizeof(int64_t));
      continue;
    }
    if (held.all()) {
      std::vector<double> values(chains * n);
      for (size_t i = 0; i < values.size(); ++i) values[i] = held.value[i % n];
      const std::vector<std::byte> bytes = converted(values, energy_.precision());
      constant_[v] = take(bytes.size());
      upload(constant_[v], bytes.data(), bytes.size());
      continue;
    }
    Block block = block_of(static_cast<int>(v), variable);
    if (held.any()) {
      void* mask = take(n);
      upload(mask, held.mask.data(), n);
      block.held = static_cast<const uint8_t*>(mask);
    }
    const size_t bytes = chains * n * real_;
    block.position = take(bytes);
    block.gradient = take(bytes);
    if (proposes) {
      block.proposal = take(bytes);
      block.proposal_gradient = take(bytes);
      block.unfolded = block.faces ? take(bytes) : block.proposal;
    }
    blocks_.push_back(block);
  }
  const auto doubles = [&](size_t count) { return static_cast<double*>(take(count * sizeof(double))); };
  all_.target = &energy_;
  all_.temperature = target.temperature;
  all_.seed = seed;
  all_.stream = stream_;
  all_.energy = doubles(chains);
  all_.expert_energy = doubles(experts * chains);
  all_.proposal_energy = doubles(chains);
  all_.proposal_expert_energy = doubles(experts * chains);
  all_.log_ratio = doubles(chains);
  all_.acceptance = doubles(chains);
  all_.clipped = doubles(chains);
  all_.frozen = static_cast<uint8_t*>(take(chains));
  all_.frozen_step = static_cast<uint32_t*>(take(chains * sizeof(uint32_t)));
  all_.nan_proposals = static_cast<uint32_t*>(take(chains * sizeof(uint32_t)));
  std::vector<uint32_t> ids(chains);
  std::iota(ids.begin(), ids.end(), 0u);
  void* chain = take(chains * sizeof(uint32_t));
  upload(chain, ids.data(), chains * sizeof(uint32_t));
  all_.chain = static_cast<const uint32_t*>(chain);
  all_.workspace = take(energy_.workspace_bytes(chains));
  kernels_ = std::make_unique<CudaKernels>(static_cast<uint32_t*>(take(sizeof(uint32_t))));
  const int64_t cohort = std::min(chains, kCohortChains);
  groups_ = {group_of(0, cohort), group_of(cohort, chains - cohort), group_of(0, chains)};
}

CudaChains::~CudaChains() {
  for (const auto& [key, graph] : graphs_) cudaGraphExecDestroy(graph);
  if (stream_) cudaStreamDestroy(stream_);
}

/// The arrays of chains first ... first + rows - 1. Expert energies of a part stand densely at the front of the arrays.
Group CudaChains::group_of(int64_t first, int64_t rows) {
  Group part = all_;
  part.rows = part.chains = rows;
  part.chain += first;
  for (double** array : {&part.energy, &part.proposal_energy, &part.log_ratio, &part.acceptance, &part.clipped}) {
    *array += first;
  }
  part.frozen += first;
  part.frozen_step += first;
  part.nan_proposals += first;
  const std::vector<Variable>& variables = energy_.variables();
  part.current.resize(variables.size());
  for (size_t v = 0; v < variables.size(); ++v) {
    const size_t row = variables[v].size() * (variables[v].categorical() ? sizeof(int64_t) : real_);
    part.current[v] = offset(constant_[v], first, row);
  }
  part.proposed = part.current;
  part.current_gradient.assign(variables.size(), nullptr);
  part.proposed_gradient.assign(variables.size(), nullptr);
  part.blocks = blocks_;
  for (Block& block : part.blocks) {
    const size_t row = block.n * real_;
    for (void** array :
         {&block.position, &block.gradient, &block.proposal, &block.proposal_gradient, &block.unfolded}) {
      *array = offset(*array, first, row);
    }
    part.current[block.variable] = block.position;
    part.current_gradient[block.variable] = block.gradient;
    part.proposed[block.variable] = block.proposal;
    part.proposed_gradient[block.variable] = block.proposal_gradient;
  }
  return part;
}

void CudaChains::synchronise() { check(cudaStreamSynchronize(stream_), "moving chains"); }

void CudaChains::write(int64_t first, int64_t rows, const double* const* position) {
  for (const Block& block : blocks_) {
    std::vector<double> values(position[block.variable], position[block.variable] + rows * block.n);
    const Held& held = held_[block.variable];
    for (int64_t i = 0; held.any() && i < rows * block.n; ++i) {
      if (held.mask[i % block.n]) values[i] = held.value[i % block.n];
    }
    const std::vector<std::byte> bytes = converted(values, energy_.precision());
    upload(offset(block.position, first, block.n * real_), bytes.data(), bytes.size());
  }
}

void CudaChains::evaluate() {
  group(Part::kAll).evaluate();
  synchronise();
  parted_ = false;
}

void CudaChains::freeze_failed(uint32_t step) {
  cuda::set_step(kernels_->step_base(), step, stream_);
  kernels_->begin(step);
  kernels_->freeze_failed(group(Part::kAll), step);
  synchronise();
}

void CudaChains::launch(const Method& method, Group& group, StepRange steps) {
  kernels_->begin(steps.first);
  method.advance(group, *kernels_, steps);
}

void CudaChains::advance(const Method& method, Part part, StepRange steps) {
  if (group(part).rows == 0 || steps.count == 0) return;
  if (part == Part::kAll && parted_) {
    group(Part::kAll).evaluate();
    parted_ = false;
  }
  if (part != Part::kAll) parted_ = true;
  cuda::set_step(kernels_->step_base(), steps.first, stream_);
  if (part == Part::kAll && energy_.capturable() && steps.count > 1) {
    check(cudaGraphLaunch(captured(method, steps), stream_), "launching a block of steps");
  } else {
    launch(method, group(part), steps);
  }
  synchronise();
}

cudaGraphExec_t CudaChains::captured(const Method& method, StepRange steps) {
  const std::pair<int64_t, double> key{steps.count, method.step_size()};
  const auto known = graphs_.find(key);
  if (known != graphs_.end()) return known->second;
  // Libraries make what they need at their first call on a stream, which must not be while it is captured: the models
  // have been called on this stream by evaluate() before.
  check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "beginning to capture");
  cudaGraph_t graph = nullptr;
  try {
    launch(method, group(Part::kAll), steps);
  } catch (...) {
    cudaStreamEndCapture(stream_, &graph);
    if (graph) cudaGraphDestroy(graph);
    throw;
  }
  check(cudaStreamEndCapture(stream_, &graph), "capturing a block of steps");
  cudaGraphExec_t ready = nullptr;
  const cudaError_t made = cudaGraphInstantiate(&ready, graph, 0);
  cudaGraphDestroy(graph);
  check(made, "making a graph of a block of steps");
  graphs_[key] = ready;
  return ready;
}

template <class T>
void CudaChains::fetch(std::vector<T>& to, const void* from, size_t count) {
  to.resize(count);
  if (count == 0) return;
  check(cudaMemcpyAsync(to.data(), from, count * sizeof(T), cudaMemcpyDeviceToHost, stream_),
        "copying from the device");
}

void CudaChains::take_cohort_acceptance(std::vector<double>& sums, std::vector<uint8_t>& frozen) {
  const Group& cohort = group(Part::kCohort);
  fetch(sums, cohort.acceptance, cohort.rows);
  fetch(frozen, cohort.frozen, cohort.rows);
  check(cudaMemsetAsync(cohort.acceptance, 0, cohort.rows * sizeof(double), stream_), "clearing sums");
  synchronise();
}

void CudaChains::read(ChainsState& state) {
  if (parted_) evaluate();
  const std::vector<Variable>& variables = energy_.variables();
  const Group& all = group(Part::kAll);
  state.position.resize(variables.size());
  for (size_t v = 0; v < variables.size(); ++v) {
    const size_t row = variables[v].size() * (variables[v].categorical() ? sizeof(int64_t) : real_);
    fetch(state.position[v], all.current[v], chains_ * row);
  }
  fetch(state.energy, all.energy, chains_);
  fetch(state.expert_energy, all.expert_energy, energy_.experts().size() * chains_);
  fetch(state.frozen, all.frozen, chains_);
  fetch(state.frozen_step, all.frozen_step, chains_);
  fetch(state.nan_proposals, all.nan_proposals, chains_);
  fetch(state.acceptance, all.acceptance, chains_);
  fetch(state.clipped, all.clipped, chains_);
  check(cudaMemsetAsync(all.acceptance, 0, chains_ * sizeof(double), stream_), "clearing sums");
  check(cudaMemsetAsync(all.clipped, 0, chains_ * sizeof(double), stream_), "clearing sums");
  synchronise();
}

}  // namespace potluck
