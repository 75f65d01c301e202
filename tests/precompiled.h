// SPDX-License-Identifier: Apache-2.0
#pragma once

// The same for test programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cmake/precompiled.h"
