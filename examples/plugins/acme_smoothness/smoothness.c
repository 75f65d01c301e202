/* SPDX-License-Identifier: Apache-2.0
 *
 * acme.smoothness: neighbouring pixels like to be alike.
 *
 *   E(x) = strength / 2 * sum over neighbours (x_i - x_j)^2
 *
 * over the 4-neighbourhood of a grid [h, w]: the membrane, or intrinsic Gaussian Markov random field (Besag &
 * Kooperberg 1995, Biometrika 82). It does not care for the image's mean, so it is no density by itself; in a product
 * with one that does it smooths. Plain C, one file, one thread of thought: settings, create, facts, evaluate.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "potluck/plugin.h"

struct potluck_model {
  int64_t height, width;
  double strength;
  int32_t type;
};

static const char* const kName = "acme.smoothness";

static const potluck_input kImage = {sizeof(potluck_input),
                                     "image",
                                     POTLUCK_CONTINUOUS,
                                     POTLUCK_DRAWN,
                                     "a grid of pixels [h, w], or one row [n]",
                                     0,
                                     0,
                                     0};
static const potluck_input* const kInputs[] = {&kImage, NULL};

static const potluck_setting kStrength = {sizeof(potluck_setting),
                                          "strength",
                                          POTLUCK_REAL,
                                          "1",
                                          "1",
                                          0,
                                          INFINITY,
                                          NULL,
                                          "what half a squared difference of two neighbours costs"};
static const potluck_setting* const kSettings[] = {&kStrength, NULL};

static int fail(potluck_error* error, int status, int32_t about, const char* text) {
  error->about = about;
  error->index = 0;
  snprintf(error->text, error->capacity, "%s", text);
  return status;
}

static int create(const potluck_setup* setup, potluck_model** model, potluck_error* error) {
  const potluck_slot* slot = setup->slots[0];
  if (slot->rank != 1 && slot->rank != 2) {
    return fail(error, POTLUCK_BAD_SHAPE, POTLUCK_ABOUT_INPUT, "input 'image' must have shape [h, w] or [n]");
  }
  potluck_model* made = malloc(sizeof *made);
  if (!made) return fail(error, POTLUCK_OUT_OF_MEMORY, POTLUCK_ABOUT_NOTHING, "no memory for the model");
  made->height = slot->rank == 2 ? slot->shape[0] : 1;
  made->width = slot->shape[slot->rank - 1];
  made->strength = setup->values[0]->real[0];
  made->type = setup->type;
  *model = made;
  return POTLUCK_OK;
}

static void destroy(potluck_model* model) { free(model); }

static int facts(const potluck_model* model, potluck_facts* out, potluck_error* error) {
  (void)model;
  (void)error;
  out->abilities = POTLUCK_CAN_CPU | POTLUCK_CAN_FLOAT64 | POTLUCK_CAN_ACCUMULATE | POTLUCK_THREAD_SAFE |
                   POTLUCK_BATCH_INVARIANT | POTLUCK_BOUNDED_ON_BOXES;
  out->least_energy = 0;
  return POTLUCK_OK;
}

/* Energy of the pair of pixels i and j = i + step, for all pixels of a row that have such a neighbour; the slope goes
 * to both. */
#define DEFINE_EVALUATE(Real, name)                                                              \
  static void name(const potluck_model* m, const potluck_call* call) {                           \
    const int64_t n = m->height * m->width;                                                      \
    for (int64_t row = 0; row < call->rows; ++row) {                                             \
      const Real* x = (const Real*)call->input[0] + row * n;                                     \
      Real* g = call->gradient && call->gradient[0] ? (Real*)call->gradient[0] + row * n : NULL; \
      const Real slope = (Real)(m->strength * (call->row_weight ? call->row_weight[row] : 1));   \
      double sum = 0;                                                                            \
      if (g && !call->accumulate) {                                                              \
        for (int64_t i = 0; i < n; ++i) g[i] = 0;                                                \
      }                                                                                          \
      for (int64_t line = 0; line < m->height; ++line) {                                         \
        const int64_t first = line * m->width;                                                   \
        for (int64_t i = first; i + 1 < first + m->width; ++i) {                                 \
          const Real apart = x[i] - x[i + 1];                                                    \
          sum += (double)apart * (double)apart;                                                  \
          if (g) g[i] += slope * apart, g[i + 1] -= slope * apart;                               \
        }                                                                                        \
        if (line + 1 == m->height) break;                                                        \
        for (int64_t i = first; i < first + m->width; ++i) {                                     \
          const Real apart = x[i] - x[i + m->width];                                             \
          sum += (double)apart * (double)apart;                                                  \
          if (g) g[i] += slope * apart, g[i + m->width] -= slope * apart;                        \
        }                                                                                        \
      }                                                                                          \
      if (call->energy) call->energy[row] = m->strength / 2 * sum;                               \
    }                                                                                            \
  }
DEFINE_EVALUATE(float, evaluate_float)
DEFINE_EVALUATE(double, evaluate_double)

static int evaluate(const potluck_model* model, const potluck_call* call, potluck_error* error) {
  (void)error;
  if (model->type == POTLUCK_FLOAT32) {
    evaluate_float(model, call);
  } else {
    evaluate_double(model, call);
  }
  return POTLUCK_OK;
}

/* Optional: E = x'Px/2 with P the grid's Laplacian times strength. With it a product with other quadratic models is
 * known in closed form. */
static int quadratic(const potluck_model* m, const potluck_call* given, double* precision, double* linear,
                     double* constant, potluck_error* error) {
  (void)given;
  (void)error;
  const int64_t n = m->height * m->width;
  for (int64_t i = 0; i < n * n; ++i) precision[i] = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t neighbours[2] = {(i + 1) % m->width ? i + 1 : n, i + m->width};
    linear[i] = 0;
    for (int k = 0; k < 2; ++k) {
      const int64_t j = neighbours[k];
      if (j >= n) continue;
      precision[i * n + i] += m->strength;
      precision[j * n + j] += m->strength;
      precision[i * n + j] -= m->strength;
      precision[j * n + i] -= m->strength;
    }
  }
  *constant = 0;
  return POTLUCK_OK;
}

const potluck_plugin* potluck_plugin_v1(void) {
  static potluck_model_kind kind;
  static const potluck_model_kind* const kinds[] = {&kind, NULL};
  static potluck_plugin plugin;
  kind.size = sizeof kind;
  kind.name = kName;
  kind.summary = "neighbouring pixels like to be alike (membrane prior on a grid)";
  kind.reference = "Besag & Kooperberg 1995, On conditional and intrinsic autoregressions, Biometrika 82";
  kind.inputs = kInputs;
  kind.settings = kSettings;
  kind.create = create;
  kind.destroy = destroy;
  kind.facts = facts;
  kind.evaluate = evaluate;
  kind.quadratic = quadratic;
  plugin.size = sizeof plugin;
  plugin.id = "acme.smoothness";
  plugin.version = "1.0.0";
  plugin.licence = "Apache-2.0";
  plugin.author = "Acme Imaging";
  plugin.summary = "a smoothness prior for images";
  plugin.models = kinds;
  return &plugin;
}
