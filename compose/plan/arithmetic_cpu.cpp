// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "compose/plan/arithmetic.h"

namespace potluck {

ReadElements read_elements(const std::vector<int32_t>& index, int64_t size) {
  ReadElements elements;
  elements.size = size;
  elements.parts = static_cast<int64_t>(index.size()) / size;
  elements.index = index;
  for (size_t i = 0; i < index.size(); ++i) {
    const bool next = i % static_cast<size_t>(size) != 0 && index[i] == index[i - 1] + 1;
    if (next)
      ++elements.runs.back().length;
    else
      elements.runs.push_back({index[i], 1});
  }
  return elements;
}

namespace {

template <class T>
void gather_rows(const ReadElements& elements, const T* variable, int64_t n, int64_t chains, T* rows) {
  for (int64_t chain = 0; chain < chains; ++chain, variable += n)
    for (const ReadElements::Run& run : elements.runs) {
      const T* from = variable + run.first;
      for (int32_t j = 0; j < run.length; ++j) rows[j] = from[j];
      rows += run.length;
    }
}

/// to += factor * from; the compiler vectorises it.
template <class T>
void add_scaled(T* __restrict to, const T* __restrict from, T factor, int64_t count) {
  for (int64_t j = 0; j < count; ++j) to[j] += factor * from[j];
}

double rate_of(const Contribution& from, int64_t row) { return from.rate ? from.rate[row] : from.constant; }

void settle(const Evaluated& evaluated, int64_t chains) {
  double* __restrict energy = evaluated.energy;
  double* __restrict expert_energy = evaluated.expert_energy;
  const int64_t parts = evaluated.parts;
  for (int64_t chain = 0; parts == 1 && chain < chains && expert_energy; ++chain)
    expert_energy[chain] = 0.0 + energy[chain];  // a sum of one: no -0
  for (int64_t chain = 0; parts != 1 && chain < chains && expert_energy; ++chain) {
    double sum = 0;
    for (int64_t part = 0; part < parts; ++part) sum += energy[chain * parts + part];
    expert_energy[chain] = sum;
  }
  for (int64_t row = 0; row < chains * parts; ++row) energy[row] = failed_if_minus_infinity(energy[row]);
}

template <class T>
class CpuArithmetic final : public Arithmetic {
 public:
  std::shared_ptr<const void> keep(const void* from, size_t bytes) const override {
    auto copied = std::make_shared<std::vector<double>>((bytes + sizeof(double) - 1) / sizeof(double));
    std::memcpy(copied->data(), from, bytes);
    return {copied, copied->data()};
  }

  void set_zero(void* to, size_t bytes, void*) const override { std::memset(to, 0, bytes); }

  void gather(const ReadElements& elements, bool labels, const void* variable, int64_t n, int64_t chains, void* rows,
              void*) const override {
    if (labels)
      gather_rows(elements, static_cast<const int64_t*>(variable), n, chains, static_cast<int64_t*>(rows));
    else
      gather_rows(elements, static_cast<const T*>(variable), n, chains, static_cast<T*>(rows));
  }

  void add_whole(const Contribution* from, int count, bool fresh, int64_t n, int64_t chains, void* total,
                 void*) const override {
    for (int64_t chain = 0; chain < chains; ++chain) {
      T* row = static_cast<T*>(total) + chain * n;
      if (fresh) std::memset(row, 0, static_cast<size_t>(n) * sizeof(T));
      for (int i = 0; i < count; ++i) {
        const double rate = rate_of(from[i], chain);
        if (rate == 0) continue;
        add_scaled(row, static_cast<const T*>(from[i].gradient) + chain * n, static_cast<T>(rate), n);
      }
    }
  }

  void add_view(const Contribution& from, const ReadElements& elements, int64_t n, int64_t chains, void* total,
                void*) const override {
    const T* gradient = static_cast<const T*>(from.gradient);
    for (int64_t chain = 0; chain < chains; ++chain) {
      T* row = static_cast<T*>(total) + chain * n;
      const ReadElements::Run* run = elements.runs.data();
      for (int64_t part = 0; part < elements.parts; ++part) {
        const double rate = rate_of(from, chain * elements.parts + part);
        for (int64_t done = 0; done < elements.size; done += run->length, gradient += run->length, ++run)
          if (rate != 0) add_scaled(row + run->first, gradient, static_cast<T>(rate), run->length);
      }
    }
  }

  void finish(const Evaluated* evaluated, int count, const Program& program, const ProgramRun& run, double* total,
              void*) const override {
    for (int i = 0; i < count; ++i) settle(evaluated[i], run.chains);
    program.run(run.memory, run.stride, run.chains, run.derivatives);
    std::copy_n(program.values(run.memory, run.stride, program.root()), run.chains, total);
  }

  std::shared_ptr<void> allocate(size_t bytes) const override {
    struct alignas(64) Block {
      std::byte bytes[64] = {};
    };
    auto blocks = std::make_shared<std::vector<Block>>(bytes / sizeof(Block) + 1);
    return {blocks, blocks->data()};
  }

  void copy(void* to, const void* from, size_t bytes, void*) const override { std::memcpy(to, from, bytes); }

  void wait(void*) const override {}

  void tangent_rows(const TangentRows& from, const RowRates& rates, int64_t chains, void* rows, void*) const override {
    const int64_t size = from.elements ? from.elements->size : from.n;
    T* row = static_cast<T*>(rows);
    for (int64_t chain = 0; chain < chains; ++chain) {
      const T* tangent = static_cast<const T*>(from.tangent) + chain * from.n;
      for (int64_t part = 0; part < rates.parts; ++part, row += size) {
        const double rate = rates.rate ? rates.rate[chain * rates.parts + part] : rates.constant;
        const int32_t* index = from.elements ? from.elements->index.data() + part * size : nullptr;
        for (int64_t j = 0; j < size; ++j) row[j] = tangent_of_element(tangent, from.held, index ? index[j] : j, rate);
      }
    }
  }

  void slope_along(const void* gradient, const void* tangent, int64_t rows, int64_t size, bool fresh, double* slope,
                   void*) const override {
    const T* g = static_cast<const T*>(gradient);
    const T* t = static_cast<const T*>(tangent);
    for (int64_t row = 0; row < rows; ++row)
      slope[row] = slope_of_row(g + row * size, t + row * size, size, fresh ? 0 : slope[row]);
  }

  void cotangent_rows(const double* cotangent, const RowRates& rates, int64_t chains, double* of_row,
                      void*) const override {
    for (int64_t row = 0; row < chains * rates.parts; ++row) of_row[row] = cotangent_of_row(cotangent, rates, row);
  }

  void run_slopes(const Program& program, const ProgramRun& run, double* slope, void*) const override {
    program.run_slopes(run.memory, slope, run.stride, run.chains);
  }

  void add_sum(const void* sum, bool wide, int64_t size, double* total, void*) const override {
    for (int64_t j = 0; j < size; ++j) total[j] += number_of_sum(sum, wide, j);
  }
};

}  // namespace

std::unique_ptr<Arithmetic> cpu_arithmetic(Precision precision) {
  if (precision == Precision::kFloat32) return std::make_unique<CpuArithmetic<float>>();
  return std::make_unique<CpuArithmetic<double>>();
}

}  // namespace potluck
