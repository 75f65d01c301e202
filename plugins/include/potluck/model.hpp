// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Writing a plugin in C++20, without LibTorch. A class becomes a model of the door (potluck/plugin.h):
///
///   #include <potluck/model.hpp>
///   using namespace potluck::plugin;
///
///   class Smoothness {
///    public:
///     static constexpr const char* name = "acme.smoothness";
///     static constexpr const char* summary = "Neighbouring numbers attract each other";
///     static constexpr Setting settings[] = {real("strength", "how strongly").at_least(0).preset("1")};
///
///     explicit Smoothness(const Setup& setup) : strength_(setup.real("strength")) {}
///
///     template <class Real>
///     double energy(const Row<Real>& row) const {  // one chain; `gradient` is empty where it is not wanted
///       const auto x = row.input();
///       const auto gradient = row.gradient();
///       double energy = 0;
///       ...
///       return energy;
///     }
///    private:
///     double strength_;
///   };
///   POTLUCK_EXPORT_PLUGIN("acme.smoothness", "1.0.0", "Apache-2.0", "A. Author", "Smoothness of signals", Smoothness)
///
/// A model must have
///   name, summary                                        what help texts say; others' names begin with the plugin's id
///   a constructor from `const Setup&`                    throws setup.setting_error(...), or any std::exception
///   double energy(const Row<Real>&) const                the energy of one chain, or
///   void evaluate(const Call<Real>&) const               a whole batch: faster where rows share work
/// and may have
///   reference, inputs[], settings[], Facts facts() const
///   std::optional<double> log_normaliser() const         log of the integral of exp(-E); nothing where not known
///   bool log_normaliser(const Call<Real>& given, std::span<double> log_z) const       of every row of parents
///   bool quadratic(QuadraticForm&) const                 where E is quadratic in all of its continuous inputs, or
///   bool quadratic(const Call<Real>& given, QuadraticForm&) const   ... in those left open
///   bool draw(const DrawCall<Real>&) const               exact draws; false where this pattern cannot be drawn
///   std::vector<Parameter> parameters(), void parameters_changed(void* stream)
///   void parameter_gradient(const ParameterCall<Real>&) const         throws Failure(POTLUCK_UNSUPPORTED, ...) for
///                                                        tangents that it cannot differentiate along
///   void category_energies(const Call<Real>&, int32_t input, double* energy) const    [rows, n, K]
///   bool gaussian_part(const Call<Real>& given, std::span<double> curvature, std::span<double> mean) const
///                                                        E = sum curvature (v - mean)^2 / 2 + a rest of linear growth
///   std::optional<Statistics> statistics() const, void add_statistics(const Call<Real>&, int64_t round,
///       std::span<double> sum) const, void fit(int64_t round, std::span<const double> sum)
///                                                        parameters of maximum likelihood from sums over rows
///   bool log_normaliser_gradient(const ParameterCall<Real>& given) const     d log Z / d parameter
///   void evaluate_cuda(const Call<Real>&) const          the same on the GPU: enqueues kernels on call.stream()
/// with Real = float and double, from one template or two overloads; or the class itself is a template <class Real>,
/// of which the door makes one instance in each precision. Without the double version the model is float32 only.
/// Const functions are called from several threads at once unless facts say otherwise. Whatever is thrown becomes a
/// status and a text at the edge; nothing may be kept of a Setup, a Call or a Row after the function returns.

#include "potluck/model/table.hpp"

// POTLUCK_KINDS_(A, B, ...) -> kind<A>(), kind<B>(), ... for up to some hundred models.
#define POTLUCK_PARENTHESES_ ()
#define POTLUCK_EXPAND_(...) POTLUCK_EXPAND_A_(POTLUCK_EXPAND_A_(POTLUCK_EXPAND_A_(POTLUCK_EXPAND_A_(__VA_ARGS__))))
#define POTLUCK_EXPAND_A_(...) POTLUCK_EXPAND_B_(POTLUCK_EXPAND_B_(POTLUCK_EXPAND_B_(POTLUCK_EXPAND_B_(__VA_ARGS__))))
#define POTLUCK_EXPAND_B_(...) POTLUCK_EXPAND_C_(POTLUCK_EXPAND_C_(POTLUCK_EXPAND_C_(POTLUCK_EXPAND_C_(__VA_ARGS__))))
#define POTLUCK_EXPAND_C_(...) __VA_ARGS__
#define POTLUCK_KINDS_(first, ...) \
  ::potluck::plugin::kind<first>(), __VA_OPT__(POTLUCK_KINDS_AGAIN_ POTLUCK_PARENTHESES_(__VA_ARGS__))
#define POTLUCK_KINDS_AGAIN_() POTLUCK_KINDS_

// The least minor version of the door that the plugin needs. potluck_add_plugin(... NEEDS_MINOR 1) defines it.
#ifndef POTLUCK_NEEDS_MINOR
#define POTLUCK_NEEDS_MINOR 0
#endif

/// Defines the library's one exported symbol, once at file scope outside any namespace. The models' names, the id, the
/// version and the licence must agree with the ELF note that potluck_add_plugin() writes.
#define POTLUCK_EXPORT_PLUGIN(id, version, licence, author, summary, ...)                                         \
  extern "C" const potluck_plugin* potluck_plugin_v1(void) {                                                      \
    static constexpr const potluck_model_kind* models[] = {POTLUCK_EXPAND_(POTLUCK_KINDS_(__VA_ARGS__)) nullptr}; \
    static constexpr potluck_plugin plugin = {                                                                    \
        sizeof(potluck_plugin), POTLUCK_NEEDS_MINOR, id, version, licence, author, summary, models};              \
    return &plugin;                                                                                               \
  }                                                                                                               \
  static_assert(true)
