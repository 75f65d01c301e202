// SPDX-License-Identifier: Apache-2.0
// Every launch of core/backend/cuda/grids.h, with the lanes of a warp one after another.
#include <array>
#include <type_traits>

#include "core/backend/cuda/grid_moves.h"
#include "core/backend/cuda/grid_rows.h"
#include "core/backend/cuda/grid_sums.h"
#include "core/backend/rows/energy_error.h"
#include "core/backend/rows/labels.h"
#include "tests/cuda/host/host_runtime.h"

namespace potluck::cuda {

namespace {

using potluck::testing::enqueue;

template <class Launch>
void for_rows_of(int real, int64_t n, Launch launch) {
  const bool packed = n % 4 == 0;
  if (real == 4) {
    packed ? launch(float(), std::true_type()) : launch(float(), std::false_type());
  } else {
    packed ? launch(double(), std::true_type()) : launch(double(), std::false_type());
  }
}

template <class Use>
void for_fours(const GridArguments& a, Use use) {
  for (int64_t item = 0; item < a.rows * fours_of(a.n); ++item) {
    use(four_of(a.n, item / fours_of(a.n), item % fours_of(a.n)));
  }
}

template <class Use>
void for_fours_of_row(const GridArguments& a, int64_t row, Use use) {
  for (int64_t i = 0; i < fours_of(a.n); ++i) use(four_of(a.n, row, i));
}

/// Lane 0 of warp_sum() in grid_launch.cuh.
template <class OfLane>
double warp_sum(OfLane of_lane) {
  std::array<double, kWarp> lanes;
  for (int lane = 0; lane < kWarp; ++lane) lanes[lane] = of_lane(lane);
  for (int apart = kWarp / 2; apart > 0; apart /= 2) {
    for (int lane = 0; lane < apart; ++lane) lanes[lane] += lanes[lane + apart];
  }
  return lanes[0];
}

/// A warp's sum over the fours of a row that its lanes take in turn.
template <class OfFour>
double sum_over_fours(const GridArguments& a, int64_t row, OfFour of_four) {
  return warp_sum([&](int lane) {
    double sum = 0;
    for (int64_t i = lane; i < fours_of(a.n); i += kWarp) sum += of_four(four_of(a.n, row, i));
    return sum;
  });
}

template <class Use>
void for_rows(int64_t rows, Use use) {
  enqueue([=] {
    for (int64_t row = 0; row < rows; ++row) use(row);
  });
}

}  // namespace

void set_step(uint32_t* base, uint32_t step, void*) {
  enqueue([=] { *base = step; });
}

void clear(double* array, int64_t count, void*) {
  for_rows(count, [=](int64_t i) { array[i] = 0; });
}

void clear(uint32_t* array, int64_t count, void*) {
  for_rows(count, [=](int64_t i) { array[i] = 0; });
}

void swap(const GridRows& r, bool odd, void*) {
  for_rows(r.rows / r.ladder, [=](int64_t ladder) { swap_ladder(r, odd, ladder); });
}

void exchange(const GridArguments& a, int real, void*) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    enqueue([=] {
      for_fours(a, [&](const Four& four) { exchange_four<decltype(type), decltype(packed)::value>(a, four); });
    });
  });
}

void normals(const GridArguments& a, float* out, void*) {
  enqueue([=] {
    for_fours(a, [&](const Four& four) {
      float z[4];
      four_normals(a, four, a.purpose, z);
      for (int k = 0; k < four.count; ++k) out[four.at + k] = z[k];
    });
  });
}

void move(const GridArguments& a, int real, void*) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    enqueue(
        [=] { for_fours(a, [&](const Four& four) { move_four<decltype(type), decltype(packed)::value>(a, four); }); });
  });
}

void flow(const GridArguments& a, int real, void*) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    enqueue(
        [=] { for_fours(a, [&](const Four& four) { flow_four<decltype(type), decltype(packed)::value>(a, four); }); });
  });
}

void blur_given(const GridArguments& a, int real, void*) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    enqueue([=] {
      for_fours(a, [&](const Four& four) { blur_given_four<decltype(type), decltype(packed)::value>(a, four); });
    });
  });
}

void move_clipped(const GridArguments& a, int real, void*) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    for_rows(a.rows, [=](int64_t row) {
      if (is_frozen(a, row)) return;
      a.sum[row] += sum_over_fours(a, row,
                                   [&](const Four& four) {
                                     return move_clipped_four<decltype(type), decltype(packed)::value>(a, four);
                                   }) /
                    static_cast<double>(a.n);
    });
  });
}

void ratio(const GridArguments& a, int real, void*) {
  for_rows(a.rows, [=](int64_t row) {
    a.sum[row] += warp_sum(
        [&](int lane) { return real == 4 ? ratio_of_lane<float>(a, row, lane) : ratio_of_lane<double>(a, row, lane); });
  });
}

void split(const GridArguments& a, const GridPieces& pieces, int real, void*) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    const auto of_four = [=](const Four& four) {
      return split_four<decltype(type), decltype(packed)::value>(a, pieces, four);
    };
    if (!a.sum) {
      enqueue([=] { for_fours(a, of_four); });
      return;
    }
    for_rows(a.rows, [=](int64_t row) {
      const double kinetic = sum_over_fours(a, row, of_four);
      if (!is_frozen(a, row)) a.sum[row] += kinetic;
    });
  });
}

void gradient_square(const GridArguments& a, int real, void*) {
  for_rows(a.rows, [=](int64_t row) {
    const double square = warp_sum([&](int lane) {
      return real == 4 ? square_of_lane<float>(a, row, lane) : square_of_lane<double>(a, row, lane);
    });
    bool fails = false;
    for (int lane = 0; lane < kWarp; ++lane) {
      fails |= real == 4 ? fails_in_lane<float>(a, row, lane) : fails_in_lane<double>(a, row, lane);
    }
    put_gradient(a, row, square, fails);
  });
}

void gradient_square_and_freeze(const GridArguments& a, const GridRows& r, int real, void* stream) {
  gradient_square(a, real, stream);
  freeze(r, stream);
}

void freeze_and_move(const GridArguments& a, const GridRows& r, int real, void* stream) {
  GridArguments measured = a;
  measured.sum = r.scratch;
  gradient_square_and_freeze(measured, r, real, stream);
  move(a, real, stream);
}

void products(const GridArguments& a, int real, void*) {
  for_rows(a.rows, [=](int64_t row) {
    const auto sum = [&](double Products::*member) {
      return warp_sum([&](int lane) {
        return (real == 4 ? products_of_lane<float>(a, row, lane) : products_of_lane<double>(a, row, lane)).*member;
      });
    };
    put(a, row, Products{sum(&Products::slope2), sum(&Products::along), sum(&Products::square)});
  });
}

void turn(const GridArguments& a, int real, void*) {
  for_rows(a.rows, [=](int64_t row) {
    const auto sum = [&](double Turn::*member) {
      return warp_sum([&](int lane) {
        return (real == 4 ? turn_of_lane<float>(a, row, lane) : turn_of_lane<double>(a, row, lane)).*member;
      });
    };
    put(a, row, Turn{sum(&Turn::grown), sum(&Turn::along)});
  });
}

void normalise(const GridArguments& a, const GridRows& r, int real, void*) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    for_rows(a.rows, [=](int64_t row) {
      if (is_frozen(a, row)) return;
      const double kept = inverse_length_of_row(r, row);
      for_fours_of_row(a, row,
                       [&](const Four& four) { scale_four<decltype(type), decltype(packed)::value>(a, kept, four); });
    });
  });
}

void isokinetic_kick(const GridArguments& a, const GridRows& r, double time, int real, void*) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    for_rows(a.rows, [=](int64_t row) {
      const IsokineticKick kick = kick_of_row(r, time, row);
      if (a.first) r.log_ratio[row] += kick.kinetic;
      if (is_frozen(a, row)) return;
      for_fours_of_row(a, row, [&](const Four& four) {
        combine_four<decltype(type), decltype(packed)::value>(a, kick.kept, kick.added, four);
      });
    });
  });
}

void take_over(const GridArguments& a, int real, void*) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    enqueue([=] {
      for_fours(a, [&](const Four& four) { take_over_four<decltype(type), decltype(packed)::value>(a, four); });
    });
  });
}

void freeze(const GridRows& r, void*) {
  for_rows(r.rows, [=](int64_t row) { freeze_row(r, row, r.scratch[row] == 1); });
}

void decide(const GridRows& r, bool flip, void*) {
  for_rows(r.rows, [=](int64_t row) { decide_row(r, flip, row); });
}

void row_noise(const GridRows& r, bool noise_has_step, void*) {
  for_rows(r.rows, [=](int64_t row) { r.scratch[row] = formula::noise_factor(r, noise_has_step, row); });
}

void begin_energy_error(const GridRows& r, void*) {
  for_rows(r.rows, [=](int64_t row) { formula::begin_energy_error(r, row); });
}

void end_energy_error(const GridRows& r, void*) {
  for_rows(r.rows, [=](int64_t row) { formula::end_energy_error(r, row); });
}

void add_slopes(const GridRows& r, double reach, void*) {
  for_rows(r.rows, [=](int64_t row) { add_slope_row(r, reach, row); });
}

void begin_labels(const LabelRows& a, void*) {
  for_rows(a.rows * a.n, [=](int64_t i) { a.proposal[i] = a.label[i]; });
}

void offer_label(const LabelRows& a, int64_t category, void*) {
  for_rows(a.rows, [=](int64_t row) { a.proposal[row * a.n + a.element] = category; });
}

void draw_label(const LabelRows& a, const StepAddress& step, void*) {
  for_rows(a.rows, [=](int64_t row) { formula::draw_label(a, step_of(step), row); });
}

}  // namespace potluck::cuda
