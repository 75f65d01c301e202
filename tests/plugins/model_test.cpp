// SPDX-License-Identifier: Apache-2.0
#include "plugins/model.h"

#include <gmock/gmock.h>
#include <xmmintrin.h>

#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>

#include "plugins/model_fault.h"

namespace potluck {
namespace {

/// What the model of these tests does; each test sets what it is about.
struct Behaviour {
  potluck_facts facts = {sizeof(potluck_facts), POTLUCK_CAN_CPU | POTLUCK_CAN_FLOAT64, 0, 0, 0, 0, 0};
  int status = POTLUCK_OK;
  unsigned int mode_inside = 0;
  int alive = 0;
  double mean = 0;
};
Behaviour behaviour;

class ModelTest : public testing::Test {
 protected:
  void SetUp() override {
    behaviour = Behaviour();
    table_.size = sizeof table_;
    table_.name = "acme.it";
    table_.create = [](const potluck_setup*, potluck_model** model, potluck_error*) -> int {
      ++behaviour.alive;
      *model = reinterpret_cast<potluck_model*>(&behaviour);
      return POTLUCK_OK;
    };
    table_.destroy = [](potluck_model*) { --behaviour.alive; };
    table_.facts = [](const potluck_model*, potluck_facts* facts, potluck_error*) -> int {
      *facts = behaviour.facts;
      return behaviour.status;
    };
    table_.evaluate = [](const potluck_model*, const potluck_call*, potluck_error*) -> int {
      behaviour.mode_inside = _mm_getcsr();
      throw std::runtime_error("no convergence\nat all");
    };
    table_.log_normaliser = [](const potluck_model*, const potluck_call*, double*, potluck_error*) -> int {
      return behaviour.status;
    };
    kind_.name = "acme.it";
    kind_.plugin_id = "acme.it";
    kind_.plugin_version = "2.0.0";
    kind_.inputs = {{"image", false, false, ""}, {"label", true, true, ""}};
    kind_.table = &table_;
    setup_.slots = {{{28, 28}, 0, {}, {}}, {{}, 10, {}, {}}};
  }

  std::string refusal() {
    try {
      Model model(kind_, setup_);
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing thrown";
  }

  potluck_model_kind table_{};
  ModelKind kind_;
  ModelSetup setup_;
};

TEST_F(ModelTest, RefusesFactsThatCannotBe) {
  EXPECT_EQ(refusal(), "nothing thrown");
  behaviour.facts.abilities = POTLUCK_ROWS_ALONE;
  EXPECT_EQ(refusal(), "model 'acme.it' (acme.it 2.0.0): its facts must name a device it can run on, got none");
  behaviour = Behaviour();
  behaviour.facts.least_energy = std::numeric_limits<double>::infinity();
  EXPECT_EQ(refusal(), "model 'acme.it' (acme.it 2.0.0): its least_energy must be a number or -inf, got inf");
  behaviour = Behaviour();
  behaviour.facts.draw_uniforms = -1;
  EXPECT_EQ(refusal(), "model 'acme.it' (acme.it 2.0.0): its draw_uniforms must be >= 0, got -1");
  behaviour.facts.draw_uniforms = 0;
  behaviour.facts.preferred_rows = -1;
  EXPECT_EQ(refusal(), "model 'acme.it' (acme.it 2.0.0): its preferred_rows must be >= 0, got -1");
  behaviour = Behaviour();
  for (const size_t size : {size_t{0}, SIZE_MAX}) {
    behaviour.facts.size = size;
    EXPECT_EQ(refusal(), "model 'acme.it' (acme.it 2.0.0): its facts must keep the size that they were given, " +
                             std::to_string(sizeof(potluck_facts)) + " bytes, got " + std::to_string(size));
  }
  behaviour.facts.size = offsetof(potluck_facts, preferred_rows);  // as version 1.0 of the door had it
  EXPECT_EQ(refusal(), "nothing thrown");
  behaviour = Behaviour();
  behaviour.status = POTLUCK_OUT_OF_MEMORY;
  EXPECT_EQ(
      refusal(),
      "model 'acme.it' (acme.it 2.0.0) failed in facts (image [28, 28], label [] of 10 categories; "
      "float32 on cpu): out of memory. Use smaller variables or fewer chains, or raise the limits on memory (ulimit "
      "-v, ulimit -d, a container's)");
}

TEST_F(ModelTest, OnlyARefusalIsTheCompositionsFault) {
  const auto fault_of = [&](int (*create)(const potluck_setup*, potluck_model**, potluck_error*)) -> std::string {
    table_.create = create;
    try {
      Model model(kind_, setup_);
    } catch (const ModelFault& error) {
      return error.what();
    } catch (const ModelCreateError& error) {
      return "refused";
    }
    return "nothing thrown";
  };
  using Setup = const potluck_setup*;
  EXPECT_EQ(fault_of([](Setup, potluck_model**, potluck_error*) -> int { return POTLUCK_BAD_SHAPE; }), "refused");
  EXPECT_EQ(fault_of([](Setup, potluck_model**, potluck_error*) -> int { return POTLUCK_BAD_SETTING; }), "refused");
  EXPECT_EQ(fault_of([](Setup, potluck_model**, potluck_error*) -> int { return POTLUCK_UNSUPPORTED; }), "refused");
  EXPECT_EQ(fault_of([](Setup, potluck_model**, potluck_error*) -> int { return POTLUCK_INTERNAL; }),
            "model 'acme.it' (acme.it 2.0.0) refused image [28, 28], label [] of 10 categories: an internal error");
  EXPECT_EQ(
      fault_of([](Setup, potluck_model**, potluck_error*) -> int { return 99; }),
      "model 'acme.it' (acme.it 2.0.0) refused image [28, 28], label [] of 10 categories: the status 99, which is "
      "none of potluck/plugin.h");
  EXPECT_EQ(fault_of([](Setup, potluck_model**, potluck_error*) -> int { return POTLUCK_OK; }),
            "model 'acme.it' (acme.it 2.0.0): create must leave a model where it answers POTLUCK_OK, got none");
  EXPECT_EQ(
      fault_of([](Setup, potluck_model**, potluck_error*) -> int { throw std::runtime_error("no network"); }),
      "model 'acme.it' (acme.it 2.0.0) let an exception out in create (image [28, 28], label [] of 10 categories): "
      "no network. A model returns a status instead");
  SetUp();
  behaviour.status = POTLUCK_NUMERIC;
  EXPECT_THROW(Model(kind_, setup_), ModelFault);
}

TEST_F(ModelTest, DestroysWhatItCreatedWhateverHappens) {
  behaviour.facts.abilities = POTLUCK_CAN_CUDA;
  refusal();
  EXPECT_EQ(behaviour.alive, 0);
  behaviour.facts.abilities = POTLUCK_CAN_CPU;
  {
    Model model(kind_, setup_);
    EXPECT_EQ(behaviour.alive, 1);
    const Model moved = std::move(model);
    EXPECT_EQ(behaviour.alive, 1);
  }
  EXPECT_EQ(behaviour.alive, 0);
}

TEST_F(ModelTest, RefusesASetupThatIsNotOfTheDeclaredInputs) {
  setup_.slots.pop_back();
  EXPECT_EQ(refusal(), "model 'acme.it' (acme.it 2.0.0): its setup must have 2 inputs and 0 settings, got 1 and 0");
}

TEST_F(ModelTest, AnExceptionThatLeavesAPluginBecomesAnErrorOfOurs) {
  const Model model(kind_, setup_);
  potluck_call call{};
  call.rows = 3;
  try {
    model.evaluate(call);
    FAIL() << "nothing thrown";
  } catch (const PluginError& error) {
    EXPECT_STREQ(error.what(),
                 "model 'acme.it' (acme.it 2.0.0) failed in evaluate (3 rows of image [28, 28], label [] of 10 "
                 "categories; float32 on cpu): no convergence at all");
  }
}

TEST_F(ModelTest, CallsRunInTheUsualFloatingPointModeWhateverTheCallers) {
  const Model model(kind_, setup_);
  const unsigned int before = _mm_getcsr();
  _mm_setcsr(before | 0x8040);  // the caller flushes denormals to zero
  EXPECT_THROW(model.evaluate(potluck_call{}), PluginError);
  const unsigned int after = _mm_getcsr();
  _mm_setcsr(before);
  EXPECT_EQ(behaviour.mode_inside & 0xffc0, 0x1f80u);  // without the sticky flags
  EXPECT_EQ(after & ~0x3fu, (before | 0x8040) & ~0x3fu);
}

TEST_F(ModelTest, WhatAModelDoesNotKnowIsNotAnError) {
  const Model model(kind_, setup_);
  double log_z = 0;
  EXPECT_TRUE(model.log_normaliser(potluck_call{}, &log_z));
  behaviour.status = POTLUCK_UNSUPPORTED;
  EXPECT_FALSE(model.log_normaliser(potluck_call{}, &log_z));
  behaviour.status = POTLUCK_NUMERIC;
  EXPECT_THROW(model.log_normaliser(potluck_call{}, &log_z), PluginError);
  const void* const open[] = {nullptr, nullptr};
  EXPECT_EQ(model.quadratic(open), std::nullopt);
  EXPECT_FALSE(model.draw(potluck_call{}, nullptr, nullptr, nullptr));
}

TEST_F(ModelTest, AGaussianPartHasFiniteNumbersOfAllDrawnInputs) {
  kind_.inputs.push_back({"offset", false, false, ""});
  setup_.slots.push_back({{2}, 0, {}, {}});
  setup_.slots[0].shape = {3};
  const void* const nothing[] = {nullptr, nullptr, nullptr};
  EXPECT_EQ(Model(kind_, setup_).gaussian_part(nothing), std::nullopt);
  table_.gaussian_part = [](const potluck_model*, const potluck_call*, double* curvature, double* mean,
                            potluck_error*) -> int {
    for (int j = 0; j < 5; ++j) curvature[j] = j + 1, mean[j] = behaviour.mean - j;
    return behaviour.status;
  };
  const Model model(kind_, setup_);
  const auto part = model.gaussian_part(nothing);
  ASSERT_TRUE(part.has_value());
  EXPECT_THAT(part->curvature, testing::ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(part->mean, testing::ElementsAre(0, -1, -2, -3, -4));
  behaviour.status = POTLUCK_UNSUPPORTED;
  EXPECT_EQ(model.gaussian_part(nothing), std::nullopt);
  behaviour.status = POTLUCK_OK;
  behaviour.mean = std::numeric_limits<double>::infinity();
  try {
    model.gaussian_part(nothing);
    FAIL() << "nothing thrown";
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        "model 'acme.it' (acme.it 2.0.0): its Gaussian part must have finite numbers, got curvature 1 and mean "
        "inf of number 0. Ask its author");
  }
}

TEST_F(ModelTest, OnlyAnOptionalInputIsLeftOutAndItsSlotIsNull) {
  setup_.slots[1].left_out = true;
  EXPECT_EQ(
      refusal(),
      "model 'acme.it' (acme.it 2.0.0): its input 'label' must be bound, since it is not optional, got one that is "
      "left out");
  kind_.inputs[1].optional = true;
  static const potluck_slot* slot = nullptr;
  static bool image_bound = false;
  slot = reinterpret_cast<const potluck_slot*>(&behaviour);
  table_.create = [](const potluck_setup* setup, potluck_model** model, potluck_error*) -> int {
    slot = setup->slots[1];
    image_bound = setup->slots[0] != nullptr;
    *model = reinterpret_cast<potluck_model*>(&behaviour);
    return POTLUCK_OK;
  };
  table_.destroy = [](potluck_model*) {};
  const Model model(kind_, setup_);
  EXPECT_EQ(slot, nullptr);
  EXPECT_TRUE(image_bound);
  EXPECT_EQ(model.setup().slots[1].size(), 0);
}

/// Two arrays as a plugin would answer them.
class ParametersTest : public ModelTest {
 protected:
  void SetUp() override {
    ModelTest::SetUp();
    answer_ = this;
    table_.parameters = [](potluck_model*, int64_t* count, potluck_array* const** arrays, potluck_error*) -> int {
      *count = answer_->count_;
      *arrays = answer_->pointers_;
      return behaviour.status;
    };
    behaviour.facts.abilities = POTLUCK_CAN_CPU;
  }

  /// What Model::parameters() throws after `change`.
  template <class Change>
  std::string complaint(Change change) {
    Model model(kind_, setup_);
    const potluck_array first = first_, second = second_;
    change();
    std::string text = "nothing thrown";
    try {
      model.parameters();
    } catch (const Error& error) {
      text = error.what();
    }
    first_ = first;
    second_ = second;
    count_ = 2;
    pointers_[1] = &second_;
    behaviour.status = POTLUCK_OK;
    return text;
  }

  static inline ParametersTest* answer_ = nullptr;
  float weight_[6] = {1, 2, 3, 4, 5, 6};
  int64_t steps_ = 7, shape_[2] = {2, 3};
  potluck_array first_ = {sizeof(potluck_array), "weight", POTLUCK_FLOAT32, POTLUCK_CPU, 2, shape_, weight_, 1};
  potluck_array second_ = {sizeof(potluck_array), "steps", POTLUCK_INT64, POTLUCK_CPU, 0, nullptr, &steps_, 0};
  potluck_array* pointers_[2] = {&first_, &second_};
  int64_t count_ = 2;
};

TEST_F(ParametersTest, AreDescribedAsTheyAre) {
  Model model(kind_, setup_);
  const std::vector<ModelParameter> parameters = model.parameters();
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters[0].name, "weight");
  EXPECT_EQ(parameters[0].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(parameters[0].data, weight_);
  EXPECT_EQ(parameters[0].bytes(), 24u);
  EXPECT_TRUE(parameters[0].trainable);
  EXPECT_EQ(parameters[1].size(), 1);
  EXPECT_FALSE(parameters[1].trainable);
  behaviour.status = POTLUCK_UNSUPPORTED;
  EXPECT_TRUE(model.parameters().empty());
  table_.parameters = nullptr;
  EXPECT_TRUE(model.parameters().empty());
}

TEST_F(ParametersTest, AreRefusedWhereTheyCannotBe) {
  const std::string it = "model 'acme.it' (acme.it 2.0.0): ";
  EXPECT_EQ(complaint([] {}), "nothing thrown");
  EXPECT_EQ(complaint([&] { count_ = -1; }), it + "the number of its parameters must be >= 0, got -1");
  EXPECT_EQ(complaint([&] { pointers_[1] = nullptr; }),
            it + "its parameter 1 must be a potluck_array, got a null pointer");
  EXPECT_EQ(complaint([&] { first_.size = 8; }), it + "its parameter 0 must have the 52 bytes of potluck_array, got 8");
  EXPECT_EQ(complaint([&] { first_.name = ""; }), it + "its parameter 0 must have a name, got none");
  EXPECT_EQ(complaint([&] { first_.name = "w\xe9"; }),
            it + "the name of its parameter 0 must be UTF-8, got 'w\xef\xbf\xbd'");
  EXPECT_EQ(complaint([&] { second_.name = "weight"; }),
            it + "the names of its parameters must be unique, got 'weight' twice");
  EXPECT_EQ(complaint([&] { second_.trainable = 1; }),
            it + "its parameter 'steps' must be of type POTLUCK_FLOAT32 or POTLUCK_FLOAT64, since it is trainable, got "
                 "3");
  EXPECT_EQ(complaint([&] { second_.type = 9; }),
            it + "its parameter 'steps' must be of type POTLUCK_FLOAT32, POTLUCK_FLOAT64 or POTLUCK_INT64, got 9");
  EXPECT_EQ(complaint([&] { second_.rank = 1; }),
            it + "its parameter 'steps' must have a shape, got rank 1 and a null pointer");
  EXPECT_EQ(complaint([&] { shape_[1] = 0; }),
            it + "the shape of its parameter 'weight' must be of lengths >= 1 that fit into memory, got [2, 0]");
  shape_[1] = 3;
  EXPECT_EQ(complaint([&] { first_.device = POTLUCK_CUDA; }),
            it + "its parameter 'weight' must be on the model's device, POTLUCK_CPU, got device 2");
  EXPECT_EQ(complaint([&] { first_.data = nullptr; }),
            it + "its parameter 'weight' must have its numbers, got a null pointer");
  EXPECT_EQ(complaint([&] { first_.data = reinterpret_cast<char*>(weight_) + 1; }),
            it + "the numbers of its parameter 'weight' must be aligned to 4 bytes, got an address that is not");
  EXPECT_EQ(complaint([&] {
              second_.type = POTLUCK_FLOAT32;
              second_.data = weight_ + 5;
            }),
            it + "its parameters 'weight' and 'steps' must have memory of their own, got some that both have");
  EXPECT_EQ(complaint([&] { behaviour.status = POTLUCK_NUMERIC; }),
            "model 'acme.it' (acme.it 2.0.0) failed in parameters (image [28, 28], label [] of 10 categories; "
            "float32 on cpu): the numbers failed");
}

TEST_F(ParametersTest, AGradientThatIsNotKnownIsNoErrorAndAFailureNamesTheCall) {
  Model model(kind_, setup_);
  potluck_call call{};
  call.rows = 3;
  EXPECT_FALSE(model.parameter_gradient(call, nullptr, nullptr, nullptr));
  model.parameters_changed();  // nobody to tell
  table_.parameter_gradient = [](const potluck_model*, const potluck_call*, const double*, const void* const*,
                                 void* const*, potluck_error*) -> int { return behaviour.status; };
  table_.parameters_changed = [](potluck_model*, void*, potluck_error*) -> int { return behaviour.status; };
  EXPECT_TRUE(model.parameter_gradient(call, nullptr, nullptr, nullptr));
  behaviour.status = POTLUCK_UNSUPPORTED;
  EXPECT_FALSE(model.parameter_gradient(call, nullptr, nullptr, nullptr));
  model.parameters_changed();
  behaviour.status = POTLUCK_NUMERIC;
  const std::string shapes = "image [28, 28], label [] of 10 categories; float32 on cpu): the numbers failed";
  try {
    model.parameter_gradient(call, nullptr, nullptr, nullptr);
    FAIL() << "nothing thrown";
  } catch (const PluginError& error) {
    EXPECT_EQ(error.what(), "model 'acme.it' (acme.it 2.0.0) failed in parameter_gradient (3 rows of " + shapes);
  }
  try {
    model.parameters_changed();
    FAIL() << "nothing thrown";
  } catch (const PluginError& error) {
    EXPECT_EQ(error.what(), "model 'acme.it' (acme.it 2.0.0) failed in parameters_changed (" + shapes);
  }
}

}  // namespace
}  // namespace potluck
