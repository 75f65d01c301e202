// SPDX-License-Identifier: Apache-2.0
#include "core/chains/cuda/cuda_chains.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/backend/tiles.h"
#include "core/chains/energy_sums.h"
#include "core/error.h"

namespace potluck {

namespace {

using cuda::check;
using cuda::upload;

/// Where row `rows` of an array begins.
void* offset(const void* array, int64_t rows, size_t row_bytes) {
  return array ? const_cast<char*>(static_cast<const char*>(array)) + rows * row_bytes : nullptr;
}

/// Doubles as the run's precision.
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

CudaChains::CudaChains(const Target& target, const ChainsOptions& options)
    : energy_(*target.energy),
      chains_(options.chains),
      cohort_(cohort_size(options.ladder)),
      real_(bytes_of(energy_.precision())),
      held_(target.held) {
  if (cohort_ == 0 || chains_ % options.ladder != 0) {
    throw SettingError(fmt::format("a ladder must have at most {} chains and divide the {} chains, got {}",
                                   kMostTileRows, chains_, options.ladder));
  }
  if (energy_.most_rows() < chains_) {
    throw SettingError(fmt::format("an energy for {} rows must be made, got one for {}", chains_, energy_.most_rows()));
  }
  check(cudaSetDevice(energy_.device().index), "choosing the device");
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
  held_.resize(energy_.variables().size());
  all_.target = &energy_;
  all_.temperature = target.temperature;
  all_.seed = options.seed;
  all_.stream = stream_;
  make_variables(options.needs);
  make_rows(options);
  const int64_t cohort = std::min(chains_, cohort_);
  groups_ = {group_of(0, cohort), group_of(cohort, chains_ - cohort), group_of(0, chains_)};
  const int64_t experts = static_cast<int64_t>(energy_.experts().size());
  part_expert_energy_ = static_cast<double*>(take(experts * chains_ * sizeof(double)));
  group(Part::kCohort).expert_energy = part_expert_energy_;
  group(Part::kRest).expert_energy = part_expert_energy_ + experts * cohort;
  kernels_ = std::make_unique<CudaKernels>(static_cast<uint32_t*>(take(sizeof(uint32_t))));
  if (!options.blurred.empty()) make_blurred(options);
}

CudaChains::~CudaChains() {
  forget_graphs();
  if (stream_) cudaStreamDestroy(stream_);
}

void* CudaChains::take(size_t bytes) {
  memory_.emplace_back(bytes);
  return memory_.back().get();
}

/// Of an array that `save` keeps.
template <class T>
T* CudaChains::take_changing(size_t count) {
  void* array = take(count * sizeof(T));
  changing_.emplace_back(array, count * sizeof(T));
  return static_cast<T*>(array);
}

void CudaChains::make_variables(const Needs& needs) {
  const std::vector<Variable>& variables = energy_.variables();
  constant_.resize(variables.size());
  for (size_t v = 0; v < variables.size(); ++v) {
    const Variable& variable = variables[v];
    const Held& held = held_[v];
    const int64_t n = variable.size();
    if (variable.categorical() && !held.all()) {
      make_labels(static_cast<int>(v));
      continue;
    }
    if (variable.categorical()) {
      std::vector<int64_t> labels(chains_ * n);
      for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int64_t>(held.value.at(i % n));
      constant_[v] = take(labels.size() * sizeof(int64_t));
      upload(constant_[v], labels.data(), labels.size() * sizeof(int64_t));
      continue;
    }
    if (held.all()) {
      std::vector<double> values(chains_ * n);
      for (size_t i = 0; i < values.size(); ++i) values[i] = held.value[i % n];
      const std::vector<std::byte> bytes = converted(values, energy_.precision());
      constant_[v] = take(bytes.size());
      upload(constant_[v], bytes.data(), bytes.size());
      continue;
    }
    Block block = block_of(static_cast<int>(v), variable);
    block.moving = n - std::count(held.mask.begin(), held.mask.end(), uint8_t{1});
    all_.dimension += block.moving;
    if (held.any()) {
      void* mask = take(n);
      upload(mask, held.mask.data(), n);
      block.held = static_cast<const uint8_t*>(mask);
    }
    const size_t bytes = chains_ * n * real_;
    block.position = take_changing<std::byte>(bytes);
    block.gradient = take_changing<std::byte>(bytes);
    if (needs.velocity) block.velocity = take_changing<std::byte>(bytes);
    if (needs.proposal) {
      block.proposal = take(bytes);
      block.proposal_gradient = take(bytes);
      block.unfolded = block.faces ? take(bytes) : block.proposal;
    }
    if (needs.proposal_velocity) block.proposal_velocity = take(bytes);
    blocks_.push_back(block);
  }
}

void CudaChains::make_labels(int variable) {
  LabelBlock labels = label_block_of(variable, energy_.variables()[static_cast<size_t>(variable)]);
  const Held& held = held_[static_cast<size_t>(variable)];
  labels.held = held.any() ? held.mask.data() : nullptr;
  labels.label = take_changing<int64_t>(static_cast<size_t>(chains_ * labels.n));
  labels.proposal = static_cast<int64_t*>(take(static_cast<size_t>(chains_ * labels.n) * sizeof(int64_t)));
  labels_.push_back(labels);
}

void CudaChains::make_rows(const ChainsOptions& options) {
  const size_t rows = chains_, experts = energy_.experts().size();
  const auto doubles = [&](size_t count) { return static_cast<double*>(take(count * sizeof(double))); };
  all_.energy = take_changing<double>(rows);
  all_.expert_energy = take_changing<double>(experts * rows);
  all_.frozen = take_changing<uint8_t>(rows);
  all_.frozen_step = take_changing<uint32_t>(rows);
  for_each_row_sum([&]<class Number>(const RowSum&, Number*& array) { array = take_changing<Number>(rows); }, all_);
  if (sums_energies(static_cast<int64_t>(experts))) {
    all_.energy_sums = take_changing<double>(energy_sum_count(static_cast<int64_t>(experts)) * rows);
    all_.energy_stride = chains_;
  }
  all_.ladder = options.ladder;
  if (options.ladder > 1) {
    all_.swap_attempts = take_changing<uint32_t>(rows);
    all_.swap_acceptance = take_changing<double>(rows);
    all_.replica = take_changing<uint32_t>(rows);
    all_.has_been = take_changing<uint8_t>(rows);
    all_.round_trips = take_changing<uint32_t>(rows);
    std::vector<uint32_t> replicas;
    for (int64_t row = 0; row < chains_; ++row) replicas.push_back(static_cast<uint32_t>(row % options.ladder));
    upload(all_.replica, replicas.data(), replicas.size() * sizeof(uint32_t));
  }
  all_.proposal_energy = doubles(rows);
  all_.proposal_expert_energy = doubles(experts * rows);
  all_.log_ratio = doubles(rows);
  all_.scratch = doubles(3 * rows);
  all_.left = static_cast<uint8_t*>(take(rows));
  int64_t most_categories = 0;
  for (const LabelBlock& labels : labels_) most_categories = std::max(most_categories, labels.categories);
  if (most_categories > 0) all_.category_energy = doubles(static_cast<size_t>(most_categories) * rows);
  all_.workspace = take(energy_.workspace_bytes(chains_));
  std::vector<uint32_t> ids;
  for (int64_t chain = 0; chain < chains_; ++chain) {
    const bool skips = options.rest >= 0 && chain >= cohort_;
    ids.push_back(static_cast<uint32_t>(skips ? options.rest + chain - cohort_ : chain));
  }
  void* chain = take(ids.size() * sizeof(uint32_t));
  upload(chain, ids.data(), ids.size() * sizeof(uint32_t));
  all_.chain = static_cast<const uint32_t*>(chain);
}

/// The arrays of chains first ... first + rows - 1. What has several numbers a row stands densely at the front of its
/// array: proposals' expert energies and scratch, which do not outlive a step.
Group CudaChains::group_of(int64_t first, int64_t rows) {
  Group part = all_;
  part.rows = part.chains = rows;
  part.chain += first;
  for (double** array : {&part.energy, &part.proposal_energy, &part.log_ratio}) *array += first;
  for_each_row_sum([&](const RowSum&, auto*& array) { array += first; }, part);
  if (part.energy_sums) part.energy_sums += first;
  part.frozen += first;
  part.left += first;
  part.frozen_step += first;
  if (part.ladder > 1) {
    for (uint32_t** array : {&part.swap_attempts, &part.replica, &part.round_trips}) *array += first;
    part.swap_acceptance += first;
    part.has_been += first;
  }
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
    for (void** array : {&block.position, &block.gradient, &block.velocity, &block.proposal, &block.proposal_gradient,
                         &block.proposal_velocity, &block.unfolded}) {
      *array = offset(*array, first, row);
    }
    part.current[block.variable] = block.position;
    part.current_gradient[block.variable] = block.gradient;
    part.proposed[block.variable] = block.proposal;
    part.proposed_gradient[block.variable] = block.proposal_gradient;
  }
  part.label_blocks = labels_;
  for (LabelBlock& labels : part.label_blocks) {
    labels.label += first * labels.n;
    labels.proposal += first * labels.n;
    part.current[labels.variable] = labels.label;
    part.proposed[labels.variable] = labels.proposal;
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
  for (const LabelBlock& block : labels_) {
    const Held& held = held_[block.variable];
    std::vector<int64_t> labels(position[block.variable], position[block.variable] + rows * block.n);
    for (int64_t i = 0; held.any() && i < rows * block.n; ++i) {
      if (held.mask[i % block.n]) labels[i] = static_cast<int64_t>(held.value[i % block.n]);
    }
    upload(block.label + first * block.n, labels.data(), labels.size() * sizeof(int64_t));
  }
  if (deviation_ != 0) blur_given(deviation_, deviation_at_);  // what is held was written without
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

void CudaChains::begin(const Method& method, uint32_t step) {
  cuda::set_step(kernels_->step_base(), step, stream_);
  kernels_->begin(step);
  method.begin(group(Part::kAll), *kernels_, step);
  synchronise();
}

void CudaChains::launch(const Method& method, Group& group, StepRange steps) {
  kernels_->begin(steps.first);
  method.advance(group, *kernels_, steps);
}

void CudaChains::advance(const Method& method, Part part, StepRange steps, const std::function<void()>& meanwhile) {
  if (group(part).rows == 0 || steps.count == 0) {
    if (meanwhile) meanwhile();
    return;
  }
  arrange(part != Part::kAll);
  cuda::set_step(kernels_->step_base(), steps.first, stream_);
  if (const cudaGraphExec_t graph = graph_of(method, part, steps)) {
    check(cudaGraphLaunch(graph, stream_), "launching a block of steps");
  } else {
    launch(method, group(part), steps);
  }
  if (meanwhile) meanwhile();
  synchronise();
}

cudaGraphExec_t CudaChains::graph_of(const Method& method, Part part, StepRange steps) {
  if (!energy_.capturable() || !method.replayable() || steps.count < 2) return nullptr;
  const Recipe recipe{&method, part, steps.count, method.step_size(), method.trajectory_length()};
  // Libraries make what they need at their first call with so many rows, which must not be while it is captured: a
  // block is captured when it comes again.
  const auto [known, is_new] = graphs_.try_emplace(recipe, nullptr);
  if (!is_new && !known->second) known->second = captured(method, part, steps);
  return known->second;
}

cudaGraphExec_t CudaChains::captured(const Method& method, Part part, StepRange steps) {
  check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "beginning to capture");
  cudaGraph_t graph = nullptr;
  try {
    launch(method, group(part), steps);
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
  return ready;
}

void CudaChains::forget_graphs() {
  for (const auto& [recipe, graph] : graphs_) {
    if (graph) cudaGraphExecDestroy(graph);
  }
  graphs_.clear();
}

void CudaChains::set_columns(const std::vector<std::vector<double>>& values, std::vector<cuda::Memory>& arrays,
                             const void* Block::*member) {
  arrays.resize(blocks_.size());
  bool shown = false;
  for (size_t b = 0; b < blocks_.size(); ++b) {
    const std::vector<double>& from = values.at(blocks_[b].variable);
    if (from.empty()) continue;
    const std::vector<std::byte> bytes = converted(from, energy_.precision());
    if (!arrays[b].get()) arrays[b] = cuda::Memory(bytes.size());
    upload(arrays[b].get(), bytes.data(), bytes.size());
    const void* array = arrays[b].get();
    for (Group& one : groups_) {
      shown |= one.blocks[b].*member != array;
      one.blocks[b].*member = array;
    }
  }
  if (shown) forget_graphs();
}

void CudaChains::set_metric(const std::vector<std::vector<double>>& scale) {
  set_columns(scale, scale_, &Block::scale);
}

void CudaChains::set_centre(const std::vector<std::vector<double>>& centre) {
  set_columns(centre, centre_, &Block::centre);
}

void CudaChains::set_ladder(const std::vector<double>& temperature, const std::vector<double>& step_factor) {
  const auto set = [&](const std::vector<double>& values, cuda::Memory& array, const double* Group::*member) {
    std::vector<double> rows;
    for (int64_t row = 0; row < chains_ && !values.empty(); ++row) rows.push_back(values[row % values.size()]);
    if (!rows.empty() && !array.get()) array = cuda::Memory(rows.size() * sizeof(double));
    if (!rows.empty()) upload(array.get(), rows.data(), rows.size() * sizeof(double));
    const double* all = rows.empty() ? nullptr : static_cast<const double*>(array.get());
    const bool shown = group(Part::kAll).*member != all;
    group(Part::kCohort).*member = group(Part::kAll).*member = all;
    group(Part::kRest).*member = all ? all + group(Part::kCohort).rows : nullptr;
    if (shown) forget_graphs();
  };
  set(temperature, ladder_temperature_, &Group::row_temperature);
  set(step_factor, ladder_step_, &Group::row_step);
}

void CudaChains::set_given(int variable, double value) {
  const auto v = static_cast<size_t>(variable);
  const std::vector<double> rows(static_cast<size_t>(chains_ * energy_.variables()[v].size()), value);
  const std::vector<std::byte> bytes = converted(rows, energy_.precision());
  upload(constant_[v], bytes.data(), bytes.size());
}

}  // namespace potluck
