/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin that can all but learn, E(x) = |x|^2 / 2 with log Z, quadratic form and exact draws; and the ways in which
 * its numbers can be wrong: each ZOO_... that may be defined is one of them (CMakeLists.txt). What the conformance kit
 * finds in them is in tests/plugins/conformance_test.cpp. */
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xmmintrin.h>

#include "potluck/plugin.h"

POTLUCK_NOTE("note=1\nid=" ZOO_ID "\nversion=1.0.0\nabi=1\nneeds_minor=0\nmodels=" ZOO_ID
             "\nlicence=Apache-2.0\ntorch=none\ncompiler=by hand\n");

static const double kLogTwoPi = 1.8378770664093453;
static const double kTwoPi = 6.283185307179586;

struct potluck_model {
  int64_t n;
  int32_t type;
  int holds_first;
  double scratch;
};

static double get(const potluck_model* model, const void* from, int64_t at) {
  return model->type == POTLUCK_FLOAT64 ? ((const double*)from)[at] : (double)((const float*)from)[at];
}

static void set(const potluck_model* model, void* to, int64_t at, double value) {
  if (model->type == POTLUCK_FLOAT64) {
    ((double*)to)[at] = value;
  } else {
    ((float*)to)[at] = (float)value;
  }
}

static int create(const potluck_setup* setup, potluck_model** model, potluck_error* error) {
  (void)error;
#ifdef ZOO_WIDE_PRESET
  /* One coordinate for each number of its setting, three of which are preset. */
  if (setup->slots[0]->rank != 1 || setup->slots[0]->shape[0] != setup->values[0]->count) return POTLUCK_BAD_SHAPE;
#endif
#ifdef ZOO_CRASHES_IN_CREATE
  raise(SIGSEGV);
#endif
  *model = malloc(sizeof **model);
  if (*model == NULL) return POTLUCK_OUT_OF_MEMORY;
  (*model)->n = 1;
  (*model)->type = setup->type;
  for (int64_t i = 0; i < setup->slots[0]->rank; ++i) (*model)->n *= setup->slots[0]->shape[i];
  (*model)->holds_first = setup->slots[0]->held != NULL && setup->slots[0]->held[0];
  return POTLUCK_OK;
}

static void destroy(potluck_model* model) { free(model); }

static int facts(const potluck_model* model, potluck_facts* facts, potluck_error* error) {
  (void)error;
  facts->abilities = POTLUCK_CAN_CPU | POTLUCK_CAN_FLOAT64 | POTLUCK_CAN_ACCUMULATE | POTLUCK_THREAD_SAFE |
                     POTLUCK_ROWS_ALONE | POTLUCK_BATCH_INVARIANT | POTLUCK_INTEGRABLE | POTLUCK_BOUNDED_ON_BOXES;
  facts->least_energy = 0;
#ifdef ZOO_HIGH_BOUND
  facts->least_energy = 1;
#endif
  facts->workspace_bytes_a_row = sizeof(double);
  facts->draw_uniforms = 2 * model->n;
  return POTLUCK_OK;
}

static int evaluate(const potluck_model* model, const potluck_call* call, potluck_error* error) {
  (void)error;
  double* const energy = call->workspace; /* a row's energy, before it is asked for */
  void* const gradient = call->gradient != NULL ? call->gradient[0] : NULL;
#ifdef ZOO_OVERRUNS
  energy[call->rows] = 0;
#endif
#ifdef ZOO_CRASHES_AT_ONE_ROW
  if (call->rows == 1) raise(SIGSEGV);
#endif
#ifdef ZOO_HANGS_IN_EVALUATE
  for (;;) pause();
#endif
#ifdef ZOO_EXITS_AT_ONE_ROW
  if (call->rows == 1) exit(0);
#endif
#ifdef ZOO_WRITES_WEIGHT
  if (call->row_weight != NULL) ((double*)call->row_weight)[0] = 7;
#endif
#ifdef ZOO_NAN_ALONE
  const int nan_alone = call->gradient == NULL && call->energy != NULL;
#endif
#ifdef ZOO_FLUSHES
  _mm_setcsr(_mm_getcsr() | 0x8040);
#endif
  double mean = 0;
  for (int64_t at = 0; at < call->rows * model->n; ++at) mean += get(model, call->input[0], at) / (double)call->rows;
#ifndef ZOO_ROWS_TOGETHER
  mean = 0;
#endif
  for (int64_t row = 0; row < call->rows; ++row) {
    const double weight = call->row_weight != NULL ? call->row_weight[row] : 1;
    energy[row] = 1e-9 * mean;
    for (int64_t at = row * model->n; at < (row + 1) * model->n; ++at) {
      double x = get(model, call->input[0], at);
#ifdef ZOO_FORGETS_HELD
      if (model->holds_first && at == row * model->n) x = 0; /* whatever value it is held at */
#endif
#ifdef ZOO_RACES
      /* One row of a thousand lies in the model for a while, where other threads put theirs. */
      static _Thread_local int64_t count;
      if (at == row * model->n && ++count % 1000 == 0) {
        ((potluck_model*)model)->scratch = x;
        sched_yield();
        x = model->scratch;
      }
#endif
      energy[row] += 0.5 * x * x;
      double slope = x;
#ifdef ZOO_WRONG_GRADIENT
      slope += 0.01 * cos(x);
#endif
#ifdef ZOO_WRONG_GRADIENT_FAR_OUT
      if (fabs(x) > 3) slope *= 0.5;
#endif
#ifdef ZOO_NO_WEIGHT
      (void)weight;
#else
      slope *= weight;
#endif
      if (gradient != NULL) set(model, gradient, at, slope + (call->accumulate ? get(model, gradient, at) : 0));
#ifdef ZOO_WRITES_INPUT
      set(model, (void*)call->input[0], at, 0);
#endif
#ifdef ZOO_SEES_BATCH_SIZE
      if (call->rows < 8) energy[row] = nextafter(energy[row], INFINITY); /* as other loops for few rows may give */
#endif
#ifdef ZOO_NAN
      energy[row] += 0 * sqrt(3 - x); /* NaN beyond 3 */
#endif
    }
#ifdef ZOO_NAN_ALONE
    if (nan_alone) energy[row] = NAN;
#endif
    if (call->energy != NULL) call->energy[row] = energy[row];
  }
  return POTLUCK_OK;
}

static int log_normaliser(const potluck_model* model, const potluck_call* given, double* log_z, potluck_error* error) {
  (void)given;
  (void)error;
  log_z[0] = (double)model->n * kLogTwoPi / 2;
#ifdef ZOO_WRONG_LOG_Z
  log_z[0] += 1e-3;
#endif
  return POTLUCK_OK;
}

static int quadratic(const potluck_model* model, const potluck_call* given, double* precision, double* linear,
                     double* constant, potluck_error* error) {
  (void)given;
  (void)error;
  for (int64_t i = 0; i < model->n * model->n; ++i) precision[i] = 0;
  for (int64_t i = 0; i < model->n; ++i) {
    precision[i * model->n + i] = 1;
#ifdef ZOO_WRONG_QUADRATIC
    precision[i * model->n + i] = 0.5; /* half of what the convention says */
#endif
    linear[i] = 0;
  }
  *constant = 0;
  return POTLUCK_OK;
}

static int draw(const potluck_model* model, const potluck_call* given, const uint8_t* const* held,
                const double* uniforms, void* const* out, potluck_error* error) {
  (void)error;
  for (int64_t at = 0; at < given->rows * model->n; ++at) {
    double x = sqrt(-2 * log(uniforms[2 * at])) * cos(kTwoPi * uniforms[2 * at + 1]);
#ifdef ZOO_WRONG_DRAWS
    x *= 1.05;
#endif
#ifdef ZOO_WRONG_CONDITIONAL_DRAWS
    if (held != NULL) x *= 1.05;
#endif
#ifdef ZOO_COPIES_FREE_NUMBERS
    if (held != NULL) x = get(model, given->input[0], at); /* held or not */
#endif
#ifdef ZOO_DRAWS_BESIDE
    if (given->workspace != NULL) ((double*)given->workspace)[given->rows] = x;
#endif
#ifndef ZOO_MOVES_HELD
    if (held != NULL && held[0] != NULL && held[0][at % model->n]) x = get(model, given->input[0], at);
#else
    (void)held;
#endif
    set(model, out[0], at, x);
  }
  return POTLUCK_OK;
}

static const potluck_input position = {sizeof position, "position", POTLUCK_CONTINUOUS, POTLUCK_DRAWN, "where it is"};
static const potluck_input* const inputs[] = {&position, NULL};
#ifdef ZOO_WIDE_PRESET
static const potluck_setting centre = {.size = sizeof centre,
                                       .name = "centre",
                                       .kind = POTLUCK_REAL | POTLUCK_LIST,
                                       .preset = "0, 0, 0",
                                       .unit = "1",
                                       .least = -INFINITY,
                                       .most = INFINITY,
                                       .summary = "not used but for its length"};
static const potluck_setting* const settings[] = {&centre, NULL};
#else
static const potluck_setting* const settings[] = {NULL};
#endif
static const potluck_model_kind model_kind = {.size = sizeof model_kind,
                                              .name = ZOO_ID,
                                              .summary = "half the squared norm",
                                              .inputs = inputs,
                                              .settings = settings,
                                              .create = create,
                                              .destroy = destroy,
                                              .facts = facts,
                                              .evaluate = evaluate,
                                              .log_normaliser = log_normaliser,
                                              .quadratic = quadratic,
                                              .draw = draw};
static const potluck_model_kind* const models[] = {&model_kind, NULL};
static const potluck_plugin plugin = {.size = sizeof plugin,
                                      .id = ZOO_ID,
                                      .version = "1.0.0",
                                      .licence = "Apache-2.0",
                                      .author = "Potluck's tests",
                                      .summary = "a plugin of the zoo",
                                      .models = models};

const potluck_plugin* potluck_plugin_v1(void) { return &plugin; }
