// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/bare_pieces.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>
#include <vector>

#include "benchmarks/matrix_product.h"
#include "core/backend/thread_pool.h"

namespace potluck::benchmarks {

namespace {

/// As many rows as are worth a call and leave room in a cache of 1 MiB.
int64_t rows_in_cache(int64_t n) {
  return std::clamp<int64_t>(static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(16384 / n))), 64, 256);
}

/// Positions and gradients of all chains, tile after tile.
class Tiles {
 public:
  Tiles(int64_t chains, int64_t n, int threads)
      : rows(rows_in_cache(n)), count((chains + rows - 1) / rows), row_numbers(n), pool_(threads) {
    numbers_.assign(2 * count * rows * n, 0.5f);
    chain.resize(count * rows);
    std::iota(chain.begin(), chain.end(), 0u);
  }
  float* position(int64_t tile) { return numbers_.data() + 2 * tile * rows * row_numbers; }
  float* gradient(int64_t tile) { return position(tile) + rows * row_numbers; }

  Timing time(const Effort& effort, const std::function<void(int64_t tile, int64_t steps)>& work) {
    return least_time(effort, [&](int64_t steps) {
      return seconds_of([&] { pool_.run(count, [&](int64_t tile, int) { work(tile, steps); }); });
    });
  }

  int64_t rows, count, row_numbers;
  std::vector<uint32_t> chain;

 private:
  std::vector<float> numbers_;
  ThreadPool pool_;
};

}  // namespace

Timing time_matrix_product(int64_t chains, int64_t n, int threads, const Effort& effort) {
  Tiles tiles(chains, n, threads);
  const MatrixProduct product(tiles.rows, n);
  return tiles.time(effort, [&](int64_t tile, int64_t steps) {
    MatrixProduct::use_one_thread();
    for (int64_t step = 0; step < steps; ++step) product.multiply(tiles.position(tile), tiles.gradient(tile));
  });
}

Timing time_noise_and_update(const RowKernels& kernels, int64_t chains, int64_t n, int threads, const Effort& effort) {
  Tiles tiles(chains, n, threads);
  return tiles.time(effort, [&](int64_t tile, int64_t steps) {
    RowArguments a;
    a.rows = tiles.rows;
    a.n = n;
    a.chain = tiles.chain.data() + tile * tiles.rows;
    a.from = a.to = tiles.position(tile);
    a.gradient = tiles.gradient(tile);
    a.drift = 0.01;
    a.noise = 0.1;
    for (int64_t step = 0; step < steps; ++step) {
      a.step = static_cast<uint32_t>(step);
      kernels.float32.move(a);
    }
  });
}

}  // namespace potluck::benchmarks
