// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <numeric>
#include <utility>
#include <vector>

#include "compose/plan/arithmetic_cuda.h"
#include "core/device/cuda/launch.cuh"
#include "core/device/cuda/runtime.h"

namespace potluck {

namespace {

using cuda::blocks_for, cuda::item_of_thread, cuda::kThreads, cuda::of;

template <class T>
cuda::Memory uploaded(const std::vector<T>& values) {
  cuda::Memory memory(values.size() * sizeof(T));
  cuda::upload(memory.get(), values.data(), values.size() * sizeof(T));
  return memory;
}

/// ReadElements on the device: as they are for gathering, and by the element they add to for scattering without
/// atomics.
struct DeviceElements {
  cuda::Memory index;   ///< [parts, size]
  cuda::Memory begin;   ///< [n + 1] int64: where an element's readers begin in `reader`
  cuda::Memory reader;  ///< positions in [parts, size], ascending for each element: parts in their order
};

DeviceElements device_elements(const ReadElements& elements, int64_t n) {
  std::vector<int64_t> begin(n + 1), reader(elements.index.size());
  for (const int32_t element : elements.index) ++begin[element + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<int64_t> next(begin.begin(), begin.end() - 1);
  for (size_t i = 0; i < elements.index.size(); ++i) reader[next[elements.index[i]]++] = static_cast<int64_t>(i);
  return {uploaded(elements.index), uploaded(begin), uploaded(reader)};
}

/// A program on the device, and the view whose pointers are there.
struct DeviceProgram {
  cuda::Memory operators, operand, number, fresh, value, rate, constant_rate, parts;
  ProgramView view;
};

template <class T>
__global__ void gather_kernel(const int32_t* index, int64_t width, const T* variable, int64_t n, int64_t chains,
                              T* rows) {
  const int64_t item = item_of_thread();
  if (item < chains * width) rows[item] = variable[item / width * n + index[item % width]];
}

// The rate of a row of [chains, parts].
__device__ double rate_at(const Contribution& from, int64_t row) { return from.rate ? from.rate[row] : from.constant; }

template <class T>
__global__ void add_whole_kernel(Contribution from, bool fresh, int64_t n, int64_t chains, T* total) {
  const int64_t item = item_of_thread();
  if (item >= chains * n) return;
  const double rate = rate_at(from, item / n);
  const T so_far = fresh ? T(0) : total[item];
  if (rate != 0) {
    total[item] = so_far + static_cast<T>(rate) * static_cast<const T*>(from.gradient)[item];
  } else if (fresh) {
    total[item] = 0;
  }
}

template <class T>
__global__ void add_view_kernel(Contribution from, const int64_t* begin, const int64_t* reader, int64_t parts,
                                int64_t size, int64_t n, int64_t chains, T* total) {
  const int64_t item = item_of_thread();
  if (item >= chains * n) return;
  const int64_t chain = item / n, element = item % n;
  const T* gradient = static_cast<const T*>(from.gradient) + chain * parts * size;
  T sum = total[item];
  for (int64_t k = begin[element]; k < begin[element + 1]; ++k) {
    const double rate = rate_at(from, chain * parts + reader[k] / size);
    if (rate != 0) sum += static_cast<T>(rate) * gradient[reader[k]];
  }
  total[item] = sum;
}

/// What one launch settles.
struct Settled {
  static constexpr int kMost = 16;
  int count = 0;
  Evaluated at[kMost];
};

__device__ void settle(const Evaluated& evaluated, int64_t chain) {
  double sum = 0;
  for (int64_t row = chain * evaluated.parts; row < (chain + 1) * evaluated.parts; ++row) {
    sum += evaluated.energy[row];
    evaluated.energy[row] = failed_if_minus_infinity(evaluated.energy[row]);
  }
  if (evaluated.expert_energy) evaluated.expert_energy[chain] = sum;
}

// A chain's rows depend on no other chain's, so one thread takes a chain through the whole program. `root` null: the
// program is left for a later launch.
__global__ void finish_kernel(const __grid_constant__ Settled settled, const __grid_constant__ ProgramView program,
                              ProgramRun run, const double* root, double* total) {
  const int64_t chain = item_of_thread();
  if (chain >= run.chains) return;
  for (int i = 0; i < settled.count; ++i) settle(settled.at[i], chain);
  if (!root) return;
  for (int32_t o = 0; o < program.count; ++o) {
    const ProgramOperator& op = program.operators[o];
    const int64_t parts = program.parts[op.result];
    for (int64_t row = chain * parts; row < (chain + 1) * parts; ++row) {
      run_forward(program, op, run.memory, run.stride, row);
    }
  }
  for (int32_t o = program.count; run.derivatives && o-- > 0;) {
    const ProgramOperator& op = program.operators[o];
    const int64_t parts = program.parts[op.result];
    for (int64_t row = chain * parts; row < (chain + 1) * parts; ++row) {
      run_backward(program, op, run.memory, run.stride, row);
    }
  }
  total[chain] = root[chain];
}

template <class T>
__global__ void tangent_rows_kernel(const int32_t* index, int64_t size, const uint8_t* held, const T* tangent,
                                    int64_t n, RowRates rates, int64_t chains, T* rows) {
  const int64_t item = item_of_thread();
  if (item >= chains * rates.parts * size) return;
  const int64_t row = item / size, chain = row / rates.parts;
  const int64_t element = index ? index[item % (rates.parts * size)] : item % size;
  const double rate = rates.rate ? rates.rate[row] : rates.constant;
  rows[item] = tangent_of_element(tangent + chain * n, held, element, rate);
}

template <class T>
__global__ void slope_along_kernel(const T* gradient, const T* tangent, int64_t rows, int64_t size, bool fresh,
                                   double* slope) {
  const int64_t row = item_of_thread();
  if (row < rows) slope[row] = slope_of_row(gradient + row * size, tangent + row * size, size, fresh ? 0 : slope[row]);
}

__global__ void cotangent_rows_kernel(const double* cotangent, RowRates rates, int64_t rows, double* of_row) {
  const int64_t row = item_of_thread();
  if (row < rows) of_row[row] = cotangent_of_row(cotangent, rates, row);
}

__global__ void slopes_kernel(const __grid_constant__ ProgramView program, ProgramRun run, double* slope) {
  const int64_t chain = item_of_thread();
  if (chain >= run.chains) return;
  for (int32_t o = 0; o < program.count; ++o) {
    const ProgramOperator& op = program.operators[o];
    const int64_t parts = program.parts[op.result];
    for (int64_t row = chain * parts; row < (chain + 1) * parts; ++row) {
      slope_forward(program, op, run.memory, slope, run.stride, row);
    }
  }
  for (int32_t o = program.count; o-- > 0;) {
    const ProgramOperator& op = program.operators[o];
    const int64_t parts = program.parts[op.result];
    for (int64_t row = chain * parts; row < (chain + 1) * parts; ++row) {
      slope_backward(program, op, run.memory, slope, run.stride, row);
    }
  }
}

__global__ void add_sum_kernel(const void* sum, bool wide, int64_t size, double* total) {
  const int64_t item = item_of_thread();
  if (item < size) total[item] += number_of_sum(sum, wide, item);
}

/// Tables are copied to the device when they are first met, at the first evaluation; a step then allocates nothing.
template <class T>
class CudaArithmetic final : public Arithmetic {
 public:
  explicit CudaArithmetic(int device) : device_(device) { choose(); }

  std::shared_ptr<const void> keep(const void* from, size_t bytes) const override {
    choose();
    auto memory = std::make_shared<cuda::Memory>(bytes);
    cuda::upload(memory->get(), from, bytes);
    return {memory, memory->get()};
  }

  void set_zero(void* to, size_t bytes, void* stream) const override {
    cuda::check(cudaMemsetAsync(to, 0, bytes, of(stream)), "clearing a gradient");
  }

  void gather(const ReadElements& elements, bool labels, const void* variable, int64_t n, int64_t chains, void* rows,
              void* stream) const override {
    const auto* index = static_cast<const int32_t*>(on_device(elements, n).index.get());
    const int64_t width = elements.parts * elements.size;
    const int blocks = blocks_for(chains * width);
    if (labels) {
      gather_kernel<int64_t><<<blocks, kThreads, 0, of(stream)>>>(index, width, static_cast<const int64_t*>(variable),
                                                                  n, chains, static_cast<int64_t*>(rows));
    } else {
      gather_kernel<T><<<blocks, kThreads, 0, of(stream)>>>(index, width, static_cast<const T*>(variable), n, chains,
                                                            static_cast<T*>(rows));
    }
    cuda::check(cudaGetLastError(), "gathering a view");
  }

  void add_whole(const Contribution* from, int count, bool fresh, int64_t n, int64_t chains, void* total,
                 void* stream) const override {
    for (int i = 0; i < count; ++i) {
      add_whole_kernel<T><<<blocks_for(chains * n), kThreads, 0, of(stream)>>>(from[i], fresh && i == 0, n, chains,
                                                                               static_cast<T*>(total));
    }
    cuda::check(cudaGetLastError(), "adding gradients");
  }

  void add_view(const Contribution& from, const ReadElements& elements, int64_t n, int64_t chains, void* total,
                void* stream) const override {
    const DeviceElements& there = on_device(elements, n);
    add_view_kernel<T><<<blocks_for(chains * n), kThreads, 0, of(stream)>>>(
        from, static_cast<const int64_t*>(there.begin.get()), static_cast<const int64_t*>(there.reader.get()),
        elements.parts, elements.size, n, chains, static_cast<T*>(total));
    cuda::check(cudaGetLastError(), "adding gradients of a view");
  }

  void finish(const Evaluated* evaluated, int count, const Program& program, const ProgramRun& run, double* total,
              void* stream) const override {
    const ProgramView& view = on_device(program).view;
    const double* root = program.values(run.memory, run.stride, program.root());
    for (int done = 0; done == 0 || done < count; done += Settled::kMost) {
      Settled settled;
      settled.count = std::min(count - done, Settled::kMost);
      std::copy_n(evaluated + done, settled.count, settled.at);
      const bool last = done + Settled::kMost >= count;
      finish_kernel<<<blocks_for(run.chains), kThreads, 0, of(stream)>>>(settled, view, run, last ? root : nullptr,
                                                                         total);
    }
    cuda::check(cudaGetLastError(), "combining energies");
  }

  std::shared_ptr<void> allocate(size_t bytes) const override {
    choose();
    auto memory = std::make_shared<cuda::Memory>(bytes);
    return {memory, memory->get()};
  }

  void copy(void* to, const void* from, size_t bytes, void* stream) const override {
    choose();
    cuda::check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, of(stream)), "copying parameters");
    wait(stream);
  }

  void wait(void* stream) const override {
    choose();
    cuda::check(cudaStreamSynchronize(of(stream)), "changing parameters");
  }

  void tangent_rows(const TangentRows& from, const RowRates& rates, int64_t chains, void* rows,
                    void* stream) const override {
    const int64_t size = from.elements ? from.elements->size : from.n;
    const void* index = from.elements ? on_device(*from.elements, from.n).index.get() : nullptr;
    tangent_rows_kernel<T><<<blocks_for(chains * rates.parts * size), kThreads, 0, of(stream)>>>(
        static_cast<const int32_t*>(index), size, from.held, static_cast<const T*>(from.tangent), from.n, rates, chains,
        static_cast<T*>(rows));
    cuda::check(cudaGetLastError(), "gathering tangents");
  }

  void slope_along(const void* gradient, const void* tangent, int64_t rows, int64_t size, bool fresh, double* slope,
                   void* stream) const override {
    slope_along_kernel<T><<<blocks_for(rows), kThreads, 0, of(stream)>>>(
        static_cast<const T*>(gradient), static_cast<const T*>(tangent), rows, size, fresh, slope);
    cuda::check(cudaGetLastError(), "adding slopes");
  }

  void cotangent_rows(const double* cotangent, const RowRates& rates, int64_t chains, double* of_row,
                      void* stream) const override {
    const int64_t rows = chains * rates.parts;
    cotangent_rows_kernel<<<blocks_for(rows), kThreads, 0, of(stream)>>>(cotangent, rates, rows, of_row);
    cuda::check(cudaGetLastError(), "weighing rows");
  }

  void run_slopes(const Program& program, const ProgramRun& run, double* slope, void* stream) const override {
    slopes_kernel<<<blocks_for(run.chains), kThreads, 0, of(stream)>>>(on_device(program).view, run, slope);
    cuda::check(cudaGetLastError(), "combining slopes");
  }

  void add_sum(const void* sum, bool wide, int64_t size, double* total, void* stream) const override {
    add_sum_kernel<<<blocks_for(size), kThreads, 0, of(stream)>>>(sum, wide, size, total);
    cuda::check(cudaGetLastError(), "adding gradients of parameters");
  }

 private:
  void choose() const { cuda::check(cudaSetDevice(device_), "choosing the device"); }

  const DeviceElements& on_device(const ReadElements& elements, int64_t n) const {
    const std::lock_guard lock(mutex_);
    const auto found = elements_.find(&elements);
    if (found != elements_.end()) return found->second;
    return elements_.emplace(&elements, device_elements(elements, n)).first->second;
  }

  const DeviceProgram& on_device(const Program& program) const {
    const std::lock_guard lock(mutex_);
    const auto found = programs_.find(&program);
    if (found != programs_.end()) return found->second;
    const ProgramView host = program.view();
    const ProgramTables tables = program.tables();
    DeviceProgram there{uploaded(*tables.operators),     uploaded(*tables.operand), uploaded(*tables.number),
                        uploaded(*tables.fresh),         uploaded(*tables.value),   uploaded(*tables.rate),
                        uploaded(*tables.constant_rate), uploaded(*tables.parts),   host};
    const auto at = [](const cuda::Memory& memory, auto& pointer) {
      pointer = static_cast<std::remove_reference_t<decltype(pointer)>>(memory.get());
    };
    at(there.operators, there.view.operators);
    at(there.operand, there.view.operand);
    at(there.number, there.view.number);
    at(there.fresh, there.view.fresh);
    at(there.value, there.view.value);
    at(there.rate, there.view.rate);
    at(there.constant_rate, there.view.constant_rate);
    at(there.parts, there.view.parts);
    return programs_.emplace(&program, std::move(there)).first->second;
  }

  int device_;
  mutable std::mutex mutex_;
  mutable std::map<const ReadElements*, DeviceElements> elements_;
  mutable std::map<const Program*, DeviceProgram> programs_;
};

}  // namespace

std::unique_ptr<Arithmetic> cuda_arithmetic(Precision precision, int device) {
  if (precision == Precision::kFloat32) return std::make_unique<CudaArithmetic<float>>(device);
  return std::make_unique<CudaArithmetic<double>>(device);
}

}  // namespace potluck
