// SPDX-License-Identifier: Apache-2.0
// All small models of the tests, behind one table of C functions.
#include "tests/compose/small_models.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace potluck::testing {

namespace {

constexpr double kLogTwoPi = 1.8378770664093454836;

/// Everything behind one potluck_model_kind.
struct Behind {
  std::string name;
  std::vector<std::string> input_names;
  Make make;
  std::vector<potluck_input> inputs;
  std::vector<const potluck_input*> input_pointers;
  potluck_model_kind table{};
};

struct Created {
  const Behind* behind;
  std::vector<int64_t> sizes, categories;
  int32_t type = 0;
  std::unique_ptr<SmallModel> model;
  std::vector<std::vector<double>> storage;  ///< of the parameters, in the run's type
  std::vector<potluck_array> arrays;
  std::vector<potluck_array*> array_pointers;

  bool categorical(size_t i) const { return behind->input_names[i] == "label"; }
  bool parent(size_t i) const { return behind->input_names[i] != "x"; }
  double read(size_t i, const void* rows, int64_t at) const {
    if (categorical(i)) return static_cast<double>(static_cast<const int64_t*>(rows)[at]);
    if (type == POTLUCK_FLOAT32) return static_cast<double>(static_cast<const float*>(rows)[at]);
    return static_cast<const double*>(rows)[at];
  }
  void write(void* rows, int64_t at, double value, bool add) const {
    if (type == POTLUCK_FLOAT32) {
      float& place = static_cast<float*>(rows)[at];
      place = add ? place + static_cast<float>(value) : static_cast<float>(value);
    } else {
      double& place = static_cast<double*>(rows)[at];
      place = add ? place + value : value;
    }
  }
  std::vector<double> row(const potluck_call& call, int64_t at) const {
    std::vector<double> x;
    for (size_t i = 0; i < sizes.size(); ++i)
      for (int64_t j = 0; j < sizes[i]; ++j)
        x.push_back(call.input[i] ? read(i, call.input[i], at * sizes[i] + j) : std::nan(""));
    return x;
  }
  void give(const potluck_call& call, int64_t at, const std::vector<double>& gradient) const {
    const double weight = call.row_weight ? call.row_weight[at] : 1;
    int64_t k = 0;
    for (size_t i = 0; i < sizes.size(); ++i)
      for (int64_t j = 0; j < sizes[i]; ++j, ++k)
        if (call.gradient[i])
          write(call.gradient[i], at * sizes[i] + j, weight * gradient[static_cast<size_t>(k)], call.accumulate != 0);
  }
};

const Created& created(const potluck_model* model) { return *reinterpret_cast<const Created*>(model); }

int facts(const potluck_model* model, potluck_facts* out, potluck_error*) {
  out->abilities = created(model).model->abilities;
  out->least_energy = created(model).model->least;
  out->draw_uniforms = created(model).model->uniforms;
  out->preferred_rows = created(model).model->preferred_rows;
  return POTLUCK_OK;
}

int evaluate(const potluck_model* model, const potluck_call* call, potluck_error*) {
  const Created& self = created(model);
  const bool accumulates = (self.model->abilities & POTLUCK_CAN_ACCUMULATE) != 0;
  if (!accumulates && (call->accumulate || call->row_weight)) return POTLUCK_INTERNAL;
  ++evaluate_calls();
  for (int64_t at = 0; at < call->rows; ++at) {
    const std::vector<double> x = self.row(*call, at);
    std::vector<double> gradient(x.size(), 0);
    const double energy = self.model->energy(x, gradient);
    if (call->energy) call->energy[at] = energy;
    if (call->gradient) self.give(*call, at, gradient);
  }
  return POTLUCK_OK;
}

int log_normaliser(const potluck_model* model, const potluck_call* given, double* log_z, potluck_error*) {
  const Created& self = created(model);
  for (int64_t at = 0; at < given->rows; ++at) {
    const std::vector<double> x = self.row(*given, at);
    std::vector<double> gradient(x.size(), 0);
    if (!self.model->log_z(x, log_z[at], gradient)) return POTLUCK_UNSUPPORTED;
    if (given->gradient) self.give(*given, at, gradient);
  }
  return POTLUCK_OK;
}

/// Only all inputs open, or all but a label.
int quadratic(const potluck_model* model, const potluck_call* given, double* precision, double* linear,
              double* constant, potluck_error*) {
  ++quadratic_calls();
  const Created& self = created(model);
  for (size_t i = 0; i < self.sizes.size(); ++i)
    if (given->input[i]) return POTLUCK_UNSUPPORTED;
  std::vector<double> p, h;
  if (!self.model->quadratic(p, h, *constant)) return POTLUCK_UNSUPPORTED;
  std::copy(p.begin(), p.end(), precision);
  std::copy(h.begin(), h.end(), linear);
  return POTLUCK_OK;
}

int draw(const potluck_model* model, const potluck_call* given, const uint8_t* const* held, const double* uniforms,
         void* const* out, potluck_error*) {
  const Created& self = created(model);
  if (held) return POTLUCK_UNSUPPORTED;
  for (int64_t at = 0; at < given->rows; ++at) {
    std::vector<double> drawn;
    if (!self.model->draw(self.row(*given, at), uniforms + at * self.model->uniforms, drawn))
      return POTLUCK_UNSUPPORTED;
    size_t k = 0;
    for (size_t i = 0; i < self.sizes.size(); ++i)
      for (int64_t j = 0; j < self.sizes[i] && out[i]; ++j)
        self.write(out[i], at * self.sizes[i] + j, drawn[k++], false);
  }
  return POTLUCK_OK;
}

int parameters(potluck_model* model, int64_t* count, potluck_array* const** arrays, potluck_error*) {
  Created& self = *reinterpret_cast<Created*>(model);
  if (self.arrays.empty()) return POTLUCK_UNSUPPORTED;
  *count = static_cast<int64_t>(self.arrays.size());
  *arrays = self.array_pointers.data();
  return POTLUCK_OK;
}

int parameters_changed(potluck_model* model, void*, potluck_error*) {
  Created& self = *reinterpret_cast<Created*>(model);
  for (size_t p = 0; p < self.arrays.size(); ++p) {
    std::vector<double>& value = self.model->parameters[p].value;
    for (size_t k = 0; k < value.size(); ++k)
      value[k] = self.type == POTLUCK_FLOAT32 ? static_cast<double>(static_cast<float*>(self.arrays[p].data)[k])
                                              : static_cast<double*>(self.arrays[p].data)[k];
  }
  return POTLUCK_OK;
}

int parameter_gradient(const potluck_model* model, const potluck_call* call, const double* cotangent,
                       const void* const* tangent, void* const* sum, potluck_error*) {
  const Created& self = created(model);
  std::vector<std::vector<double>> sums;
  for (const SmallParameter& parameter : self.model->parameters) sums.emplace_back(parameter.value.size(), 0.0);
  for (int64_t at = 0; at < call->rows; ++at) {
    std::vector<double> along;
    for (size_t i = 0; i < self.sizes.size() && tangent; ++i)
      for (int64_t j = 0; j < self.sizes[i]; ++j)
        along.push_back(tangent[i] ? self.read(i, tangent[i], at * self.sizes[i] + j) : 0);
    if (!self.model->parameter_slopes(self.row(*call, at), cotangent ? cotangent[at] : 0, along, sums))
      return POTLUCK_UNSUPPORTED;
  }
  for (size_t p = 0; p < sums.size(); ++p)
    for (size_t k = 0; k < sums[p].size() && self.model->parameters[p].trainable; ++k)
      self.write(sum[p], static_cast<int64_t>(k), sums[p][k], true);
  return POTLUCK_OK;
}

/// Of an input of one label.
int category_energies(const potluck_model* model, const potluck_call* call, int32_t input, double* energy,
                      potluck_error*) {
  const Created& self = created(model);
  const auto i = static_cast<size_t>(input);
  if (!self.categorical(i) || self.sizes[i] != 1 || self.categories[i] == 0) return POTLUCK_UNSUPPORTED;
  const auto place = static_cast<size_t>(
      std::accumulate(self.sizes.begin(), self.sizes.begin() + static_cast<std::ptrdiff_t>(i), int64_t{0}));
  for (int64_t at = 0; at < call->rows; ++at) {
    std::vector<double> x = self.row(*call, at), gradient(x.size());
    for (int64_t k = 0; k < self.categories[i]; ++k) {
      x[place] = static_cast<double>(k);
      energy[at * self.categories[i] + k] = self.model->energy(x, gradient);
    }
  }
  return POTLUCK_OK;
}

void destroy(potluck_model* model) { delete reinterpret_cast<Created*>(model); }

/// create() has no place for what it belongs to, so each kind gets its own function from this list.
constexpr int kMostKinds = 32;
std::vector<std::unique_ptr<Behind>>& all_behind() {
  static std::vector<std::unique_ptr<Behind>> all;
  return all;
}

/// Arrays in the run's type, as the model has set its parameters.
void give_parameters(Created& self) {
  for (const SmallParameter& parameter : self.model->parameters) {
    self.storage.push_back(parameter.value);
    self.arrays.push_back({sizeof(potluck_array), parameter.name.c_str(), self.type, POTLUCK_CPU,
                           static_cast<int64_t>(parameter.shape.size()), parameter.shape.data(),
                           self.storage.back().data(), parameter.trainable});
    for (size_t k = 0; k < parameter.value.size(); ++k)
      self.write(self.storage.back().data(), static_cast<int64_t>(k), parameter.value[k], false);
  }
  for (potluck_array& array : self.arrays) self.array_pointers.push_back(&array);
  parameters_changed(reinterpret_cast<potluck_model*>(&self), nullptr, nullptr);  // rounded to that type
}

template <int kIndex>
int create(const potluck_setup* setup, potluck_model** model, potluck_error* error) {
  ++models_created();
  const Behind& behind = *all_behind()[kIndex];
  auto self = std::make_unique<Created>();
  self->behind = &behind;
  self->type = setup->type;
  for (size_t i = 0; i < behind.input_names.size(); ++i) {
    int64_t size = setup->slots[i] ? 1 : 0;
    for (int64_t d = 0; size > 0 && d < setup->slots[i]->rank; ++d) size *= setup->slots[i]->shape[d];
    self->sizes.push_back(size);
    self->categories.push_back(setup->slots[i] ? setup->slots[i]->categories : 0);
  }
  std::vector<std::vector<double>> values;
  for (size_t s = 0; behind.table.settings && behind.table.settings[s]; ++s)
    values.emplace_back(setup->values[s]->real, setup->values[s]->real + setup->values[s]->count);
  self->model = behind.make(self->sizes, values);
  if (!self->model) {
    std::strncpy(error->text, "mean must have as many numbers as x", error->capacity - 1);
    error->about = POTLUCK_ABOUT_SETTING;
    error->index = 0;
    return POTLUCK_BAD_SETTING;
  }
  give_parameters(*self);
  *model = reinterpret_cast<potluck_model*>(self.release());
  return POTLUCK_OK;
}

using CreateFunction = int (*)(const potluck_setup*, potluck_model**, potluck_error*);
template <int... kIndices>
CreateFunction create_function(int index, std::integer_sequence<int, kIndices...>) {
  static const CreateFunction functions[] = {create<kIndices>...};
  return functions[index];
}

const potluck_setting kSetting = {
    sizeof(potluck_setting), "numbers", POTLUCK_REAL | POTLUCK_LIST, "", "1", -INFINITY, INFINITY, nullptr, ""};
const potluck_setting* const kNoSetting[] = {nullptr};
const potluck_setting* const kOneSetting[] = {&kSetting, nullptr};
const potluck_setting* const kTwoSettings[] = {&kSetting, &kSetting, nullptr};

class Gauss : public SmallModel {
 public:
  Gauss(std::vector<double> mean, std::vector<double> precision)
      : mean_(std::move(mean)), precision_(mean_.size() * mean_.size(), 0) {
    const size_t n = mean_.size();
    for (size_t i = 0; i < n * n; ++i) {
      if (precision.size() == n * n)
        precision_[i] = precision[i];
      else if (i % (n + 1) == 0)
        precision_[i] = precision[0];
    }
  }
  double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
    const size_t n = mean_.size();
    double energy = 0;
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) gradient[i] += precision_[i * n + j] * (x[j] - mean_[j]);
      energy += 0.5 * (x[i] - mean_[i]) * gradient[i];
    }
    for (double& g : gradient) g *= factor;
    return energy;
  }
  bool log_z(const std::vector<double>&, double& value, std::vector<double>&) const override {
    if (!says_log_z) return false;
    value = 0.5 * static_cast<double>(mean_.size()) * kLogTwoPi - 0.5 * log_determinant();
    return true;
  }
  bool quadratic(std::vector<double>& p, std::vector<double>& h, double& c) const override {
    if (!says_quadratic) return false;
    p = precision_;
    h.assign(mean_.size(), 0);
    c = 0;
    const size_t n = mean_.size();
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) h[i] += precision_[i * n + j] * mean_[j];
      c += 0.5 * mean_[i] * h[i];
    }
    return true;
  }
  /// Box-Muller, for a precision that is diagonal.
  bool draw(const std::vector<double>&, const double* u, std::vector<double>& x) const override {
    const size_t n = mean_.size();
    for (size_t i = 0; i < n; ++i)
      x.push_back(mean_[i] + std::sqrt(-2 * std::log(u[2 * i])) * std::cos(2 * std::numbers::pi * u[2 * i + 1]) /
                                 std::sqrt(precision_[i * n + i]));
    return true;
  }
  double factor = 1;
  bool says_log_z = true, says_quadratic = true;

 private:
  double log_determinant() const {  // Gaussian elimination
    std::vector<double> a = precision_;
    const size_t n = mean_.size();
    double sum = 0;
    for (size_t k = 0; k < n; ++k) {
      sum += std::log(a[k * n + k]);
      for (size_t i = k + 1; i < n; ++i)
        for (size_t j = n; j-- > k;) a[i * n + j] -= a[i * n + k] / a[k * n + k] * a[k * n + j];
    }
    return sum;
  }
  std::vector<double> mean_, precision_;
};

Make gauss_with(const std::function<void(Gauss&)>& change) {
  return [change](const std::vector<int64_t>& sizes, const std::vector<std::vector<double>>& values) {
    if (static_cast<int64_t>(values[0].size()) != sizes[0]) return std::unique_ptr<SmallModel>();
    auto model = std::make_unique<Gauss>(values[0], values[1]);
    model->uniforms = 2 * sizes[0];
    change(*model);
    return std::unique_ptr<SmallModel>(std::move(model));
  };
}

class Box : public SmallModel {
 public:
  Box(std::vector<double> centre, double half) : centre_(std::move(centre)), half_(half) {
    abilities = (abilities | POTLUCK_HARD_WALLS) & ~static_cast<uint64_t>(POTLUCK_BOUNDED_ON_BOXES);
  }
  double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
    for (size_t i = 0; i < x.size(); ++i)
      if (std::abs(x[i] - centre_[i]) > half_) {
        gradient.assign(x.size(), std::nan(""));
        return INFINITY;
      }
    return 0;
  }
  bool log_z(const std::vector<double>& x, double& value, std::vector<double>&) const override {
    value = static_cast<double>(x.size()) * std::log(2 * half_);
    return true;
  }

 private:
  std::vector<double> centre_;
  double half_;
};

class Quartic : public SmallModel {
 public:
  double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
    double energy = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      energy += x[i] * x[i] * x[i] * x[i];
      gradient[i] = 4 * x[i] * x[i] * x[i];
    }
    return energy;
  }
};

class Linear : public SmallModel {
 public:
  Linear(int64_t n, int64_t k, std::vector<double> w, double s)
      : n_(static_cast<size_t>(n)), k_(static_cast<size_t>(k)), w_(std::move(w)), precision_(1 / (s * s)) {}
  double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
    double energy = 0;
    for (size_t i = 0; i < n_; ++i) {
      double r = x[i];
      for (size_t j = 0; j < k_; ++j) r -= w_[i * k_ + j] * x[n_ + j];
      energy += 0.5 * precision_ * r * r;
      gradient[i] = precision_ * r;
      for (size_t j = 0; j < k_; ++j) gradient[n_ + j] -= precision_ * r * w_[i * k_ + j];
    }
    return energy;
  }
  bool log_z(const std::vector<double>&, double& value, std::vector<double>&) const override {
    value = 0.5 * static_cast<double>(n_) * (kLogTwoPi - std::log(precision_));
    return true;
  }
  bool quadratic(std::vector<double>& p, std::vector<double>& h, double& c) const override {
    const size_t all = n_ + k_;
    p.assign(all * all, 0);
    h.assign(all, 0);
    c = 0;
    for (size_t i = 0; i < n_; ++i) {
      std::vector<double> row(all, 0);  // r_i = row . (x, z)
      row[i] = 1;
      for (size_t j = 0; j < k_; ++j) row[n_ + j] = -w_[i * k_ + j];
      for (size_t a = 0; a < all; ++a)
        for (size_t b = 0; b < all; ++b) p[a * all + b] += precision_ * row[a] * row[b];
    }
    return true;
  }
  bool draw(const std::vector<double>& x, const double* u, std::vector<double>& out) const override {
    for (size_t i = 0; i < n_; ++i) {
      double mean = 0;
      for (size_t j = 0; j < k_; ++j) mean += w_[i * k_ + j] * x[n_ + j];
      out.push_back(mean +
                    std::sqrt(-2 * std::log(u[2 * i]) / precision_) * std::cos(2 * std::numbers::pi * u[2 * i + 1]));
    }
    return true;
  }

 private:
  size_t n_, k_;
  std::vector<double> w_;
  double precision_;
};

class Stretched : public SmallModel {
 public:
  double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
    const double scale = std::exp(-x.back());
    double energy = 0;
    for (size_t i = 0; i + 1 < x.size(); ++i) {
      energy += 0.5 * scale * x[i] * x[i];
      gradient[i] = scale * x[i];
    }
    gradient.back() = -energy;
    return energy;
  }
  bool log_z(const std::vector<double>& x, double& value, std::vector<double>& gradient) const override {
    const double n = static_cast<double>(x.size()) - 1;
    value = 0.5 * n * (kLogTwoPi + x.back());
    gradient.back() = 0.5 * n;
    return true;
  }
};

class Labelled : public SmallModel {
 public:
  explicit Labelled(std::vector<double> means) : means_(std::move(means)) {}
  double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
    const double mean = means_.at(static_cast<size_t>(x.back()));
    double energy = 0;
    for (size_t i = 0; i + 1 < x.size(); ++i) {
      energy += 0.5 * (x[i] - mean) * (x[i] - mean);
      gradient[i] = x[i] - mean;
    }
    return energy;
  }
  bool log_z(const std::vector<double>& x, double& value, std::vector<double>&) const override {
    value = 0.5 * (static_cast<double>(x.size()) - 1) * kLogTwoPi;
    return true;
  }

 private:
  std::vector<double> means_;
};

class Constant : public SmallModel {
 public:
  explicit Constant(double value) : value_(value) {}
  double energy(const std::vector<double>&, std::vector<double>& gradient) const override {
    if (!std::isfinite(value_)) gradient.assign(gradient.size(), std::nan(""));
    return value_;
  }
  bool log_z(const std::vector<double>&, double& value, std::vector<double>&) const override {
    value = 0;
    return true;
  }

 private:
  double value_;
};

}  // namespace

std::atomic<int64_t>& evaluate_calls() {
  static std::atomic<int64_t> calls{0};
  return calls;
}

std::atomic<int64_t>& quadratic_calls() {
  static std::atomic<int64_t> count{0};
  return count;
}

std::atomic<int64_t>& models_created() {
  static std::atomic<int64_t> count{0};
  return count;
}

std::unique_ptr<ModelKind> small_kind(const std::string& name, const std::vector<std::string>& inputs, int settings,
                                      Make make) {
  auto behind = std::make_unique<Behind>();
  behind->name = name;
  behind->input_names = inputs;
  behind->make = std::move(make);
  for (const std::string& input : behind->input_names)
    behind->inputs.push_back({sizeof(potluck_input), input.c_str(),
                              input == "label" ? POTLUCK_CATEGORICAL : POTLUCK_CONTINUOUS,
                              input == "x" ? POTLUCK_DRAWN : POTLUCK_PARENT, "", input == "maybe", 0, 0});
  for (const potluck_input& input : behind->inputs) behind->input_pointers.push_back(&input);
  behind->input_pointers.push_back(nullptr);
  potluck_model_kind& table = behind->table;
  table.size = sizeof(table);
  table.name = behind->name.c_str();
  table.inputs = behind->input_pointers.data();
  table.settings = settings == 0 ? kNoSetting : settings == 1 ? kOneSetting : kTwoSettings;
  table.create = create_function(static_cast<int>(all_behind().size()), std::make_integer_sequence<int, kMostKinds>());
  table.destroy = destroy;
  table.facts = facts;
  table.evaluate = evaluate;
  table.log_normaliser = log_normaliser;
  table.quadratic = quadratic;
  table.draw = draw;
  table.parameters = parameters;
  table.parameters_changed = parameters_changed;
  table.parameter_gradient = parameter_gradient;
  table.category_energies = category_energies;
  auto kind = std::make_unique<ModelKind>();
  kind->name = name;
  for (const std::string& input : inputs)
    kind->inputs.push_back({input, input == "label", input != "x", "", input == "maybe"});
  kind->settings.resize(static_cast<size_t>(settings));
  kind->plugin_id = "small";
  kind->plugin_version = "1.0.0";
  kind->table = &table;
  all_behind().push_back(std::move(behind));
  return kind;
}

const ModelKind& gauss() {
  static const auto kind = small_kind("gauss", {"x"}, 2, gauss_with([](Gauss&) {}));
  return *kind;
}
const ModelKind& gauss_that_overwrites() {
  static const auto kind =
      small_kind("gauss_that_overwrites", {"x"}, 2,
                 gauss_with([](Gauss& model) { model.abilities &= ~static_cast<uint64_t>(POTLUCK_CAN_ACCUMULATE); }));
  return *kind;
}
const ModelKind& gauss_without_log_z() {
  static const auto kind =
      small_kind("gauss_without_log_z", {"x"}, 2, gauss_with([](Gauss& model) { model.says_log_z = false; }));
  return *kind;
}
const ModelKind& gauss_unknown() {
  static const auto kind = small_kind("gauss_unknown", {"x"}, 2, gauss_with([](Gauss& model) {
                                        model.says_log_z = false;
                                        model.says_quadratic = false;
                                      }));
  return *kind;
}
const ModelKind& gauss_broken() {
  static const auto kind = small_kind("gauss_broken", {"x"}, 2, gauss_with([](Gauss& model) { model.factor = 1.01; }));
  return *kind;
}
const ModelKind& box() {
  static const auto kind =
      small_kind("box", {"x"}, 2, [](const std::vector<int64_t>&, const std::vector<std::vector<double>>& values) {
        return std::make_unique<Box>(values[0], values[1][0]);
      });
  return *kind;
}
const ModelKind& quartic() {
  static const auto kind = small_kind(
      "quartic", {"x"}, 0,
      [](const std::vector<int64_t>&, const std::vector<std::vector<double>>&) { return std::make_unique<Quartic>(); });
  return *kind;
}
const ModelKind& linear() {
  static const auto kind = small_kind(
      "linear", {"x", "z"}, 2, [](const std::vector<int64_t>& sizes, const std::vector<std::vector<double>>& values) {
        auto model = std::make_unique<Linear>(sizes[0], sizes[1], values[0], values[1][0]);
        model->uniforms = 2 * sizes[0];
        return model;
      });
  return *kind;
}
const ModelKind& stretched() {
  static const auto kind =
      small_kind("stretched", {"x", "z"}, 0, [](const std::vector<int64_t>&, const std::vector<std::vector<double>>&) {
        return std::make_unique<Stretched>();
      });
  return *kind;
}
const ModelKind& labelled() {
  static const auto kind = small_kind("labelled", {"x", "label"}, 1,
                                      [](const std::vector<int64_t>&, const std::vector<std::vector<double>>& values) {
                                        return std::make_unique<Labelled>(values[0]);
                                      });
  return *kind;
}
const ModelKind& constant() {
  static const auto kind =
      small_kind("constant", {"x"}, 1, [](const std::vector<int64_t>&, const std::vector<std::vector<double>>& values) {
        return std::make_unique<Constant>(values[0][0]);
      });
  return *kind;
}

}  // namespace potluck::testing
