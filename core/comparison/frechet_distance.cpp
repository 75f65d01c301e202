// SPDX-License-Identifier: Apache-2.0
#include "core/comparison/frechet_distance.h"

#include <Eigen/Dense>
#include <algorithm>

namespace potluck {
namespace {

using Table = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct Normal {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};

Normal fitted(const Rows& rows) {
  const Eigen::Map<const Table> table(rows.values.data(), rows.count(), rows.size);
  Normal found;
  found.mean = table.colwise().mean().transpose();
  const Table centred = table.rowwise() - found.mean.transpose();
  found.covariance = centred.transpose() * centred / static_cast<double>(rows.count() - 1);
  return found;
}

using Solver = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>;

}  // namespace

double squared_frechet_distance(const Rows& first, const Rows& second) {
  const Normal a = fitted(first), b = fitted(second);
  const Solver of_a(a.covariance);
  const Eigen::VectorXd roots = of_a.eigenvalues().cwiseMax(0).cwiseSqrt();
  const Eigen::MatrixXd root = of_a.eigenvectors() * roots.asDiagonal() * of_a.eigenvectors().transpose();
  const Solver of_product(root * b.covariance * root, Eigen::EigenvaluesOnly);
  const double cross = of_product.eigenvalues().cwiseMax(0).cwiseSqrt().sum();
  const double squared = (a.mean - b.mean).squaredNorm() + a.covariance.trace() + b.covariance.trace() - 2 * cross;
  return std::max(0.0, squared);
}

}  // namespace potluck
