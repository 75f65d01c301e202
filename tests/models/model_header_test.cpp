// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "potluck/model.hpp"

// The C++ header against the C door: classes written as a user would, called through the table as the host would.
namespace {
using namespace potluck::plugin;

/// Has a setting of every kind, and says of all of them what it got.
class EveryKind {
 public:
  static constexpr const char* name = "every_kind";
  static constexpr const char* summary = "settings of every kind";
  static constexpr const char* reference = "none";
  static constexpr Input inputs[] = {continuous("x", "state"), categorical("label", "class").parent()};
  static constexpr Setting settings[] = {
      boolean("on", "a switch").preset("true"),
      integer("count", "a number").at_least(1).at_most(9).preset("3"),
      real("width", "a length").unit("m").preset("0.5"),
      text("title", "words").preset(""),
      choice("norm", {"one", "two"}, "which norm").preset("two"),
      file("table", "a file"),
      real("means", "numbers").list().preset("1, 2"),
      integer("sizes", "whole numbers").list().preset(""),
      text("names", "several words").list().preset(""),
  };
  explicit EveryKind(const Setup& setup)
      : sum_(setup.boolean("on") + static_cast<double>(setup.integer("count")) + setup.real("width") +
             static_cast<double>(setup.choice("norm")) + setup.reals("means")[1] + setup.spread("means", 2)[0] +
             static_cast<double>(setup.integers("sizes").size())) {
    if (setup.text("title") == "throw std") throw std::runtime_error("plain exception");
    if (setup.text("title") == "throw memory") throw std::bad_alloc();
    if (setup.text("title") == "throw number") throw 7;
    if (setup.text("title") == "ask undeclared") setup.real("depth");
    if (setup.text("title") == "ask wrong kind") setup.text("width");
    if (setup.text("title") == "refuse") throw setup.setting_error("width", "must be > 1, got 0.5");
    if (setup.text("title") == "spread") setup.spread("means", 3);
    if (setup.text("title") == "weight") setup.weight("mean");
    if (setup.texts("names").at(1) != "b" || setup.file("table") != "t.txt") throw std::logic_error("wrong values");
  }
  /// E = sum |x|^2/2 + label + sum of the settings.
  template <class Real>
  double energy(const Row<Real>& row) const {
    double energy = sum_ + static_cast<double>(row.labels(1)[0]);
    for (Real x : row.input()) energy += double(x) * double(x) / 2;
    for (size_t j = 0; j < row.gradient().size(); ++j) row.gradient()[j] = row.input()[j];
    return energy;
  }

 private:
  double sum_;
};

/// One class a precision, with all optional members, whole batches.
template <class Real>
class Complete {
 public:
  static constexpr const char* name = "complete";
  static constexpr const char* summary = "x^2/2 with everything";
  explicit Complete(const Setup& setup) : n_(setup.size()) {}
  void evaluate(const Call<Real>& call) const { call.energy()[0] = sizeof(Real); }
  Facts facts() const { return {.least_energy = 0, .integrable = true, .accumulates = true, .draw_uniforms = n_}; }
  std::optional<double> log_normaliser() const { return 0.25; }
  bool quadratic(QuadraticForm& form) const {
    for (int64_t i = 0; i < n_; ++i) form.precision[i * n_ + i] = 1;
    form.constant = 5;
    return true;
  }
  bool draw(const DrawCall<Real>& draw) const {
    for (int64_t j = 0; j < n_; ++j) draw.out(0, 0)[j] = static_cast<Real>(draw.uniforms(0)[j]);
    return !draw.held(0, 0);
  }
  std::vector<Parameter> parameters() { return {{"mean", &mean_, {1}}}; }
  void parameter_gradient(const ParameterCall<Real>& call) const {
    call.sum(0)[0] += static_cast<Real>(call.cotangent()[0]);
  }
  void category_energies(const Call<Real>&, int32_t, double* energy) const { energy[0] = 3; }

 private:
  int64_t n_;
  Real mean_ = 4;
};

class SingleOnly {
 public:
  static constexpr const char* name = "single_only";
  static constexpr const char* summary = "float32 only";
  explicit SingleOnly(const Setup&) {}
  double energy(const Row<float>& row) const {
    if (row.input()[0] < 0) throw Failure(POTLUCK_NUMERIC, "negative");
    return 1;
  }
};

/// A setup as the host makes it, with values for EveryKind.
struct Host {
  explicit Host(const char* title_) : title(title_) {}
  const char* title;
  int64_t shape[1] = {2};
  potluck_slot x{sizeof(potluck_slot), 1, shape, 0, nullptr, nullptr, nullptr, nullptr};
  potluck_slot label{sizeof(potluck_slot), 0, nullptr, 3, nullptr, nullptr, nullptr, nullptr};
  const potluck_slot* slots[2] = {&x, &label};
  int64_t on = 1, count = 3, norm = 1;
  double width = 0.5, means[2] = {1, 2};
  const char *table = "t.txt", *names[2] = {"a", "b"};
  potluck_value all[9] = {
      {sizeof(potluck_value), 1, &on, nullptr, nullptr},    {sizeof(potluck_value), 1, &count, nullptr, nullptr},
      {sizeof(potluck_value), 1, nullptr, &width, nullptr}, {sizeof(potluck_value), 1, nullptr, nullptr, &title},
      {sizeof(potluck_value), 1, &norm, nullptr, nullptr},  {sizeof(potluck_value), 1, nullptr, nullptr, &table},
      {sizeof(potluck_value), 2, nullptr, means, nullptr},  {sizeof(potluck_value), 0, nullptr, nullptr, nullptr},
      {sizeof(potluck_value), 2, nullptr, nullptr, names}};
  const potluck_value* values[9] = {&all[0], &all[1], &all[2], &all[3], &all[4], &all[5], &all[6], &all[7], &all[8]};
  char text[64] = "";
  potluck_error error{sizeof(potluck_error), text, sizeof text, 0, 0};
  potluck_model* model = nullptr;

  int create(const potluck_model_kind* kind, int32_t type) {
    potluck_setup setup{sizeof(potluck_setup), POTLUCK_CPU, 0, type, 8, slots, values, 0, nullptr, {1, 2}};
    return kind->create(&setup, &model, &error);
  }
};

TEST(ModelHeaderTest, ADeclarationBecomesTheTable) {
  const potluck_model_kind* table = kind<EveryKind>();
  EXPECT_STREQ(table->name, "every_kind");
  EXPECT_STREQ(table->inputs[1]->name, "label");
  EXPECT_EQ(table->inputs[1]->role, POTLUCK_PARENT);
  EXPECT_EQ(table->inputs[2], nullptr);
  EXPECT_EQ(table->settings[1]->least, 1);
  EXPECT_STREQ(table->settings[2]->unit, "m");
  EXPECT_STREQ(table->settings[4]->choices[1], "two");
  EXPECT_EQ(table->settings[4]->choices[2], nullptr);
  EXPECT_EQ(table->settings[5]->preset, nullptr);
  EXPECT_EQ(table->settings[6]->kind, POTLUCK_REAL | POTLUCK_LIST);
  EXPECT_EQ(table->settings[9], nullptr);
  EXPECT_EQ(table->draw, nullptr);
  EXPECT_NE(kind<Complete>()->draw, nullptr);
  EXPECT_STREQ(kind<Complete>()->inputs[0]->name, "x");
}

TEST(ModelHeaderTest, SettingsOfEveryKindReachTheModelAndRowsAreWeighedAndAdded) {
  Host host("plain");
  const potluck_model_kind* table = kind<EveryKind>();
  ASSERT_EQ(host.create(table, POTLUCK_FLOAT64), POTLUCK_OK) << host.text;
  potluck_facts facts{};
  facts.size = sizeof facts;
  ASSERT_EQ(table->facts(host.model, &facts, &host.error), POTLUCK_OK);
  EXPECT_EQ(facts.abilities, POTLUCK_CAN_CPU | POTLUCK_CAN_FLOAT64 | POTLUCK_CAN_ACCUMULATE | POTLUCK_THREAD_SAFE |
                                 POTLUCK_ROWS_ALONE | POTLUCK_BATCH_INVARIANT);
  alignas(64) std::byte workspace[256];
  ASSERT_LE(facts.workspace_bytes, sizeof workspace);
  const double x[4] = {1, 2, 3, 4}, weight[2] = {0.5, 0};
  const int64_t labels[2] = {0, 2};
  const void* input[2] = {x, labels};
  double energy[2], gradient[4] = {10, 10, 10, 10};
  void* gradients[2] = {gradient, nullptr};
  potluck_call call{sizeof(potluck_call), 2, input, energy, gradients, weight, 1, 1, workspace, nullptr};
  ASSERT_EQ(table->evaluate(host.model, &call, &host.error), POTLUCK_OK);
  // Settings: 1 + 3 + 0.5 + 1 + 2 + 1 + 0 = 8.5; rows: 2.5 + 0, 12.5 + 2.
  EXPECT_THAT(energy, testing::ElementsAre(11, 23));
  EXPECT_THAT(gradient, testing::ElementsAre(10.5, 11, 10, 10));
  call.accumulate = 0;
  ASSERT_EQ(table->evaluate(host.model, &call, &host.error), POTLUCK_OK);
  EXPECT_THAT(gradient, testing::ElementsAre(0.5, 1, 0, 0));
  table->destroy(host.model);
}

TEST(ModelHeaderTest, NoExceptionLeavesThePlugin) {
  const struct {
    const char *title, *text;
    int status, about, index;
  } cases[] = {
      {"throw std", "plain exception", POTLUCK_INTERNAL, POTLUCK_ABOUT_NOTHING, 0},
      {"throw memory", "out of memory", POTLUCK_OUT_OF_MEMORY, POTLUCK_ABOUT_NOTHING, 0},
      {"throw number", "threw something that is not a std::exception", POTLUCK_INTERNAL, POTLUCK_ABOUT_NOTHING, 0},
      {"ask undeclared", "this model declares no setting 'depth'", POTLUCK_INTERNAL, POTLUCK_ABOUT_NOTHING, 0},
      {"ask wrong kind", "setting 'width' was declared as another kind", POTLUCK_INTERNAL, POTLUCK_ABOUT_NOTHING, 0},
      {"refuse", "setting 'width' must be > 1, got 0.5", POTLUCK_BAD_SETTING, POTLUCK_ABOUT_SETTING, 2},
      {"spread", "setting 'means' must have 1 or 3 numbers, got 2", POTLUCK_BAD_SETTING, POTLUCK_ABOUT_SETTING, 6},
      {"weight", "weights must have an array 'mean', got no weights file", POTLUCK_BAD_SHAPE, POTLUCK_ABOUT_NOTHING, 0},
  };
  for (const auto& each : cases) {
    Host host(each.title);
    EXPECT_EQ(host.create(kind<EveryKind>(), POTLUCK_FLOAT32), each.status) << each.title;
    EXPECT_STREQ(host.text, each.text);
    EXPECT_EQ(host.error.about, each.about) << each.title;
    EXPECT_EQ(host.error.index, each.index) << each.title;
  }
  Host cut("refuse");
  cut.error.capacity = 10;
  EXPECT_EQ(cut.create(kind<EveryKind>(), POTLUCK_FLOAT32), POTLUCK_BAD_SETTING);
  EXPECT_STREQ(cut.text, "setting '");
}

TEST(ModelHeaderTest, AFloat32ModelRefusesFloat64AndFailsARunWithItsOwnStatus) {
  Host host("plain");
  EXPECT_EQ(host.create(kind<SingleOnly>(), POTLUCK_FLOAT64), POTLUCK_UNSUPPORTED);
  EXPECT_STREQ(host.text, "this model computes in float32 only");
  ASSERT_EQ(host.create(kind<SingleOnly>(), POTLUCK_FLOAT32), POTLUCK_OK);
  const float x[2] = {-1, 0};
  const void* input[1] = {x};
  double energy[1];
  potluck_call call{sizeof(potluck_call), 1, input, energy, nullptr, nullptr, 0, 1, nullptr, nullptr};
  EXPECT_EQ(kind<SingleOnly>()->evaluate(host.model, &call, &host.error), POTLUCK_NUMERIC);
  EXPECT_STREQ(host.text, "negative");
  kind<SingleOnly>()->destroy(host.model);
}

TEST(ModelHeaderTest, OptionalMembersAreReachedThroughTheTable) {
  const potluck_model_kind* table = kind<Complete>();
  for (int32_t type : {POTLUCK_FLOAT32, POTLUCK_FLOAT64}) {
    Host host("plain");
    ASSERT_EQ(host.create(table, type), POTLUCK_OK);
    const double x[2] = {0, 0};
    const void* input[1] = {x};
    const void* open[1] = {nullptr};
    double energy[1];
    potluck_call call{sizeof(potluck_call), 1, input, energy, nullptr, nullptr, 0, 1, nullptr, nullptr};
    ASSERT_EQ(table->evaluate(host.model, &call, &host.error), POTLUCK_OK);
    EXPECT_EQ(energy[0], type == POTLUCK_FLOAT64 ? 8 : 4);  // the instance of the precision asked for

    double log_z[1], precision[4], linear[2], constant;
    ASSERT_EQ(table->log_normaliser(host.model, &call, log_z, &host.error), POTLUCK_OK);
    EXPECT_EQ(log_z[0], 0.25);
    EXPECT_EQ(table->quadratic(host.model, &call, precision, linear, &constant, &host.error), POTLUCK_UNSUPPORTED);
    call.input = open;
    ASSERT_EQ(table->quadratic(host.model, &call, precision, linear, &constant, &host.error), POTLUCK_OK);
    EXPECT_THAT(precision, testing::ElementsAre(1, 0, 0, 1));
    EXPECT_EQ(constant, 5);

    const double uniforms[2] = {0.25, 0.75};
    double out[2];
    void* outs[1] = {out};
    const uint8_t mask[2] = {1, 0};
    const uint8_t* held[1] = {mask};
    EXPECT_EQ(table->draw(host.model, &call, nullptr, uniforms, outs, &host.error), POTLUCK_OK);
    if (type == POTLUCK_FLOAT64) {
      EXPECT_EQ(out[1], 0.75);
    }
    EXPECT_EQ(table->draw(host.model, &call, held, uniforms, outs, &host.error), POTLUCK_UNSUPPORTED);

    int64_t count = 0;
    potluck_array* const* arrays = nullptr;
    ASSERT_EQ(table->parameters(host.model, &count, &arrays, &host.error), POTLUCK_OK);
    ASSERT_EQ(count, 1);
    EXPECT_EQ(arrays[0]->type, type);
    EXPECT_EQ(arrays[0]->trainable, 1);
    double sum[1] = {0};
    void* sums[1] = {sum};
    const double cotangent[1] = {1.5};
    ASSERT_EQ(table->parameter_gradient(host.model, &call, cotangent, nullptr, sums, &host.error), POTLUCK_OK);
    if (type == POTLUCK_FLOAT64) {
      EXPECT_EQ(sum[0], 1.5);
    }
    ASSERT_EQ(table->category_energies(host.model, &call, 0, energy, &host.error), POTLUCK_OK);
    EXPECT_EQ(energy[0], 3);
    table->destroy(host.model);
  }
}

}  // namespace
