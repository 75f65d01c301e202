// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <exception>

#include "potluck/model/bound_model.hpp"

namespace potluck::plugin {

/// Writes the reason of a failure, cut to the host's capacity.
inline int report(potluck_error* error, int32_t status, const char* text, int32_t about, int32_t index) noexcept {
  if (error == nullptr) return status;
  if (error->text != nullptr && error->capacity > 0) {
    const size_t length = std::min(std::strlen(text), error->capacity - 1);
    std::memcpy(error->text, text, length);
    error->text[length] = '\0';
  }
  error->about = about;
  error->index = index;
  return status;
}

/// Runs `call` and turns whatever it throws into a status and a text: no exception leaves a plugin.
template <class Function>
int guarded(potluck_error* error, Function&& call) noexcept {
  try {
    return call();
  } catch (const Failure& failure) {
    return report(error, failure.status, failure.what(), failure.about, failure.index);
  } catch (const std::bad_alloc&) {
    return report(error, POTLUCK_OUT_OF_MEMORY, "out of memory", POTLUCK_ABOUT_NOTHING, 0);
  } catch (const std::exception& exception) {
    return report(error, POTLUCK_INTERNAL, exception.what(), POTLUCK_ABOUT_NOTHING, 0);
  } catch (...) {
    return report(error, POTLUCK_INTERNAL, "threw something that is not a std::exception", POTLUCK_ABOUT_NOTHING, 0);
  }
}

/// Functions of the C table, the same for all models behind AnyModel.
struct Door {
  static AnyModel* any(potluck_model* model) { return reinterpret_cast<AnyModel*>(model); }
  static const AnyModel* any(const potluck_model* model) { return reinterpret_cast<const AnyModel*>(model); }

  static void destroy(potluck_model* model) { delete any(model); }
  static int facts(const potluck_model* model, potluck_facts* out, potluck_error* error) {
    return guarded(error, [&] { return any(model)->facts(*out), POTLUCK_OK; });
  }
  static int evaluate(const potluck_model* model, const potluck_call* call, potluck_error* error) {
    return guarded(error, [&] { return any(model)->evaluate(*call), POTLUCK_OK; });
  }
  static int log_normaliser(const potluck_model* model, const potluck_call* given, double* log_z,
                            potluck_error* error) {
    return guarded(error, [&] { return any(model)->log_normaliser(*given, log_z); });
  }
  static int quadratic(const potluck_model* model, const potluck_call* given, double* precision, double* linear,
                       double* constant, potluck_error* error) {
    return guarded(error, [&] { return any(model)->quadratic(*given, precision, linear, constant); });
  }
  static int draw(const potluck_model* model, const potluck_call* given, const uint8_t* const* held,
                  const double* uniforms, void* const* out, potluck_error* error) {
    return guarded(error, [&] { return any(model)->draw(*given, held, uniforms, out); });
  }
  static int parameters(potluck_model* model, int64_t* count, potluck_array* const** arrays, potluck_error* error) {
    return guarded(error, [&] { return any(model)->parameters(*count, *arrays); });
  }
  static int parameters_changed(potluck_model* model, void* stream, potluck_error* error) {
    return guarded(error, [&] { return any(model)->parameters_changed(stream); });
  }
  static int parameter_gradient(const potluck_model* model, const potluck_call* call, const double* cotangent,
                                const void* const* tangent, void* const* sum, potluck_error* error) {
    return guarded(error, [&] { return any(model)->parameter_gradient(*call, cotangent, tangent, sum); });
  }
  static int category_energies(const potluck_model* model, const potluck_call* call, int32_t input, double* energy,
                               potluck_error* error) {
    return guarded(error, [&] { return any(model)->category_energies(*call, input, energy); });
  }
  static int gaussian_part(const potluck_model* model, const potluck_call* given, double* curvature, double* mean,
                           potluck_error* error) {
    return guarded(error, [&] { return any(model)->gaussian_part(*given, curvature, mean); });
  }
  static int statistics(const potluck_model* model, int64_t* count, int32_t* closed_form, potluck_error* error) {
    return guarded(error, [&] { return any(model)->statistics(*count, *closed_form); });
  }
  static int add_statistics(const potluck_model* model, const potluck_call* call, int64_t round, double* sum,
                            potluck_error* error) {
    return guarded(error, [&] { return any(model)->add_statistics(*call, round, sum); });
  }
  static int fit(potluck_model* model, int64_t round, const double* sum, potluck_error* error) {
    return guarded(error, [&] { return any(model)->fit(round, sum); });
  }
  static int log_normaliser_gradient(const potluck_model* model, const potluck_call* given, const double* cotangent,
                                     void* const* sum, potluck_error* error) {
    return guarded(error, [&] { return any(model)->log_normaliser_gradient(*given, cotangent, sum); });
  }
};

/// A class that serves both precisions, and a class template with one instance for each.
template <class Model>
struct OneClass {
  template <class Real>
  using In = Model;
};
template <template <class> class Model>
struct ClassTemplate {
  template <class Real>
  using In = Model<Real>;
};

/// The constant table of one model, made at compile time of what its class declares.
template <class Family>
struct KindTable {
  using Single = typename Family::template In<float>;
  using Double = typename Family::template In<double>;
  static_assert(Evaluates<Single, float>,
                "a model needs `double energy(const Row<Real>&) const` or `void evaluate(const Call<Real>&) const`");
  static_assert(std::is_constructible_v<Single, const Setup&>, "a model needs a constructor from `const Setup&`");
  static constexpr bool kCanFloat64 = Evaluates<Double, double>;

  static constexpr auto make_inputs() {
    if constexpr (requires { Single::inputs; }) {
      std::array<potluck_input, std::size(Single::inputs)> all{};
      for (size_t i = 0; i < all.size(); ++i) all[i] = Single::inputs[i].declared;
      return all;
    } else {
      return std::array<potluck_input, 1>{Input{}.declared};
    }
  }
  static constexpr auto make_settings() {
    if constexpr (requires { Single::settings; }) {
      std::array<potluck_setting, std::size(Single::settings)> all{};
      for (size_t i = 0; i < all.size(); ++i) {
        all[i] = Single::settings[i].declared;
        if ((all[i].kind & ~POTLUCK_LIST) == POTLUCK_CHOICE) all[i].choices = Single::settings[i].choices;
      }
      return all;
    } else {
      return std::array<potluck_setting, 0>{};
    }
  }
  template <class Value, size_t kCount>
  static constexpr auto point_to(const std::array<Value, kCount>& all) {
    std::array<const Value*, kCount + 1> pointers{};
    for (size_t i = 0; i < kCount; ++i) pointers[i] = &all[i];
    return pointers;
  }
  static constexpr const char* reference() {
    if constexpr (requires { Single::reference; })
      return Single::reference;
    else
      return "";
  }

  static constexpr auto kInputs = make_inputs();
  static constexpr auto kInputPointers = point_to(kInputs);
  static constexpr auto kSettings = make_settings();
  static constexpr auto kSettingPointers = point_to(kSettings);

  static int create(const potluck_setup* raw, potluck_model** model, potluck_error* error) {
    return guarded(error, [&] {
      const std::span inputs(kInputPointers.data(), kInputs.size());
      const Setup setup(raw, inputs, std::span(kSettingPointers.data(), kSettings.size()));
      std::unique_ptr<AnyModel> made;
      if (raw->type == POTLUCK_FLOAT32) {
        made = std::make_unique<BoundModel<Single, float>>(setup, inputs, kCanFloat64);
      } else {
        if constexpr (kCanFloat64)
          made = std::make_unique<BoundModel<Double, double>>(setup, inputs, kCanFloat64);
        else
          throw Failure(POTLUCK_UNSUPPORTED, "this model computes in float32 only");
      }
      *model = reinterpret_cast<potluck_model*>(made.release());
      return POTLUCK_OK;
    });
  }

  static constexpr potluck_model_kind make_table() {
    potluck_model_kind table{};
    table.size = sizeof table;
    table.name = Single::name;
    table.summary = Single::summary;
    table.reference = reference();
    table.inputs = kInputPointers.data();
    table.settings = kSettingPointers.data();
    table.create = &create;
    table.destroy = &Door::destroy;
    table.facts = &Door::facts;
    table.evaluate = &Door::evaluate;
    if (HasLogNormaliser<Single, float> || HasConstantLogNormaliser<Single>)
      table.log_normaliser = &Door::log_normaliser;
    if (HasQuadratic<Single, float> || HasWholeQuadratic<Single>) table.quadratic = &Door::quadratic;
    if (HasDraw<Single, float>) table.draw = &Door::draw;
    if (HasParameters<Single>) {
      table.parameters = &Door::parameters;
      table.parameters_changed = &Door::parameters_changed;
    }
    if (HasParameterGradient<Single, float>) table.parameter_gradient = &Door::parameter_gradient;
    if (HasCategoryEnergies<Single, float>) table.category_energies = &Door::category_energies;
    if (HasGaussianPart<Single, float>) table.gaussian_part = &Door::gaussian_part;
    if (HasStatistics<Single, float>) {
      table.statistics = &Door::statistics;
      table.add_statistics = &Door::add_statistics;
      table.fit = &Door::fit;
    }
    if (HasLogNormaliserGradient<Single, float>) table.log_normaliser_gradient = &Door::log_normaliser_gradient;
    return table;
  }
  static constexpr potluck_model_kind kTable = make_table();
};

template <class Model>
constexpr const potluck_model_kind* kind() {
  return &KindTable<OneClass<Model>>::kTable;
}
template <template <class> class Model>
constexpr const potluck_model_kind* kind() {
  return &KindTable<ClassTemplate<Model>>::kTable;
}

}  // namespace potluck::plugin
