/* SPDX-License-Identifier: Apache-2.0
 *
 * acme.filters: a patch of an image as a product of experts on linear filters, which are learned.
 *
 *   E(x) = sum_i alpha_i log(1 + (J_i . x)^2 / 2)
 *
 * over a patch x of n numbers, with filters J_i and alpha_i > 0: summed over all patches of an image it is the field of
 * experts of Roth & Black 2005. Filters of natural images answer with numbers that are mostly small and now and then
 * large, which is the heavy tail of these terms.
 *
 * Plain C, one file, no derivative but two by hand: by x for sampling, and by the parameters J and log alpha for
 * learning. It does not differentiate the slope dE/dx by the parameters. Potluck then trains it by score matching with
 * central differences of parameter_gradient().
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "potluck/plugin.h"

static const double kTwoPi = 6.283185307179586;

struct potluck_model {
  int64_t filters, n; /* K, and numbers in a patch */
  int32_t type;       /* of patches; everything inside is double */
  double* filter;     /* J [K, n] */
  double* log_alpha;  /* [K] */
  double* alpha;      /* [K], made of log_alpha */
  int64_t filter_shape[2], alpha_shape[1];
  potluck_array arrays[2];
  potluck_array* parameters[2];
};

static const potluck_input kPatch = {
    sizeof(potluck_input), "patch", POTLUCK_CONTINUOUS, POTLUCK_DRAWN, "a patch of an image, of any shape", 0, 0, 0};
static const potluck_input* const kInputs[] = {&kPatch, NULL};

static const potluck_setting kFilters = {
    sizeof(potluck_setting), "filters", POTLUCK_INTEGER, "16", "1", 1, 4096, NULL, "how many filters there are"};
static const potluck_setting* const kSettings[] = {&kFilters, NULL};

static int fail(potluck_error* error, int status, int32_t about, const char* text) {
  error->about = about;
  error->index = 0;
  snprintf(error->text, error->capacity, "%s", text);
  return status;
}

/* ------------------------------------------------------------------------------------------- parameters at first -- */

/* The next of a sequence of numbers in (0, 1) (splitmix64, Steele et al. 2014). */
static double uniform(uint64_t* state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

/* Random filters that do not care for the brightness of a patch, of length 3; alpha_i = 1/10. */
static void begin(potluck_model* model, const uint64_t key[2]) {
  uint64_t state = key[0] ^ (key[1] * 0xd1342543de82ef95u);
  for (int64_t i = 0; i < model->filters; ++i) {
    double* filter = model->filter + i * model->n;
    double mean = 0, squares = 0;
    for (int64_t j = 0; j < model->n; ++j) {
      const double radius = sqrt(-2 * log(uniform(&state)));
      filter[j] = radius * cos(kTwoPi * uniform(&state));
      mean += filter[j] / (double)model->n;
    }
    for (int64_t j = 0; j < model->n; ++j) {
      if (model->n > 1) filter[j] -= mean;
      squares += filter[j] * filter[j];
    }
    for (int64_t j = 0; j < model->n; ++j) filter[j] *= 3 / sqrt(squares);
    model->log_alpha[i] = log(0.1);
  }
}

/* Copies an array of the user's weights file over `to`. */
static int read_weight(const potluck_setup* setup, const potluck_array* parameter, potluck_error* error) {
  int64_t size = 1, wanted = 1;
  for (int64_t w = 0; w < setup->weights_count; ++w) {
    const potluck_array* weight = setup->weights[w];
    if (strcmp(weight->name, parameter->name) != 0) continue;
    for (int64_t axis = 0; axis < weight->rank; ++axis) size *= weight->shape[axis];
    for (int64_t axis = 0; axis < parameter->rank; ++axis) wanted *= parameter->shape[axis];
    if (size != wanted) {
      error->about = POTLUCK_ABOUT_WEIGHT;
      error->index = (int32_t)w;
      snprintf(error->text, error->capacity, "weights '%s' must have %lld numbers, got %lld", parameter->name,
               (long long)wanted, (long long)size);
      return POTLUCK_BAD_SHAPE;
    }
    for (int64_t k = 0; k < size; ++k) {
      double* to = (double*)parameter->data + k;
      if (weight->type == POTLUCK_FLOAT32) *to = (double)((const float*)weight->data)[k];
      if (weight->type == POTLUCK_FLOAT64) *to = ((const double*)weight->data)[k];
      if (weight->type == POTLUCK_INT64) *to = (double)((const int64_t*)weight->data)[k];
    }
    return POTLUCK_OK;
  }
  error->about = POTLUCK_ABOUT_NOTHING;
  snprintf(error->text, error->capacity, "weights must have an array '%s', got none of that name", parameter->name);
  return POTLUCK_BAD_SHAPE;
}

static void describe(potluck_array* array, const char* name, const int64_t* shape, int64_t rank, double* data) {
  memset(array, 0, sizeof *array);
  array->size = sizeof *array;
  array->name = name;
  array->type = POTLUCK_FLOAT64;
  array->device = POTLUCK_CPU;
  array->rank = rank;
  array->shape = shape;
  array->data = data;
  array->trainable = 1;
}

static void take_alpha(potluck_model* model) {
  for (int64_t i = 0; i < model->filters; ++i) model->alpha[i] = exp(model->log_alpha[i]);
}

/* ------------------------------------------------------------------------------------------------- life of a model --
 */

static void destroy(potluck_model* model) {
  free(model->filter);
  free(model->log_alpha);
  free(model->alpha);
  free(model);
}

static int create(const potluck_setup* setup, potluck_model** out, potluck_error* error) {
  potluck_model* model = calloc(1, sizeof *model);
  if (!model) return fail(error, POTLUCK_OUT_OF_MEMORY, POTLUCK_ABOUT_NOTHING, "no memory for the model");
  model->type = setup->type;
  model->filters = setup->values[0]->integer[0];
  model->n = 1;
  for (int64_t axis = 0; axis < setup->slots[0]->rank; ++axis) model->n *= setup->slots[0]->shape[axis];
  model->filter = malloc((size_t)(model->filters * model->n) * sizeof(double));
  model->log_alpha = malloc((size_t)model->filters * sizeof(double));
  model->alpha = malloc((size_t)model->filters * sizeof(double));
  if (!model->filter || !model->log_alpha || !model->alpha) {
    destroy(model);
    return fail(error, POTLUCK_OUT_OF_MEMORY, POTLUCK_ABOUT_NOTHING, "no memory for the filters");
  }
  model->filter_shape[0] = model->alpha_shape[0] = model->filters;
  model->filter_shape[1] = model->n;
  describe(&model->arrays[0], "filters", model->filter_shape, 2, model->filter);
  describe(&model->arrays[1], "log_alpha", model->alpha_shape, 1, model->log_alpha);
  for (int p = 0; p < 2; ++p) model->parameters[p] = &model->arrays[p];
  begin(model, setup->initial_key);
  for (int p = 0; p < 2 && setup->weights_count > 0; ++p) {
    const int status = read_weight(setup, model->parameters[p], error);
    if (status == POTLUCK_OK) continue;
    destroy(model);
    return status;
  }
  take_alpha(model);
  *out = model;
  return POTLUCK_OK;
}

static int facts(const potluck_model* model, potluck_facts* out, potluck_error* error) {
  (void)error;
  out->abilities = POTLUCK_CAN_CPU | POTLUCK_CAN_FLOAT64 | POTLUCK_CAN_ACCUMULATE | POTLUCK_THREAD_SAFE |
                   POTLUCK_BATCH_INVARIANT | POTLUCK_BOUNDED_ON_BOXES;
  out->least_energy = 0;
  out->workspace_bytes = 2 * (size_t)model->n * sizeof(double);
  return POTLUCK_OK;
}

/* ------------------------------------------------------------------------------------------ energies and gradients --
 */

static void read_patch(const potluck_model* model, const potluck_call* call, int64_t row, double* x) {
  const int64_t first = row * model->n;
  for (int64_t j = 0; j < model->n; ++j)
    x[j] = model->type == POTLUCK_FLOAT64 ? ((const double*)call->input[0])[first + j]
                                          : (double)((const float*)call->input[0])[first + j];
}

static double response(const potluck_model* model, int64_t i, const double* x) {
  double sum = 0;
  for (int64_t j = 0; j < model->n; ++j) sum += model->filter[i * model->n + j] * x[j];
  return sum;
}

/* dE/dx = sum_i alpha_i y_i/(1 + y_i^2/2) J_i with y_i = J_i . x */
static int evaluate(const potluck_model* model, const potluck_call* call, potluck_error* error) {
  (void)error;
  void* gradient = call->gradient ? call->gradient[0] : NULL;
  double* x = call->workspace;
  double* slope = x + model->n;
  for (int64_t row = 0; row < call->rows; ++row) {
    double energy = 0;
    read_patch(model, call, row, x);
    memset(slope, 0, (size_t)model->n * sizeof(double));
    for (int64_t i = 0; i < model->filters; ++i) {
      const double y = response(model, i, x), pull = model->alpha[i] * y / (1 + y * y / 2);
      if (call->energy) energy += model->alpha[i] * log1p(y * y / 2);
      for (int64_t j = 0; j < model->n && gradient; ++j) slope[j] += pull * model->filter[i * model->n + j];
    }
    if (call->energy) call->energy[row] = energy;
    const double weight = call->row_weight ? call->row_weight[row] : 1;
    for (int64_t j = 0; j < model->n && gradient; ++j) {
      const int64_t at = row * model->n + j;
      if (model->type == POTLUCK_FLOAT64) {
        double* to = (double*)gradient + at;
        *to = (call->accumulate ? *to : 0) + weight * slope[j];
      } else {
        float* to = (float*)gradient + at;
        *to = (float)((call->accumulate ? (double)*to : 0) + weight * slope[j]);
      }
    }
  }
  return POTLUCK_OK;
}

/* -------------------------------------------------------------------------------------------------------- learning --
 */

static int parameters(potluck_model* model, int64_t* count, potluck_array* const** arrays, potluck_error* error) {
  (void)error;
  *count = 2;
  *arrays = model->parameters;
  return POTLUCK_OK;
}

static int parameters_changed(potluck_model* model, void* stream, potluck_error* error) {
  (void)stream;
  (void)error;
  take_alpha(model);
  return POTLUCK_OK;
}

/* dE/dJ_i = alpha_i y_i/(1 + y_i^2/2) x,   dE/dlog alpha_i = alpha_i log(1 + y_i^2/2) */
static int parameter_gradient(const potluck_model* model, const potluck_call* call, const double* cotangent,
                              const void* const* tangent, void* const* sum, potluck_error* error) {
  if (tangent && tangent[0]) {
    return fail(error, POTLUCK_UNSUPPORTED, POTLUCK_ABOUT_NOTHING, "acme.filters does not differentiate its slope");
  }
  double* x = call->workspace;
  for (int64_t row = 0; row < call->rows && cotangent; ++row) {
    read_patch(model, call, row, x);
    for (int64_t i = 0; i < model->filters; ++i) {
      const double y = response(model, i, x), share = cotangent[row] * model->alpha[i];
      double* of_filter = (double*)sum[0] + i * model->n;
      for (int64_t j = 0; j < model->n; ++j) of_filter[j] += share * y / (1 + y * y / 2) * x[j];
      ((double*)sum[1])[i] += share * log1p(y * y / 2);
    }
  }
  return POTLUCK_OK;
}

const potluck_plugin* potluck_plugin_v1(void) {
  static potluck_model_kind kind;
  static const potluck_model_kind* const kinds[] = {&kind, NULL};
  static potluck_plugin plugin;
  kind.size = sizeof kind;
  kind.name = "acme.filters";
  kind.summary = "a patch of an image as a product of experts on learned linear filters";
  kind.reference = "Roth & Black 2005, Fields of experts: a framework for learning image priors, CVPR";
  kind.inputs = kInputs;
  kind.settings = kSettings;
  kind.create = create;
  kind.destroy = destroy;
  kind.facts = facts;
  kind.evaluate = evaluate;
  kind.parameters = parameters;
  kind.parameters_changed = parameters_changed;
  kind.parameter_gradient = parameter_gradient;
  plugin.size = sizeof plugin;
  plugin.id = "acme.filters";
  plugin.version = "1.0.0";
  plugin.licence = "Apache-2.0";
  plugin.author = "Acme Imaging";
  plugin.summary = "fields of experts for images";
  plugin.models = kinds;
  return &plugin;
}
