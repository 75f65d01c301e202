/* SPDX-License-Identifier: Apache-2.0
 *
 * consumer.well: E(x) = |x - centre|^2 / 2, a standard normal moved to `centre`. */
#include <math.h>
#include <stdlib.h>

#include "potluck/plugin.h"

struct potluck_model {
  double centre;
  int64_t numbers; /* in one row */
  int32_t type;
};

static int create(const potluck_setup* setup, potluck_model** out, potluck_error* error) {
  (void)error;
  potluck_model* model = malloc(sizeof *model);
  if (model == NULL) return POTLUCK_OUT_OF_MEMORY;
  model->centre = setup->values[0]->real[0];
  model->type = setup->type;
  model->numbers = 1;
  for (int64_t axis = 0; axis < setup->slots[0]->rank; ++axis) model->numbers *= setup->slots[0]->shape[axis];
  *out = model;
  return POTLUCK_OK;
}

static void destroy(potluck_model* model) { free(model); }

static int facts(const potluck_model* model, potluck_facts* facts, potluck_error* error) {
  (void)model;
  (void)error;
  facts->abilities = POTLUCK_CAN_CPU | POTLUCK_CAN_FLOAT64 | POTLUCK_THREAD_SAFE | POTLUCK_ROWS_ALONE |
                     POTLUCK_INTEGRABLE | POTLUCK_BOUNDED_ON_BOXES;
  facts->least_energy = 0;
  return POTLUCK_OK;
}

static int evaluate(const potluck_model* model, const potluck_call* call, potluck_error* error) {
  (void)error;
  void* gradient = call->gradient ? call->gradient[0] : NULL;
  for (int64_t row = 0; row < call->rows; ++row) {
    double energy = 0;
    for (int64_t at = row * model->numbers; at < (row + 1) * model->numbers; ++at) {
      const int wide = model->type == POTLUCK_FLOAT64;
      const double x = wide ? ((const double*)call->input[0])[at] : (double)((const float*)call->input[0])[at];
      const double away = x - model->centre;
      energy += away * away / 2;
      if (gradient && wide) ((double*)gradient)[at] = away;
      if (gradient && !wide) ((float*)gradient)[at] = (float)away;
    }
    if (call->energy) call->energy[row] = energy;
  }
  return POTLUCK_OK;
}

static const potluck_input x = {sizeof x, "x", POTLUCK_CONTINUOUS, POTLUCK_DRAWN, "the point"};
static const potluck_input* const inputs[] = {&x, NULL};
static const potluck_setting centre = {sizeof centre, "centre", POTLUCK_REAL, "0",       "1",
                                       -INFINITY,     INFINITY, NULL,         "the mean"};
static const potluck_setting* const settings[] = {&centre, NULL};
static const potluck_model_kind well = {.size = sizeof well,
                                        .name = "consumer.well",
                                        .summary = "a standard normal moved to a centre",
                                        .reference = "",
                                        .inputs = inputs,
                                        .settings = settings,
                                        .create = create,
                                        .destroy = destroy,
                                        .facts = facts,
                                        .evaluate = evaluate};
static const potluck_model_kind* const models[] = {&well, NULL};
static const potluck_plugin plugin = {.size = sizeof plugin,
                                      .needs_minor = 0,
                                      .id = "consumer.well",
                                      .version = "1.0.0",
                                      .licence = "Apache-2.0",
                                      .author = "Potluck's tests",
                                      .summary = "a well",
                                      .models = models};

const potluck_plugin* potluck_plugin_v1(void) { return &plugin; }
