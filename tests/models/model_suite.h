// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/model_case.h"

namespace potluck::test {

/// What every model we ship must do, for each case of a table (model_suite.cpp). A model's test file says
///
///   INSTANTIATE_TEST_SUITE_P(Quartic, ModelSuite, testing::ValuesIn(cases()), case_name);
class ModelSuite : public testing::TestWithParam<ModelCase> {};

inline std::string case_name(const testing::TestParamInfo<ModelCase>& info) { return info.param.name; }

}  // namespace potluck::test
