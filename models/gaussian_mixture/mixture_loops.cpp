// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "models/gaussian_mixture/mixture_task.h"
#include "models/normal/lanes.h"
#include "models/row_model/elementary.h"

namespace potluck::models {
namespace {

/// Scratch for kLanes rows: x [n, L], gradient [n, L], e [K, L] in double, r [K, L], and where precisions are full
/// P_k (x - m_k) [K, n, L] and one x - m [n, L].
template <class Real>
struct Scratch {
  explicit Scratch(const MixtureLaws<Real>& laws, void* workspace) {
    const int64_t n = laws.n * kLanes, k = laws.components * kLanes;
    distance = static_cast<double*>(workspace);
    share = reinterpret_cast<Real*>(distance + k);
    x = share + k;
    gradient = x + n;
    difference = gradient + n;
    product = difference + n;
  }
  double* distance;
  Real *share, *x, *gradient, *difference, *product;
};

template <class Real>
POTLUCK_INLINE void distances(const MixtureLaws<Real>& laws, const Scratch<Real>& scratch) {
  const int64_t n = laws.n;
  for (int64_t k = 0; k < laws.components; ++k) {
    const Real* mean = laws.mean + k * n;
    double* distance = scratch.distance + k * kLanes;
    if (laws.full) {
      double sum[kLanes] = {};
      for (int64_t i = 0; i < n; ++i)
        POTLUCK_FOR_LANES (l) scratch.difference[i * kLanes + l] = scratch.x[i * kLanes + l] - mean[i];
      Real* product = scratch.product + k * n * kLanes;
      multiply_lanes<Real>(laws.precision + k * n * n, n, n, scratch.difference, nullptr, Real(1), product);
      dot_lanes(scratch.difference, product, n, sum);
      POTLUCK_FOR_LANES (l) distance[l] = 0.5 * sum[l] + laws.constant[k];
    } else {
      const Real* precision = laws.precision + k * n;
      const auto term = [&](int64_t i, int64_t l) {
        const Real difference = scratch.x[i * kLanes + l] - mean[i];
        return static_cast<double>(precision[i] * difference * difference);
      };
      double sum[kLanes];  // begun with the first coordinate: to zero it first takes as long as to add one
      POTLUCK_FOR_LANES (l) sum[l] = term(0, l);
      for (int64_t i = 1; i < n; ++i)
        POTLUCK_FOR_LANES (l) sum[l] += term(i, l);
      POTLUCK_FOR_LANES (l) distance[l] = 0.5 * sum[l] + laws.constant[k];
    }
  }
}

/// Energies of the lanes, and the components' shares of each in `scratch.share`.
template <class Real>
POTLUCK_INLINE void shares(const MixtureLaws<Real>& laws, const Scratch<Real>& scratch, double* energy) {
  double least[kLanes];
  POTLUCK_FOR_LANES (l) least[l] = scratch.distance[l];
  for (int64_t k = 1; k < laws.components; ++k)
    POTLUCK_FOR_LANES (l) {
      const double distance = scratch.distance[k * kLanes + l];
      least[l] = distance < least[l] ? distance : least[l];
    }
  Real total[kLanes] = {};
  for (int64_t k = 0; k < laws.components; ++k)
    POTLUCK_FOR_LANES (l) {
      const Real share = exponential(static_cast<Real>(least[l] - scratch.distance[k * kLanes + l]));
      scratch.share[k * kLanes + l] = share;
      total[l] += share;
    }
  // The nearest component adds exactly 1 to the total.
  POTLUCK_FOR_LANES (l) energy[l] = least[l] - log_one_plus(static_cast<double>(total[l]) - 1.0);
  POTLUCK_FOR_LANES (l) total[l] = Real(1) / total[l];
  for (int64_t k = 0; k < laws.components; ++k)
    POTLUCK_FOR_LANES (l) scratch.share[k * kLanes + l] *= total[l];
}

template <class Real>
POTLUCK_INLINE void gradients(const MixtureLaws<Real>& laws, const Scratch<Real>& scratch) {
  const int64_t n = laws.n;
  for (int64_t i = 0; i < n; ++i) {
    Real sum[kLanes] = {};
    for (int64_t k = 0; k < laws.components; ++k) {
      const Real* share = scratch.share + k * kLanes;
      if (laws.full) {
        const Real* product = scratch.product + (k * n + i) * kLanes;
        POTLUCK_FOR_LANES (l) sum[l] += share[l] * product[l];
      } else {
        const Real mean = laws.mean[k * n + i], precision = laws.precision[k * n + i];
        POTLUCK_FOR_LANES (l) sum[l] += share[l] * (precision * (scratch.x[i * kLanes + l] - mean));
      }
    }
    POTLUCK_FOR_LANES (l) scratch.gradient[i * kLanes + l] = sum[l];
  }
}

template <class Real>
POTLUCK_INLINE void run_lanes(const MixtureTask<Real>& task) {
  const Scratch<Real> scratch(task.laws, task.workspace);
  for (int64_t first = 0; first < task.rows; first += kLanes) {
    const int64_t count = std::min(kLanes, task.rows - first);
    load_next_rows(task.x, task.laws.n, first, count, scratch.x);
    distances(task.laws, scratch);
    double energy[kLanes];
    shares(task.laws, scratch, energy);
    if (task.energy != nullptr)
      for (int64_t l = 0; l < count; ++l) task.energy[first + l] = energy[l];
    if (task.gradient == nullptr) continue;
    gradients(task.laws, scratch);
    store_next_rows(scratch.gradient, task.laws.n, first, count, task.row_weight, task.accumulate, task.gradient);
  }
}

}  // namespace

POTLUCK_VECTOR_VERSIONS void run(const MixtureTask<float>& task) { run_lanes(task); }
POTLUCK_VECTOR_VERSIONS void run(const MixtureTask<double>& task) { run_lanes(task); }

template <class Real>
int64_t mixture_workspace_bytes(const MixtureLaws<Real>& laws) {
  const int64_t numbers = laws.components + (2 + (laws.full ? 1 + laws.components : 0)) * laws.n;
  return kLanes *
         (laws.components * static_cast<int64_t>(sizeof(double)) + numbers * static_cast<int64_t>(sizeof(Real)));
}
template int64_t mixture_workspace_bytes(const MixtureLaws<float>&);
template int64_t mixture_workspace_bytes(const MixtureLaws<double>&);

}  // namespace potluck::models
