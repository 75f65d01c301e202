/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin as somebody wrote it for version 1.0 of the door: a normal distribution with a given precision, through
 * every member that the host of that day called. Neither this file nor the header beside it may change. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "potluck_plugin_v1.h"

POTLUCK_NOTE(
    "note=1\nid=frozen.normal\nversion=1.0.0\nabi=1\nneeds_minor=0\nmodels=frozen.normal\nlicence=MIT\ntorch=none\n"
    "compiler=by hand\n");

#define LOG_TWO_PI 1.8378770664093454836

struct potluck_model {
  int64_t n;
  double precision;
};

/* Refuses what it does not recognise: the values that frozen_test.cpp sends. */
static int create(const potluck_setup* setup, potluck_model** model, potluck_error* error) {
  const potluck_value* const* value = setup->values;
  const int recognised = setup->device == POTLUCK_CPU && setup->type == POTLUCK_FLOAT64 && setup->most_rows == 5 &&
                         value[0]->count == 1 && value[0]->real[0] == 4.0 && value[1]->integer[0] == 1 &&
                         value[2]->integer[0] == -7 && strcmp(value[3]->text[0], "word") == 0 &&
                         value[4]->integer[0] == 1 && value[5]->count == 3 && value[5]->real[2] == 3.0 &&
                         setup->weights_count == 1 && strcmp(setup->weights[0]->name, "mean") == 0 &&
                         setup->weights[0]->shape[0] == 2 && ((const float*)setup->weights[0]->data)[1] == 0.0f &&
                         setup->initial_key[1] == 9 && setup->slots[0]->least[1] == -3.0;
  if (!recognised) {
    error->about = POTLUCK_ABOUT_SETTING;
    strncpy(error->text, "the setup is not what was sent", error->capacity - 1);
    return POTLUCK_BAD_SETTING;
  }
  *model = malloc(sizeof **model);
  (*model)->n = setup->slots[0]->shape[0];
  (*model)->precision = value[0]->real[0];
  return POTLUCK_OK;
}

static void destroy(potluck_model* model) { free(model); }

static int facts(const potluck_model* model, potluck_facts* facts, potluck_error* error) {
  (void)error;
  facts->abilities = POTLUCK_CAN_CPU | POTLUCK_CAN_FLOAT64 | POTLUCK_CAN_ACCUMULATE | POTLUCK_THREAD_SAFE |
                     POTLUCK_ROWS_ALONE | POTLUCK_INTEGRABLE | POTLUCK_BOUNDED_ON_BOXES;
  facts->least_energy = 0;
  facts->workspace_bytes = 64;
  facts->workspace_bytes_a_row = 8;
  facts->draw_uniforms = 2 * model->n;
  return POTLUCK_OK;
}

static int evaluate(const potluck_model* model, const potluck_call* call, potluck_error* error) {
  const double* x = call->input[0];
  double* gradient = call->gradient == NULL ? NULL : call->gradient[0];
  (void)error;
  for (int64_t row = 0; row < call->rows; ++row) {
    const double weight = call->row_weight == NULL ? 1 : call->row_weight[row];
    double sum = 0;
    for (int64_t i = row * model->n; i < (row + 1) * model->n; ++i) {
      sum += x[i] * x[i];
      if (gradient != NULL) gradient[i] = (call->accumulate ? gradient[i] : 0) + weight * model->precision * x[i];
    }
    if (call->energy != NULL) call->energy[row] = 0.5 * model->precision * sum;
  }
  return POTLUCK_OK;
}

static int log_normaliser(const potluck_model* model, const potluck_call* given, double* log_z, potluck_error* error) {
  (void)error;
  for (int64_t row = 0; row < given->rows; ++row) {
    log_z[row] = 0.5 * (double)model->n * (LOG_TWO_PI - log(model->precision));
  }
  return POTLUCK_OK;
}

static int quadratic(const potluck_model* model, const potluck_call* given, double* precision, double* linear,
                     double* constant, potluck_error* error) {
  (void)given;
  (void)error;
  for (int64_t i = 0; i < model->n; ++i) {
    for (int64_t j = 0; j < model->n; ++j) precision[i * model->n + j] = i == j ? model->precision : 0;
    linear[i] = 0;
  }
  *constant = 0;
  return POTLUCK_OK;
}

static int draw(const potluck_model* model, const potluck_call* given, const uint8_t* const* held,
                const double* uniforms, void* const* out, potluck_error* error) {
  double* x = out[0];
  (void)error;
  if (held != NULL) return POTLUCK_UNSUPPORTED;
  for (int64_t i = 0; i < given->rows * model->n; ++i) {
    x[i] = sqrt(-2 * log(uniforms[2 * i]) / model->precision) * cos(6.28318530717958647692 * uniforms[2 * i + 1]);
  }
  return POTLUCK_OK;
}

static const potluck_input position = {sizeof position, "position", POTLUCK_CONTINUOUS, POTLUCK_DRAWN, "where it is"};
static const potluck_input* const inputs[] = {&position, NULL};
static const char* const shapes[] = {"round", "square", NULL};
static const potluck_setting precision = {sizeof precision, "precision", POTLUCK_REAL,         NULL, "1", 0,
                                          INFINITY,         NULL,        "of every coordinate"};
static const potluck_setting flag = {sizeof flag, "flag", POTLUCK_BOOL, "false", "1", 0, 0, NULL, "yes or no"};
static const potluck_setting count = {sizeof count, "count", POTLUCK_INTEGER, "0", "1", -10, 10, NULL, "how many"};
static const potluck_setting name = {sizeof name, "name", POTLUCK_TEXT, "", "1", 0, 0, NULL, "a word"};
static const potluck_setting shape = {sizeof shape, "shape", POTLUCK_CHOICE, "round", "1", 0, 0, shapes, "of a peg"};
static const potluck_setting list = {
    sizeof list, "list", POTLUCK_REAL | POTLUCK_LIST, "1, 2", "m", -INFINITY, INFINITY, NULL, "of lengths"};
static const potluck_setting* const settings[] = {&precision, &flag, &count, &name, &shape, &list, NULL};

static const potluck_model_kind normal = {.size = sizeof normal,
                                          .name = "frozen.normal",
                                          .summary = "a normal distribution",
                                          .reference = "none",
                                          .inputs = inputs,
                                          .settings = settings,
                                          .create = create,
                                          .destroy = destroy,
                                          .facts = facts,
                                          .evaluate = evaluate,
                                          .log_normaliser = log_normaliser,
                                          .quadratic = quadratic,
                                          .draw = draw};
static const potluck_model_kind* const models[] = {&normal, NULL};
static const potluck_plugin plugin = {sizeof plugin, 0,          "frozen.normal",    "1.0.0",
                                      "MIT",         "somebody", "the first plugin", models};

const potluck_plugin* potluck_plugin_v1(void) { return &plugin; }
