// SPDX-License-Identifier: Apache-2.0
// Prints the hash of the noise as this compiler and these flags make it; see noise_compilers_test.py.
#include <cinttypes>
#include <cstdio>
#include <numeric>
#include <vector>

#include "core/backend/cpu_rows_loops.h"

int main() {
  constexpr int64_t kRows = 1024, kNumbers = 131;
  std::vector<uint32_t> chain(kRows);
  std::iota(chain.begin(), chain.end(), 0u);
  potluck::RowArguments a;
  a.rows = kRows;
  a.n = kNumbers;
  a.chain = chain.data();
  a.seed = 42;
  a.variable = 0xfd0c5087u;  // FNV-1a of "x"
  a.step = 5;
  std::vector<float> z(kRows * kNumbers);
  potluck::normals(a, z.data());
  uint64_t hash = 1469598103934665603ull;
  const auto* bytes = reinterpret_cast<const unsigned char*>(z.data());
  for (size_t i = 0; i < z.size() * sizeof(float); ++i) hash = (hash ^ bytes[i]) * 1099511628211ull;
  std::printf("%" PRIu64 "\n", hash);
}
