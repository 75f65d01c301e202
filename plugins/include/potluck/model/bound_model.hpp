// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "potluck/model/call.hpp"
#include "potluck/model/setup.hpp"

namespace potluck::plugin {

/// What only a created model knows. A model without `Facts facts() const` has these defaults. Claim only what holds:
/// the host decides by these what may be composed, and the conformance kit checks them.
struct Facts {
  double least_energy = -std::numeric_limits<double>::infinity();  ///< a lower bound of E
  bool integrable = false;  ///< exp(-E) has a finite integral over the drawn inputs' natural domain, for all parents
  bool bounded_on_boxes = false;     ///< |E| is finite on every bounded box
  bool hard_walls = false;           ///< may return +infinity inside a variable's support
  bool accumulates = false;          ///< honours row weights and accumulation (given to models with `energy(Row)`)
  bool rows_alone = false;           ///< a row's bits do not depend on the others (given to models with `energy(Row)`)
  bool thread_safe = true;           ///< const functions may run on one model from several threads
  bool cuda = false;                 ///< `evaluate` runs on the GPU too (given to models with `evaluate_cuda`)
  bool graph_capturable = false;     ///< on CUDA: evaluate may be captured in a graph
  size_t workspace_bytes = 0;        ///< scratch for each evaluation ...
  size_t workspace_bytes_a_row = 0;  ///< ... plus this for each row
  int64_t draw_uniforms = 0;         ///< uniforms that `draw` consumes for one row
  bool normaliser_bounded = false;   ///< log Z as a function of the parents is bounded above, over all of them
  bool batch_invariant = false;      ///< a row's bits depend on that row alone, not on the size of the batch or on its
                                     ///< place in it (given to models with `energy(Row)`); says rows_alone as well
  int64_t preferred_rows = 0;        ///< on the CPU: how many rows a call should have; 0: no wish
};

/// A parameter that the model owns and the host writes between evaluations: `data` is on the model's device and in its
/// type, row-major, and stays where it is.
struct Parameter {
  std::string name;
  void* data = nullptr;
  std::vector<int64_t> shape;
  bool trainable = true;  ///< false: a buffer, saved but not optimised
};

/// The sums over rows of data from which a model finds its parameters.
struct Statistics {
  int64_t count = 0;         ///< numbers
  bool closed_form = false;  ///< they give the parameters of maximum likelihood; else those of a round of EM
};

// What a model may have. `Real` is float or double.
template <class Model, class Real>
concept HasRowEnergy = requires(const Model& model, const Row<Real>& row) {
  { model.energy(row) } -> std::convertible_to<double>;
};
template <class Model, class Real>
concept HasEvaluate = requires(const Model& model, const Call<Real>& call) {
  model.evaluate(call);
};
template <class Model, class Real>
concept HasEvaluateCuda = requires(const Model& model, const Call<Real>& call) {
  model.evaluate_cuda(call);
};
template <class Model>
concept HasFacts = requires(const Model& model) {
  { model.facts() } -> std::convertible_to<Facts>;
};
template <class Model>
concept HasConstantLogNormaliser = requires(const Model& model) {
  { model.log_normaliser() } -> std::convertible_to<std::optional<double>>;
};
template <class Model, class Real>
concept HasLogNormaliser = requires(const Model& model, const Call<Real>& given, std::span<double> log_z) {
  { model.log_normaliser(given, log_z) } -> std::same_as<bool>;
};
template <class Model>
concept HasWholeQuadratic = requires(const Model& model, QuadraticForm& form) {
  { model.quadratic(form) } -> std::same_as<bool>;
};
template <class Model, class Real>
concept HasQuadratic = requires(const Model& model, const Call<Real>& given, QuadraticForm& form) {
  { model.quadratic(given, form) } -> std::same_as<bool>;
};
template <class Model, class Real>
concept HasDraw = requires(const Model& model, const DrawCall<Real>& draw) {
  { model.draw(draw) } -> std::same_as<bool>;
};
template <class Model>
concept HasParameters = requires(Model& model) {
  { model.parameters() } -> std::same_as<std::vector<Parameter>>;
};
template <class Model>
concept HasParametersChanged = requires(Model& model, void* stream) {
  model.parameters_changed(stream);
};
template <class Model, class Real>
concept HasParameterGradient = requires(const Model& model, const ParameterCall<Real>& call) {
  model.parameter_gradient(call);
};
template <class Model, class Real>
concept HasCategoryEnergies = requires(const Model& model, const Call<Real>& call, int32_t input, double* energy) {
  model.category_energies(call, input, energy);
};
template <class Model, class Real>
concept HasGaussianPart = requires(const Model& model, const Call<Real>& given, std::span<double> numbers) {
  { model.gaussian_part(given, numbers, numbers) } -> std::same_as<bool>;
};
template <class Model, class Real>
concept HasStatistics = requires(Model& model, const Model& constant, const Call<Real>& call, std::span<double> sum,
                                 std::span<const double> sums) {
  { constant.statistics() } -> std::same_as<std::optional<Statistics>>;
  constant.add_statistics(call, int64_t{0}, sum);
  model.fit(int64_t{0}, sums);
};
template <class Model, class Real>
concept HasLogNormaliserGradient = requires(const Model& model, const ParameterCall<Real>& call) {
  { model.log_normaliser_gradient(call) } -> std::same_as<bool>;
};
template <class Model, class Real>
concept Evaluates = HasRowEnergy<Model, Real> || HasEvaluate<Model, Real>;

/// The C table's functions reach every model through this.
class AnyModel {
 public:
  virtual ~AnyModel() = default;
  virtual void facts(potluck_facts& out) const = 0;
  virtual void evaluate(const potluck_call& call) const = 0;
  // These return POTLUCK_OK or POTLUCK_UNSUPPORTED.
  virtual int log_normaliser(const potluck_call& given, double* log_z) const = 0;
  virtual int quadratic(const potluck_call& given, double* precision, double* linear, double* constant) const = 0;
  virtual int draw(const potluck_call& given, const uint8_t* const* held, const double* uniforms,
                   void* const* out) const = 0;
  virtual int parameters(int64_t& count, potluck_array* const*& arrays) = 0;
  virtual int parameters_changed(void* stream) = 0;
  virtual int parameter_gradient(const potluck_call& call, const double* cotangent, const void* const* tangent,
                                 void* const* sum) const = 0;
  virtual int category_energies(const potluck_call& call, int32_t input, double* energy) const = 0;
  virtual int gaussian_part(const potluck_call& given, double* curvature, double* mean) const = 0;
  virtual int statistics(int64_t& count, int32_t& closed_form) const = 0;
  virtual int add_statistics(const potluck_call& call, int64_t round, double* sum) const = 0;
  virtual int fit(int64_t round, const double* sum) = 0;
  virtual int log_normaliser_gradient(const potluck_call& given, const double* cotangent, void* const* sum) const = 0;
};

/// A user's model, created in one precision on one device.
template <class Model, class Real>
class BoundModel final : public AnyModel {
 public:
  BoundModel(const Setup& setup, std::span<const potluck_input* const> inputs, bool can_float64)
      : inputs_(inputs), on_cuda_(setup.on_cuda()), can_float64_(can_float64), model_(setup) {
    for (size_t i = 0; i < inputs.size(); ++i) sizes_.push_back(setup.size(static_cast<int32_t>(i)));
    facts_.size = sizeof(potluck_facts);
    fill_facts();
  }

  void facts(potluck_facts& out) const override {
    const size_t size = out.size != 0 && out.size < sizeof out ? out.size : sizeof out;
    potluck_facts mine = facts_;
    mine.size = size;
    std::memcpy(&out, &mine, size);
  }

  void evaluate(const potluck_call& raw) const override {
    const Call<Real> call(&raw, sizes_, on_cuda_, scratch_bytes_);
    if constexpr (HasEvaluateCuda<Model, Real>)
      if (on_cuda_) return model_.evaluate_cuda(call);
    if (on_cuda_ && !described().cuda) throw Failure(POTLUCK_UNSUPPORTED, "this model runs on the CPU only");
    if constexpr (HasEvaluate<Model, Real>)
      model_.evaluate(call);
    else
      evaluate_rows(call);
  }

  int log_normaliser(const potluck_call& given, double* log_z) const override {
    const std::span<double> rows(log_z, static_cast<size_t>(given.rows));
    if constexpr (HasLogNormaliser<Model, Real>) {
      return status(model_.log_normaliser(Call<Real>(&given, sizes_, on_cuda_), rows));
    } else if constexpr (HasConstantLogNormaliser<Model>) {
      const std::optional<double> known = model_.log_normaliser();
      if (known)
        for (double& row : rows) row = *known;
      return status(known.has_value());
    }
    return POTLUCK_UNSUPPORTED;
  }

  int quadratic(const potluck_call& raw, double* precision, double* linear, double* constant) const override {
    const Call<Real> given(&raw, sizes_, false);
    int64_t n = 0;
    bool whole = true;
    for (int32_t i = 0; i < given.inputs(); ++i) {
      const bool open = given.input(i) == nullptr;
      n += open ? sizes_[i] : 0;
      whole &= open || inputs_[i]->kind == POTLUCK_CATEGORICAL;
    }
    QuadraticForm form{{precision, static_cast<size_t>(n * n)}, {linear, static_cast<size_t>(n)}, 0};
    for (double& entry : form.precision) entry = 0;
    for (double& entry : form.linear) entry = 0;
    bool known = false;
    if constexpr (HasQuadratic<Model, Real>)
      known = model_.quadratic(given, form);
    else if constexpr (HasWholeQuadratic<Model>)
      known = whole && model_.quadratic(form);
    *constant = form.constant;
    return status(known);
  }

  int draw(const potluck_call& raw, const uint8_t* const* held, const double* uniforms,
           void* const* out) const override {
    if constexpr (HasDraw<Model, Real>) {
      const Call<Real> given(&raw, sizes_, false);
      return status(model_.draw(DrawCall<Real>(given, held, uniforms, facts_.draw_uniforms, out)));
    }
    return POTLUCK_UNSUPPORTED;
  }

  int parameters(int64_t& count, potluck_array* const*& arrays) override {
    if constexpr (HasParameters<Model>) {
      if (arrays_.empty()) {
        parameters_ = model_.parameters();
        arrays_.reserve(parameters_.size());
        for (Parameter& parameter : parameters_)
          arrays_.push_back({sizeof(potluck_array), parameter.name.c_str(),
                             std::is_same_v<Real, double> ? POTLUCK_FLOAT64 : POTLUCK_FLOAT32,
                             on_cuda_ ? POTLUCK_CUDA : POTLUCK_CPU, static_cast<int64_t>(parameter.shape.size()),
                             parameter.shape.data(), parameter.data, parameter.trainable});
        for (potluck_array& array : arrays_) array_pointers_.push_back(&array);
      }
      count = static_cast<int64_t>(arrays_.size());
      arrays = array_pointers_.data();
      return POTLUCK_OK;
    }
    return POTLUCK_UNSUPPORTED;
  }

  int parameters_changed(void* stream) override {
    if constexpr (HasParametersChanged<Model>) model_.parameters_changed(stream);
    return POTLUCK_OK;
  }

  int parameter_gradient(const potluck_call& raw, const double* cotangent, const void* const* tangent,
                         void* const* sum) const override {
    if constexpr (HasParameterGradient<Model, Real>) {
      const Call<Real> call(&raw, sizes_, on_cuda_, scratch_bytes_);
      model_.parameter_gradient(ParameterCall<Real>(call, cotangent, tangent, sum));
      return POTLUCK_OK;
    }
    return POTLUCK_UNSUPPORTED;
  }

  int category_energies(const potluck_call& raw, int32_t input, double* energy) const override {
    if constexpr (HasCategoryEnergies<Model, Real>) {
      model_.category_energies(Call<Real>(&raw, sizes_, on_cuda_, scratch_bytes_), input, energy);
      return POTLUCK_OK;
    }
    return POTLUCK_UNSUPPORTED;
  }

  int gaussian_part(const potluck_call& raw, double* curvature, double* mean) const override {
    if constexpr (HasGaussianPart<Model, Real>) {
      size_t n = 0;
      for (size_t i = 0; i < sizes_.size(); ++i)
        if (inputs_[i]->kind == POTLUCK_CONTINUOUS && inputs_[i]->role == POTLUCK_DRAWN)
          n += static_cast<size_t>(sizes_[i]);
      return status(model_.gaussian_part(Call<Real>(&raw, sizes_, false), {curvature, n}, {mean, n}));
    }
    return POTLUCK_UNSUPPORTED;
  }

  int statistics(int64_t& count, int32_t& closed_form) const override {
    const std::optional<Statistics> known = known_statistics();
    if (!known) return POTLUCK_UNSUPPORTED;
    count = known->count;
    closed_form = known->closed_form ? 1 : 0;
    return POTLUCK_OK;
  }

  int add_statistics(const potluck_call& raw, int64_t round, double* sum) const override {
    const std::optional<Statistics> known = known_statistics();
    if constexpr (HasStatistics<Model, Real>)
      if (known)
        model_.add_statistics(Call<Real>(&raw, sizes_, false, scratch_bytes_), round,
                              std::span<double>(sum, static_cast<size_t>(known->count)));
    return status(known.has_value());
  }

  int fit(int64_t round, const double* sum) override {
    const std::optional<Statistics> known = known_statistics();
    if constexpr (HasStatistics<Model, Real>)
      if (known) model_.fit(round, std::span<const double>(sum, static_cast<size_t>(known->count)));
    return status(known.has_value());
  }

  int log_normaliser_gradient(const potluck_call& raw, const double* cotangent, void* const* sum) const override {
    if constexpr (HasLogNormaliserGradient<Model, Real>) {
      const Call<Real> given(&raw, sizes_, false);
      return status(model_.log_normaliser_gradient(ParameterCall<Real>(given, cotangent, nullptr, sum)));
    }
    return POTLUCK_UNSUPPORTED;
  }

 private:
  static int status(bool known) { return known ? POTLUCK_OK : POTLUCK_UNSUPPORTED; }

  std::optional<Statistics> known_statistics() const {
    if constexpr (HasStatistics<Model, Real>)
      return model_.statistics();
    else
      return std::nullopt;
  }

  Facts described() const {
    if constexpr (HasFacts<Model>)
      return model_.facts();
    else
      return {};
  }

  void fill_facts() {
    const Facts said = described();
    constexpr bool by_row = !HasEvaluate<Model, Real>;
    const bool cuda = said.cuda || HasEvaluateCuda<Model, Real>;
    const auto flag = [&](bool yes, uint64_t bit) { facts_.abilities |= yes ? bit : 0; };
    flag(true, POTLUCK_CAN_CPU);
    flag(cuda, POTLUCK_CAN_CUDA);
    flag(can_float64_, POTLUCK_CAN_FLOAT64);
    flag(by_row || said.accumulates, POTLUCK_CAN_ACCUMULATE);
    flag(said.thread_safe, POTLUCK_THREAD_SAFE);
    flag(by_row || said.batch_invariant, POTLUCK_BATCH_INVARIANT);
    flag(by_row || said.batch_invariant || said.rows_alone, POTLUCK_ROWS_ALONE);
    flag(cuda && said.graph_capturable, POTLUCK_GRAPH_CAPTURABLE);
    flag(said.hard_walls, POTLUCK_HARD_WALLS);
    flag(said.integrable, POTLUCK_INTEGRABLE);
    flag(said.bounded_on_boxes, POTLUCK_BOUNDED_ON_BOXES);
    flag(said.normaliser_bounded, POTLUCK_NORMALISER_BOUNDED);
    if (by_row) {  // one row of all gradients, where they are to be weighted and added
      int64_t total = 0;
      for (int64_t size : sizes_) total += size;
      scratch_bytes_ = (static_cast<size_t>(total) * sizeof(Real) + 63) / 64 * 64;
    }
    facts_.least_energy = said.least_energy;
    facts_.workspace_bytes = scratch_bytes_ + said.workspace_bytes;
    facts_.workspace_bytes_a_row = said.workspace_bytes_a_row;
    facts_.draw_uniforms = HasDraw<Model, Real> ? said.draw_uniforms : 0;
    facts_.preferred_rows = said.preferred_rows;
  }

  void evaluate_rows(const Call<Real>& call) const {
    if constexpr (HasRowEnergy<Model, Real>) {
      Real* scratch = call.accumulate() ? static_cast<Real*>(call.raw().workspace) : nullptr;
      for (int64_t b = 0; b < call.rows(); ++b) {
        const Row<Real> row(call, b, scratch);
        const double energy = model_.energy(row);
        if (call.energy() != nullptr) call.energy()[b] = energy;
        if (call.row_weights() != nullptr || scratch != nullptr) weigh(call, row, b);
      }
    }
  }

  /// A weight of 0 leaves nothing of the row's gradient, whatever it is: at energy +infinity it may be NaN.
  static void weigh(const Call<Real>& call, const Row<Real>& row, int64_t b) {
    const Real weight = static_cast<Real>(call.row_weight(b));
    for (int32_t i = 0; i < call.inputs(); ++i) {
      const std::span<Real> mine = row.gradient(i);
      if (mine.empty()) continue;
      Real* out = call.gradient(i) + b * call.size(i);
      for (size_t j = 0; j < mine.size(); ++j) {
        const Real weighted = weight == 0 ? Real(0) : weight * mine[j];
        out[j] = call.accumulate() ? out[j] + weighted : weighted;
      }
    }
  }

  std::span<const potluck_input* const> inputs_;
  std::vector<int64_t> sizes_;
  bool on_cuda_;
  bool can_float64_;
  Model model_;
  potluck_facts facts_{};
  size_t scratch_bytes_ = 0;
  std::vector<Parameter> parameters_;
  std::vector<potluck_array> arrays_;
  std::vector<potluck_array*> array_pointers_;
};

}  // namespace potluck::plugin
