// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "plugins/conformance/finding.h"

namespace potluck::conformance {

namespace {

constexpr unsigned char kBuffer = 0x3f;  ///< stands in the sums of buffers: numbers of about 1, to which adding shows

/// Cotangents of both signs and several sizes, different in neighbouring rows.
double cotangent_of(int64_t row) {
  constexpr double kCotangent[] = {0.5, -1, 0.25, 2, -0.125, 0.75, -1.5};
  return kCotangent[row % 7];
}

ModelParameter sum_like(const ModelParameter& parameter, GuardedBytes& bytes) {
  ModelParameter sum = parameter;
  sum.data = bytes.data();
  return sum;
}

/// @throws FailedCheck where the sum of a buffer was written
void check_buffer(const ModelParameter& parameter, const GuardedBytes& sum) {
  const bool left_alone =
      std::all_of(sum.data(), sum.data() + sum.bytes(), [](std::byte byte) { return byte == std::byte{kBuffer}; });
  if (parameter.trainable || left_alone) return;
  throw FailedCheck(failed(fmt::format("the gradient of buffer '{}' must be left alone, got another", parameter.name),
                           "Only the sums of trainable parameters are written"));
}

}  // namespace

double number_of(const ModelParameter& array, int64_t at) {
  return array.type == POTLUCK_FLOAT64 ? static_cast<const double*>(array.data)[at]
                                       : static_cast<double>(static_cast<const float*>(array.data)[at]);
}

void set_number(const ModelParameter& array, int64_t at, double value) {
  if (array.type == POTLUCK_FLOAT64)
    static_cast<double*>(array.data)[at] = value;
  else
    static_cast<float*>(array.data)[at] = static_cast<float>(value);
}

Lesson part_of(const Model& model, const Lesson& lesson, int64_t first, int64_t rows) {
  std::vector<int64_t> some;
  for (int64_t b = first; b < first + rows; ++b) some.push_back(b);
  return {rows_of(model, lesson.batch, some),
          rows_of(model, lesson.direction, some),
          {lesson.cotangent.begin() + first, lesson.cotangent.begin() + first + rows}};
}

bool Learner::learns() const {
  return std::any_of(parameters_.begin(), parameters_.end(),
                     [](const ModelParameter& parameter) { return parameter.trainable; });
}

Lesson Learner::lesson(int64_t rows, uint32_t salt) const {
  Lesson lesson;
  lesson.batch = subject_.finite_points(model_, rows, salt, 2);
  lesson.direction = subject_.points(model_, lesson.batch.rows, salt + 1);
  for (int64_t b = 0; b < lesson.batch.rows; ++b) lesson.cotangent.push_back(cotangent_of(b));
  return lesson;
}

std::vector<void*> Learner::begin_sums(std::vector<GuardedBytes>& sums, double start) const {
  std::vector<void*> pointers;
  for (const ModelParameter& parameter : parameters_) {
    pointers.push_back(sums.emplace_back(parameter.bytes(), kBuffer).data());
    const ModelParameter sum = sum_like(parameter, sums.back());
    for (int64_t at = 0; at < sum.size() && sum.trainable; ++at) set_number(sum, at, start);
  }
  return pointers;
}

std::optional<Sums> Learner::added_to(std::vector<GuardedBytes>& sums, double start, bool done,
                                      const char* call) const {
  Sums added(parameters_.size());
  for (size_t p = 0; p < sums.size(); ++p) {
    check_buffer(parameters_[p], sums[p]);
    const ModelParameter sum = sum_like(parameters_[p], sums[p]);
    for (int64_t at = 0; at < sum.size() && sum.trainable; ++at) {
      added[p].push_back(number_of(sum, at) - start);
      if (!done && added[p].back() != 0)
        throw FailedCheck(failed(fmt::format("{}() must add nothing where it answers "
                                             "POTLUCK_UNSUPPORTED, got {:.3g} in '{}'",
                                             call, added[p].back(), sum.name),
                                 "Say so before anything is added"));
    }
  }
  if (!done) return std::nullopt;
  return added;
}

std::optional<Sums> Learner::gradient(const Lesson& lesson, Sought sought, double start) const {
  Arrays input(model_, lesson.batch), tangent(model_, lesson.direction);
  for (size_t i = 0; i < lesson.batch.values.size(); ++i)
    if (model_.kind().inputs[i].categorical) tangent.pointers()[i] = nullptr;
  GuardedBytes cotangent(lesson.cotangent.size() * sizeof(double));
  std::memcpy(cotangent.data(), lesson.cotangent.data(), cotangent.bytes());
  GuardedBytes workspace(model_.workspace_bytes(lesson.batch.rows));
  std::vector<GuardedBytes> sums;
  const std::vector<void*> pointers = begin_sums(sums, start);

  Lent lent("parameter_gradient");
  lent.read(input, model_);
  lent.read(tangent, model_, "the tangent of ");
  lent.read("the cotangents", cotangent);
  lent.written("the workspace", workspace);
  for (size_t p = 0; p < sums.size(); ++p)
    lent.written(fmt::format("the gradient of parameter '{}'", parameters_[p].name), sums[p]);
  const potluck_call call = {sizeof call, lesson.batch.rows, input.pointers(), nullptr, nullptr, nullptr, 0,
                             1,           workspace.data(),  nullptr};
  const bool done =
      model_.parameter_gradient(call, sought.cotangent ? reinterpret_cast<const double*>(cotangent.data()) : nullptr,
                                sought.tangent ? tangent.pointers() : nullptr, pointers.data());
  lent.check();

  return added_to(sums, start, done, "parameter_gradient");
}

std::optional<Sums> Learner::log_normaliser_gradient(const Lesson& lesson) const {
  constexpr double kStart = 0.5;  // what is added is told from what is written
  Arrays input(model_, lesson.batch);
  for (size_t i = 0; i < lesson.batch.values.size(); ++i)
    if (!model_.kind().inputs[i].parent) input.pointers()[i] = nullptr;
  GuardedBytes workspace(model_.workspace_bytes(lesson.batch.rows));
  std::vector<GuardedBytes> sums;
  const std::vector<void*> pointers = begin_sums(sums, kStart);
  Lent lent("log_normaliser_gradient");
  for (size_t p = 0; p < sums.size(); ++p)
    lent.written(fmt::format("the gradient of parameter '{}'", parameters_[p].name), sums[p]);
  const potluck_call call = {sizeof call, lesson.batch.rows, input.pointers(), nullptr, nullptr, nullptr, 0,
                             1,           workspace.data(),  nullptr};
  const bool done = model_.log_normaliser_gradient(call, lesson.cotangent.data(), pointers.data());
  lent.check();
  return added_to(sums, kStart, done, "log_normaliser_gradient");
}

void Learner::move(size_t p, int64_t at, double value) {
  set_number(parameters_[p], at, value);
  model_.parameters_changed();
}

void Learner::copy(const Learner& other) {
  for (size_t p = 0; p < parameters_.size(); ++p) {
    if (parameters_[p].type == POTLUCK_INT64) {
      std::memcpy(parameters_[p].data, other.parameters_[p].data, parameters_[p].bytes());
      continue;
    }
    for (int64_t at = 0; at < parameters_[p].size(); ++at)
      set_number(parameters_[p], at, number_of(other.parameters_[p], at));
  }
  model_.parameters_changed();
}

bool Learner::same_parameters(const Learner& other) const {
  return std::equal(parameters_.begin(), parameters_.end(), other.parameters_.begin(), other.parameters_.end(),
                    [](const ModelParameter& a, const ModelParameter& b) {
                      return a.name == b.name && a.shape == b.shape && a.trainable == b.trainable &&
                             (a.type == POTLUCK_INT64) == (b.type == POTLUCK_INT64);
                    });
}

}  // namespace potluck::conformance
