// SPDX-License-Identifier: Apache-2.0

// The loops of RowKernels. Included once by each of cpu_rows_<width>.cpp, which are compiled for different vector
// widths; there is no include guard, and everything has internal linkage and calls nothing inline from elsewhere, so
// that no copy compiled for a wider unit can be linked into the rest of the program.

#include <cstdint>

#include "core/backend/cpu_philox_lanes.h"
#include "core/backend/cpu_rows.h"
#include "core/random/element.h"

namespace potluck {
namespace {

constexpr int kPatch = 1024;  // elements moved together: their noise stays in the first-level cache
constexpr int kCounters = kPatch / 4 * 4 + kLanes;  // a row of one element takes a whole counter

// Rows row0 .. row0 + rows - 1 and columns column0 .. column0 + columns - 1; either one row or whole rows.
struct Patch {
  int64_t row0, rows, column0, columns, stride;
};

// Normals of a patch: z[row][column] at z + row * stride + column. The stride is the columns rounded up to counters,
// and 2 where only the first pair of a counter is used.
struct NoisePatch {
  alignas(64) float z[4 * kCounters];
};

__attribute__((noinline)) void fill_noise(const RowArguments& a, const Patch& p, uint32_t purpose,
                                          float* __restrict z) {
  alignas(64) uint32_t block[kCounters], chain[kCounters];
  const int64_t per_row = (p.stride + 3) / 4;
  const int64_t counters = p.rows * per_row;
  for (int64_t row = 0; per_row == 1 && row < p.rows; ++row) {
    block[row] = static_cast<uint32_t>(p.column0 / 4);
    chain[row] = a.chain[p.row0 + row];
  }
  for (int64_t row = 0; per_row > 1 && row < p.rows; ++row) {
    const uint32_t id = a.chain[p.row0 + row];
    const uint32_t first = static_cast<uint32_t>(p.column0 / 4);
    for (int64_t q = 0; q < per_row; ++q) {
      block[row * per_row + q] = first + static_cast<uint32_t>(q);
      chain[row * per_row + q] = id;
    }
  }
  for (int64_t q = counters; q < (counters + kLanes - 1) / kLanes * kLanes; ++q) block[q] = chain[q] = 0;
  for (int64_t at = 0; at < counters; at += kLanes) {
    alignas(64) uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
    for (int i = 0; i < kLanes; ++i) {
      c0[i] = block[at + i];
      c1[i] = chain[at + i];
    }
    philox_lanes(c0, c1, c2, c3, a.step, purpose, a.seed, a.variable);
    if (p.stride == 2) {
      float* out = z + 2 * at;
      for (int i = 0; i < kLanes; ++i) element::normal_pair(c0[i], c1[i], out[2 * i], out[2 * i + 1]);
      continue;
    }
    float* out = z + 4 * at;
    for (int i = 0; i < kLanes; ++i) element::normal_pair(c0[i], c1[i], out[4 * i], out[4 * i + 1]);
    for (int i = 0; i < kLanes; ++i) element::normal_pair(c2[i], c3[i], out[4 * i + 2], out[4 * i + 3]);
  }
}

constexpr int64_t least_of(int64_t a, int64_t b) { return a < b ? a : b; }

// Calls visit(patch) for patches that cover all rows.
template <class Visit>
__attribute__((always_inline)) inline void for_patches(int64_t rows, int64_t n, Visit visit) {
  const int64_t stride = n <= 2 ? 2 : (n + 3) / 4 * 4;
  if (stride <= kPatch) {
    const int64_t most_rows = kPatch / stride;
    for (int64_t row = 0; row < rows; row += most_rows)
      visit(Patch{row, least_of(most_rows, rows - row), 0, n, stride});
    return;
  }
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < n; column += kPatch) {
      const int64_t columns = least_of(kPatch, n - column);
      visit(Patch{row, 1, column, columns, (columns + 3) / 4 * 4});
    }
  }
}

void normals(const RowArguments& a, float* out) {
  NoisePatch noise;
  for_patches(a.rows, a.n, [&](const Patch& p) {
    fill_noise(a, p, a.purpose, noise.z);
    for (int64_t row = 0; row < p.rows; ++row) {
      float* to = out + (p.row0 + row) * a.n + p.column0;
      for (int64_t j = 0; j < p.columns; ++j) to[j] = noise.z[row * p.stride + j];
    }
  });
}

// How many points lie outside.
template <class Real>
int outside_of(const Real* x, int64_t count, Real least, Real most) {
  int outside = 0;
  for (int64_t j = 0; j < count; ++j) outside += (x[j] < least) | (x[j] > most);
  return outside;
}

// One reflection at each face for the whole row; a point that needs more is folded alone. Returns how many were
// outside.
template <class Real>
__attribute__((noinline)) int fold_row(const Real* from, Real* to, int64_t count, Real least, Real most) {
  int outside = 0, reflected = 0;
  for (int64_t j = 0; j < count; ++j) {
    const Real y = from[j];
    const Real above = y < least ? least + (least - y) : y;
    const Real inside = above > most ? most - (above - most) : above;
    reflected += (y < least) | (y > most);
    outside |= (inside < least) | (inside > most);
    to[j] = inside;
  }
  if (!outside) return reflected;
  for (int64_t j = 0; j < count; ++j) {
    if (to[j] < least || to[j] > most) {
      // `to` may be `from`: undo the reflections that were done, which leaves the fold the same.
      Real sign;
      to[j] = element::fold(from == to ? to[j] : from[j], least, most, sign);
    }
  }
  return reflected;
}

template <class Real>
__attribute__((noinline)) void clamp_row(Real* to, int64_t count, Real least, Real most) {
  for (int64_t j = 0; j < count; ++j) {
    const Real y = to[j] < least ? least : to[j];
    to[j] = y > most ? most : y;
  }
}

// No row of the patch is frozen.
bool all_move(const RowArguments& a, const Patch& p) {
  if (!a.frozen) return true;
  int frozen = 0;
  for (int64_t row = 0; row < p.rows; ++row) frozen |= a.frozen[p.row0 + row];
  return !frozen;
}

// Whole rows of a patch that follow each other without a gap and are all treated alike are one long row. What differs
// from coordinate to coordinate is then repeated beside it, where rows are so narrow that this pays.
constexpr int64_t kMostRepeated = 256;
template <class Real>
struct JoinedRows {
  alignas(64) Real scale_of[kPatch];
  alignas(64) uint8_t held_of[kPatch];
  const Real* scale = nullptr;
  const uint8_t* held = nullptr;
  bool possible = false;

  explicit JoinedRows(const RowArguments& a) {
    possible = a.n <= kPatch && !a.row_step && !a.row_noise && ((!a.scale && !a.held) || a.n <= kMostRepeated);
    if (!possible) return;
    const int64_t count = least_of(a.rows, kPatch / a.n) * a.n;
    if (a.scale) scale = repeated(static_cast<const Real*>(a.scale), a.n, count, scale_of);
    if (a.held) held = repeated(a.held, a.n, count, held_of);
  }

  bool are(const RowArguments& a, const Patch& p) const { return possible && all_move(a, p); }

 private:
  template <class Value>
  static const Value* repeated(const Value* from, int64_t n, int64_t count, Value* to) {
    for (int64_t j = 0; j < n; ++j) to[j] = from[j];
    // What is there doubles each time, in whole rows.
    for (int64_t there = n; there < count; there *= 2) {
      const int64_t more = least_of(there, count - there);
      Value* next = to + there;
      for (int64_t j = 0; j < more; ++j) next[j] = to[j];
    }
    return to;
  }
};

// Noise of joined rows, without the gaps between them.
void close_gaps(const Patch& p, float* z) {
  if (p.stride == p.columns) return;
  for (int64_t row = 1; row < p.rows; ++row) {
    for (int64_t j = 0; j < p.columns; ++j) z[row * p.columns + j] = z[row * p.stride + j];
  }
}

// What a row multiplies a step size or a noise with.
template <class Real>
Real factor(double value, const double* rows, int64_t row) {
  return static_cast<Real>(rows ? value * rows[row] : value);
}

template <class Real, bool kClip>
void move_rows(const RowArguments& a) {
  const Real bound = static_cast<Real>(a.clip);
  const Real least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
  NoisePatch noise;
  const JoinedRows<Real> together(a);
  for_patches(a.rows, a.n, [&](const Patch& p) {
    fill_noise(a, p, a.purpose, noise.z);
    const bool joined = !kClip && together.are(a, p);
    if (joined) close_gaps(p, noise.z);
    const int64_t rows = joined ? 1 : p.rows, count = joined ? p.rows * p.columns : p.columns;
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t at = (p.row0 + row) * a.n + p.column0;
      const Real* x = static_cast<const Real*>(a.from) + at;
      const Real* g = static_cast<const Real*>(a.gradient) + at;
      const float* z = noise.z + row * p.stride;
      Real* to = static_cast<Real*>(a.to) + at;
      Real* raw = a.unfolded ? static_cast<Real*>(a.unfolded) + at : to;
      if (a.frozen && a.frozen[p.row0 + row]) {
        for (int64_t j = 0; j < count; ++j) raw[j] = to[j] = x[j];
        continue;
      }
      const Real drift = factor<Real>(a.drift, a.row_step, p.row0 + row);
      const Real scale = factor<Real>(a.noise, a.row_noise, p.row0 + row);
      const uint8_t* held = joined ? together.held : a.held ? a.held + p.column0 : nullptr;
      const Real* metric = joined ? together.scale : a.scale ? static_cast<const Real*>(a.scale) + p.column0 : nullptr;
      if constexpr (kClip) {
        int64_t clipped = 0;
        for (int64_t j = 0; j < count; ++j) {
          const bool is_free = !held || !held[j];
          const Real low = g[j] < -bound ? -bound : g[j];
          const Real slope = low > bound ? bound : low;
          clipped += is_free && slope != g[j];
          raw[j] = is_free ? element::langevin(x[j], slope, z[j], drift, scale) : x[j];
        }
        if (a.sum) a.sum[p.row0 + row] += static_cast<double>(clipped) / static_cast<double>(a.n);
      } else if (metric) {
        for (int64_t j = 0; j < count; ++j) {
          const Real y = element::langevin(x[j], metric[j] * (metric[j] * g[j]), z[j], drift, scale * metric[j]);
          raw[j] = held && held[j] ? x[j] : y;
        }
      } else if (held) {
        for (int64_t j = 0; j < count; ++j) {
          const Real y = element::langevin(x[j], g[j], z[j], drift, scale);
          raw[j] = held[j] ? x[j] : y;
        }
      } else {
        for (int64_t j = 0; j < count; ++j) raw[j] = element::langevin(x[j], g[j], z[j], drift, scale);
      }
      if (a.faces && a.clamp) {
        clamp_row(raw, count, least, most);
      } else if (a.faces) {
        // Of joined rows each has a count of its own, where there is anything to count.
        const bool inside = joined && !outside_of(raw, count, least, most);
        const int64_t parts = joined ? p.rows : 1, part = count / parts;
        if (inside && raw != to) {
          for (int64_t j = 0; j < count; ++j) to[j] = raw[j];
        }
        if (inside) continue;
        for (int64_t i = 0; i < parts; ++i) {
          const int reflected = fold_row(raw + i * part, to + i * part, part, least, most);
          if (a.reflected) a.reflected[p.row0 + row + i] += reflected;
        }
      } else if (raw != to) {
        for (int64_t j = 0; j < count; ++j) to[j] = raw[j];
      }
    }
  });
}

// Sums of kSums lanes, element j in lane j % kSums in every vector width, folded in one order.
constexpr int kSums = 8;
double folded(const double* s) { return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])); }

template <class Real>
void ratio(const RowArguments& a) {
  const Real least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
  const Real* scale = static_cast<const Real*>(a.scale);
  for (int64_t row = 0; row < a.rows; ++row) {
    const double quarter = (a.row_step ? a.drift * a.row_step[row] : a.drift) / 4;
    const Real* x = static_cast<const Real*>(a.from) + row * a.n;
    const Real* y = static_cast<const Real*>(a.unfolded) + row * a.n;
    const Real* g = static_cast<const Real*>(a.gradient) + row * a.n;
    const Real* h = static_cast<const Real*>(a.to_gradient) + row * a.n;
    double sums[kSums] = {};
    // Element j goes to sum j % kSums, in every vector width.
    const auto add = [&](int lane, int64_t j, double sign, double squared_scale) {
      const double from = static_cast<double>(g[j]), to = static_cast<double>(h[j]);
      const double apart = static_cast<double>(x[j]) - static_cast<double>(y[j]);
      sums[lane] += 0.5 * (apart * (from + sign * to)) + quarter * squared_scale * (to * to - from * from);
    };
    int outside = a.held != nullptr || scale != nullptr;
    if (a.faces) {
      for (int64_t j = 0; j < a.n; ++j) outside |= (y[j] < least) | (y[j] > most);
    }
    if (outside) {
      for (int64_t j = 0; j < a.n; ++j) {
        if (a.held && a.held[j]) continue;
        Real sign = 1;
        if (a.faces) element::fold(y[j], least, most, sign);
        const double s = scale ? static_cast<double>(scale[j]) : 1.0;
        add(static_cast<int>(j % kSums), j, static_cast<double>(sign), s * s);
      }
    } else {
      int64_t j = 0;
      for (; j + kSums <= a.n; j += kSums) {
        for (int lane = 0; lane < kSums; ++lane) add(lane, j + lane, 1.0, 1.0);
      }
      for (; j < a.n; ++j) add(static_cast<int>(j % kSums), j, 1.0, 1.0);
    }
    a.sum[row] += folded(sums);
  }
}

// The squares of at most kPatch elements, element j in lane j % kSquares in every vector width. In Real: that costs a
// tenth of float64, and so few do not lose more than its rounding.
constexpr int kSquares = 16;
template <class Real, class Value>
__attribute__((always_inline)) inline double squares_of(int64_t first, int64_t count, Value value) {
  if (count < kSquares) {
    Real sum = 0;
    for (int64_t j = first; j < first + count; ++j) sum += value(j) * value(j);
    return static_cast<double>(sum);
  }
  Real sums[kSquares] = {};
  int64_t j = 0;
  for (; j + kSquares <= count; j += kSquares) {
    for (int lane = 0; lane < kSquares; ++lane) {
      const Real g = value(first + j + lane);
      sums[lane] += g * g;
    }
  }
  for (int lane = 0; j + lane < count; ++lane) {
    const Real g = value(first + j + lane);
    sums[lane] += g * g;
  }
  for (int apart = kSquares / 2; apart > 0; apart /= 2) {
    for (int lane = 0; lane < apart; ++lane) sums[lane] += sums[lane + apart];
  }
  return static_cast<double>(sums[0]);
}

template <class Real, class Value>
__attribute__((always_inline)) inline double squares_of_row(int64_t n, Value value) {
  double sum = 0;
  for (int64_t j = 0; j < n; j += kPatch) sum += squares_of<Real>(j, least_of(kPatch, n - j), value);
  return sum;
}

// Rows of `n` numbers, a few: all rows in one pass, in the order of squares_of(). False, and nothing done, where a
// square is not finite.
template <class Real, int n>
__attribute__((noinline)) bool squares_of_narrow_rows(const RowArguments& a) {
  const Real* g = static_cast<const Real*>(a.gradient);
  const auto square_of = [g](int64_t row) {
    Real square = 0;
    for (int j = 0; j < n; ++j) square += g[row * n + j] * g[row * n + j];
    return static_cast<double>(square);
  };
  int bad = 0;
  for (int64_t row = 0; row < a.rows; ++row) bad |= !(square_of(row) <= __DBL_MAX__);
  if (bad) return false;
  if (!a.sum) return true;
  double* sum = a.sum;
  if (!a.frozen) {
    for (int64_t row = 0; row < a.rows; ++row) sum[row] += square_of(row);
  } else {
    for (int64_t row = 0; row < a.rows; ++row) sum[row] += a.frozen[row] ? 0.0 : square_of(row);
  }
  return true;
}

template <class Real>
bool squares_of_narrow_rows(const RowArguments& a) {
  if (a.held) return false;
  switch (a.n) {
    case 1:
      return squares_of_narrow_rows<Real, 1>(a);
    case 2:
      return squares_of_narrow_rows<Real, 2>(a);
    case 3:
      return squares_of_narrow_rows<Real, 3>(a);
    case 4:
      return squares_of_narrow_rows<Real, 4>(a);
    default:
      return false;
  }
}

// Squares add up to something finite only where every one is; where they do not, each is looked at, for their sum may
// be beyond Real alone.
// `number`, or 0 where `held` is 1. By its bits: of `held ? 0 : number` in a loop, g++ 12 makes code for AVX2 that
// takes the mask of one element for its neighbours four further on.
__attribute__((always_inline)) inline float unless_held(float number, uint8_t held) {
  return __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, number) & (uint32_t{held} - 1));
}
__attribute__((always_inline)) inline double unless_held(double number, uint8_t held) {
  return __builtin_bit_cast(double, __builtin_bit_cast(uint64_t, number) & (uint64_t{held} - 1));
}

template <class Real>
void gradient_square(const RowArguments& a) {
  if (squares_of_narrow_rows<Real>(a)) return;
  for (int64_t row = 0; row < a.rows; ++row) {
    const Real* g = static_cast<const Real*>(a.gradient) + row * a.n;
    const uint8_t* held = a.held;
    double square = held ? squares_of_row<Real>(a.n, [g, held](int64_t j) { return unless_held(g[j], held[j]); })
                         : squares_of_row<Real>(a.n, [g](int64_t j) { return g[j]; });
    if (!(square <= __DBL_MAX__)) {
      const Real largest = sizeof(Real) == 4 ? static_cast<Real>(__FLT_MAX__) : static_cast<Real>(__DBL_MAX__);
      bool bad = false;
      square = 0;
      for (int64_t j = 0; j < a.n; ++j) {
        if (held && held[j]) continue;
        bad |= !((g[j] <= largest) & (g[j] >= -largest));
        square += static_cast<double>(g[j]) * static_cast<double>(g[j]);
      }
      if (bad) {
        if (a.flag) a.flag[row] = 1;
        continue;
      }
    }
    if (a.sum && !(a.frozen && a.frozen[row])) a.sum[row] += square;
  }
}

template <class Term>
__attribute__((always_inline)) inline double sum_of(int64_t count, Term term) {
  double sums[kSums] = {};
  int64_t j = 0;
  for (; j + kSums <= count; j += kSums) {
    for (int lane = 0; lane < kSums; ++lane) sums[lane] += term(j + lane);
  }
  for (; j < count; ++j) sums[j % kSums] += term(j);
  return folded(sums);
}

template <class Real>
void kick(Real* v, const Real* g, const Real* scale, const uint8_t* held, int64_t count, Real amount) {
  if (held) {
    for (int64_t j = 0; j < count; ++j) {
      const Real slope = scale ? scale[j] * g[j] : g[j];
      v[j] = held[j] ? v[j] : element::fma(-amount, slope, v[j]);
    }
  } else if (scale) {
    for (int64_t j = 0; j < count; ++j) v[j] = element::fma(-amount, scale[j] * g[j], v[j]);
  } else {
    for (int64_t j = 0; j < count; ++j) v[j] = element::fma(-amount, g[j], v[j]);
  }
}

template <class Real>
void drift(Real* x, Real* v, const Real* scale, const uint8_t* held, int64_t count, Real amount) {
  if (held) {
    for (int64_t j = 0; j < count; ++j) {
      const Real y = element::fma(scale ? amount * scale[j] : amount, v[j], x[j]);
      x[j] = held[j] ? x[j] : y;
    }
  } else if (scale) {
    for (int64_t j = 0; j < count; ++j) x[j] = element::fma(amount * scale[j], v[j], x[j]);
  } else {
    for (int64_t j = 0; j < count; ++j) x[j] = element::fma(amount, v[j], x[j]);
  }
}

// Points outside come back, their velocities turned. Inside nothing changes. Returns how many were outside.
template <class Real>
int bounce(Real* x, Real* v, const uint8_t* held, int64_t count, Real least, Real most) {
  const int outside = outside_of(x, count, least, most);
  if (!outside) return 0;
  for (int64_t j = 0; j < count; ++j) {
    if (held && held[j]) continue;
    Real sign;
    x[j] = element::fold(x[j], least, most, sign);
    v[j] *= sign;
  }
  return outside;
}

template <class Real>
void refresh(Real* v, const float* z, const uint8_t* held, int64_t count, Real kept, Real noise) {
  if (held) {
    for (int64_t j = 0; j < count; ++j)
      v[j] = held[j] ? Real(0) : element::fma(noise, static_cast<Real>(z[j]), kept * v[j]);
  } else {
    for (int64_t j = 0; j < count; ++j) v[j] = element::fma(noise, static_cast<Real>(z[j]), kept * v[j]);
  }
}

// sum[row] += half |v|^2, the squares added up as by sum_of().
template <class Real, int n>
__attribute__((noinline)) void add_kinetic_of_narrow_rows(const Real* v, int64_t rows, double half, double* sum) {
  const auto square = [v](int64_t at) { return static_cast<double>(v[at]) * static_cast<double>(v[at]); };
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t at = row * n;
    double squares = square(at);
    if constexpr (n == 2) squares += square(at + 1);
    if constexpr (n == 3) squares = (squares + square(at + 2)) + square(at + 1);
    if constexpr (n == 4) squares = (squares + square(at + 2)) + (square(at + 1) + square(at + 3));
    sum[row] += half * squares;
  }
}

template <class Real>
void add_kinetic(const Real* v, int64_t rows, int64_t n, double half, double* sum) {
  switch (n) {
    case 1:
      return add_kinetic_of_narrow_rows<Real, 1>(v, rows, half, sum);
    case 2:
      return add_kinetic_of_narrow_rows<Real, 2>(v, rows, half, sum);
    case 3:
      return add_kinetic_of_narrow_rows<Real, 3>(v, rows, half, sum);
    case 4:
      return add_kinetic_of_narrow_rows<Real, 4>(v, rows, half, sum);
    default:
      break;
  }
  for (int64_t row = 0; row < rows; ++row, v += n) {
    sum[row] += half * sum_of(n, [v](int64_t j) { return static_cast<double>(v[j]) * static_cast<double>(v[j]); });
  }
}

// A patch of positions and velocities stays in the first-level cache through all pieces.
template <class Real>
void split(const RowArguments& a, const RowPiece* pieces, int pieces_count) {
  const Real least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
  const bool fresh = pieces[0].kind == RowPiece::Kind::kRefresh && pieces[0].amount == 0;
  NoisePatch noise;
  const JoinedRows<Real> together(a);
  for_patches(a.rows, a.n, [&](const Patch& p) {
    const bool joined = together.are(a, p);
    const int64_t rows = joined ? 1 : p.rows, count = joined ? p.rows * p.columns : p.columns;
    const int64_t parts = joined ? p.rows : 1, part = p.columns;  // rows in a long one
    const uint8_t* held = joined ? together.held : a.held ? a.held + p.column0 : nullptr;
    const Real* scale = joined ? together.scale : a.scale ? static_cast<const Real*>(a.scale) + p.column0 : nullptr;
    const auto at = [&](int64_t row) { return (p.row0 + row) * a.n + p.column0; };
    for (int64_t row = 0; row < rows; ++row) {
      const Real* x = static_cast<const Real*>(a.from) + at(row);
      Real* to = static_cast<Real*>(a.to) + at(row);
      if (x != to) {
        for (int64_t j = 0; j < count; ++j) to[j] = x[j];
      }
      const Real* v = a.from_velocity ? static_cast<const Real*>(a.from_velocity) + at(row) : nullptr;
      Real* to_v = static_cast<Real*>(a.to_velocity) + at(row);
      if (fresh) {
        for (int64_t j = 0; j < count; ++j) to_v[j] = 0;
      } else if (v != to_v) {
        for (int64_t j = 0; j < count; ++j) to_v[j] = v[j];
      }
    }
    for (int i = 0; i < pieces_count; ++i) {
      const RowPiece& piece = pieces[i];
      if (piece.kind == RowPiece::Kind::kRefresh) {
        fill_noise(a, p, piece.purpose, noise.z);
        if (joined) close_gaps(p, noise.z);
      }
      for (int64_t row = 0; row < rows; ++row) {
        const int64_t id = p.row0 + row;
        if (a.frozen && !joined && a.frozen[id]) continue;
        Real* to = static_cast<Real*>(a.to) + at(row);
        Real* v = static_cast<Real*>(a.to_velocity) + at(row);
        switch (piece.kind) {
          case RowPiece::Kind::kKick:
            kick(v, static_cast<const Real*>(a.gradient) + at(row), scale, held, count,
                 factor<Real>(piece.amount, a.row_step, id));
            break;
          case RowPiece::Kind::kDrift:
            drift(to, v, scale, held, count, factor<Real>(piece.amount, a.row_step, id));
            if (a.faces && (!joined || outside_of(to, count, least, most))) {
              for (int64_t k = 0; k < parts; ++k) {
                const int reflected = bounce(to + k * part, v + k * part, held, part, least, most);
                if (a.reflected) a.reflected[id + k] += reflected;
              }
            }
            break;
          case RowPiece::Kind::kRefresh:
            refresh(v, noise.z + row * p.stride, held, count, static_cast<Real>(piece.amount),
                    factor<Real>(piece.noise, a.row_noise, id));
            break;
          case RowPiece::Kind::kKinetic:
            add_kinetic(v, parts, part, piece.amount / 2, a.sum + id);
            break;
        }
      }
    }
  });
}

template <class Real>
void products(const RowArguments& a) {
  const Real* scale = static_cast<const Real*>(a.scale);
  for (int64_t row = 0; row < a.rows; ++row) {
    const Real* g = a.gradient ? static_cast<const Real*>(a.gradient) + row * a.n : nullptr;
    const Real* v = a.from_velocity ? static_cast<const Real*>(a.from_velocity) + row * a.n : nullptr;
    const auto slope = [&](int64_t j) {
      if (a.held && a.held[j]) return 0.0;
      return static_cast<double>(g[j]) * (scale ? static_cast<double>(scale[j]) : 1.0);
    };
    if (g) a.sum[row] += sum_of(a.n, [&](int64_t j) { return slope(j) * slope(j); });
    if (g && v) a.sum[a.rows + row] += sum_of(a.n, [&](int64_t j) { return slope(j) * static_cast<double>(v[j]); });
    if (v) {
      a.sum[2 * a.rows + row] +=
          sum_of(a.n, [&](int64_t j) { return static_cast<double>(v[j]) * static_cast<double>(v[j]); });
    }
  }
}

template <class Real>
void combine(const RowArguments& a) {
  const Real* scale = static_cast<const Real*>(a.scale);
  for (int64_t row = 0; row < a.rows; ++row) {
    if (a.frozen && a.frozen[row]) continue;
    Real* v = static_cast<Real*>(a.to_velocity) + row * a.n;
    const Real kept = static_cast<Real>(a.row_noise[row]);
    if (!a.row_step) {
      for (int64_t j = 0; j < a.n; ++j) v[j] = kept * v[j];
      continue;
    }
    const Real* g = static_cast<const Real*>(a.gradient) + row * a.n;
    const Real added = static_cast<Real>(a.row_step[row]);
    for (int64_t j = 0; j < a.n; ++j) {
      const Real moved = element::fma(added, scale ? scale[j] * g[j] : g[j], kept * v[j]);
      v[j] = a.held && a.held[j] ? v[j] : moved;
    }
  }
}

template <class Real>
void turn(const RowArguments& a) {
  const Real* scale = static_cast<const Real*>(a.scale);
  const Real* centre = static_cast<const Real*>(a.centre);
  for (int64_t row = 0; row < a.rows; ++row) {
    const Real* x = static_cast<const Real*>(a.from) + row * a.n;
    const Real* y = static_cast<const Real*>(a.to) + row * a.n;
    const Real* v = static_cast<const Real*>(a.from_velocity) + row * a.n;
    const auto from_centre = [&](const Real* p, int64_t j) {
      if (a.held && a.held[j]) return 0.0;
      const double apart = static_cast<double>(p[j]) - (centre ? static_cast<double>(centre[j]) : 0.0);
      return scale ? apart / static_cast<double>(scale[j]) : apart;
    };
    a.sum[row] += sum_of(a.n, [&](int64_t j) {
      const double to = from_centre(y, j), from = from_centre(x, j);
      return to * to - from * from;
    });
    a.sum[a.rows + row] += sum_of(a.n, [&](int64_t j) { return from_centre(y, j) * static_cast<double>(v[j]); });
  }
}

template <class Real>
constexpr RowKernels::Typed typed() {
  return {move_rows<Real, false>, move_rows<Real, true>, ratio<Real>, gradient_square<Real>, split<Real>,
          products<Real>,         combine<Real>,         turn<Real>};
}

}  // namespace
}  // namespace potluck
