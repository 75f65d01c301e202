// SPDX-License-Identifier: Apache-2.0
#include "plugins/model.h"

#include <gmock/gmock.h>
#include <xmmintrin.h>

#include <limits>
#include <stdexcept>

namespace potluck {
namespace {

/// What the model of these tests does; each test sets what it is about.
struct Behaviour {
  potluck_facts facts = {sizeof(potluck_facts), POTLUCK_CAN_CPU | POTLUCK_CAN_FLOAT64, 0, 0, 0, 0, 0};
  int status = POTLUCK_OK;
  unsigned int mode_inside = 0;
  int alive = 0;
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
  behaviour.status = POTLUCK_OUT_OF_MEMORY;
  EXPECT_EQ(
      refusal(),
      "model 'acme.it' (acme.it 2.0.0) failed in facts (0 rows of image [28, 28], label [] of 10 categories; "
      "float32 on cpu): out of memory. Use smaller variables or fewer chains, or raise the limits on memory (ulimit "
      "-v, ulimit -d, a container's)");
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

}  // namespace
}  // namespace potluck
