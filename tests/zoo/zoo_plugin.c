/* SPDX-License-Identifier: Apache-2.0
 *
 * A small sound plugin, E(x) = |x|^2 / 2, and the ways in which it can be unfit: each ZOO_... that may be defined is
 * one of them (CMakeLists.txt). Plugins whose numbers are wrong stand in a source of their own. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xmmintrin.h>

#include "potluck/plugin.h"

#ifndef ZOO_NOTE_VERSION
#define ZOO_NOTE_VERSION "1"
#endif
#ifndef ZOO_ABI
#define ZOO_ABI "1"
#endif
#ifndef ZOO_NEEDS_MINOR
#define ZOO_NEEDS_MINOR 0
#endif
#define ZOO_TEXT_OF(number) #number
#define ZOO_TEXT(number) ZOO_TEXT_OF(number)
#ifndef ZOO_TORCH
#define ZOO_TORCH "none"
#endif
#ifdef ZOO_DUPLICATE_MODEL
#define ZOO_MODELS ZOO_ID "," ZOO_ID
#else
#define ZOO_MODELS ZOO_ID
#endif
#ifdef ZOO_DISAGREES
#define ZOO_TABLE_VERSION "1.0.1"
#else
#define ZOO_TABLE_VERSION "1.0.0"
#endif
#ifndef ZOO_PRESET
#define ZOO_PRESET "1"
#endif

#ifndef ZOO_NO_NOTE
POTLUCK_NOTE("note=" ZOO_NOTE_VERSION "\nid=" ZOO_ID "\nversion=1.0.0\nabi=" ZOO_ABI
             "\nneeds_minor=" ZOO_TEXT(ZOO_NEEDS_MINOR) "\nmodels=" ZOO_MODELS "\nlicence=Apache-2.0\ntorch=" ZOO_TORCH
                                                        "\ncompiler=by hand\n");
#endif

/* What static initialisers can do to whoever opens the library. */
#if defined ZOO_CRASHES
__attribute__((constructor)) static void crash(void) { raise(SIGSEGV); }
#elif defined ZOO_EXITS
__attribute__((constructor)) static void leave(void) { exit(0); }
#elif defined ZOO_LEAVES_AT_ONCE
__attribute__((constructor)) static void leave(void) { _exit(0); }
#elif defined ZOO_COUNTS
/* Adds a byte to the file that the environment names, each time it is opened. */
__attribute__((constructor)) static void count(void) {
  FILE* const file = fopen(getenv("ZOO_COUNT"), "a");
  if (file == NULL) return;
  fputc('1', file);
  fclose(file);
}
#elif defined ZOO_HANGS
__attribute__((constructor)) static void hang(void) {
  for (;;) pause();
}
#endif

/* What linking with -ffast-math does with compilers of before 2023: flush-to-zero and denormals-are-zero. */
#ifdef ZOO_FAST_MATH
__attribute__((constructor)) static void flush_to_zero(void) { _mm_setcsr(_mm_getcsr() | 0x8040); }
#endif

#ifdef ZOO_UNDEFINED_SYMBOL
double zoo_nowhere(double);
#define ZOO_HALF_SQUARE(x) zoo_nowhere(x)
#elif defined ZOO_MISSING_LIBRARY
double zoo_absent(double);
#define ZOO_HALF_SQUARE(x) zoo_absent(x)
#else
#define ZOO_HALF_SQUARE(x) (0.5 * (x) * (x))
#endif

struct potluck_model {
  int64_t n;
};

static int create(const potluck_setup* setup, potluck_model** model, potluck_error* error) {
#if defined ZOO_CREATE_FAILS
  error->about = POTLUCK_ABOUT_SETTING;
  error->index = 0;
  strncpy(error->text, "setting 'scale': must be a power of two, got 3", error->capacity - 1);
  return POTLUCK_BAD_SETTING;
#elif defined ZOO_CREATE_FAILS_SILENTLY
  error->about = POTLUCK_ABOUT_INPUT;
  error->index = 0;
  return POTLUCK_BAD_SHAPE;
#elif defined ZOO_UNTERMINATED
  memset(error->text, 'x', error->capacity);
  return POTLUCK_INTERNAL;
#elif defined ZOO_NO_MODEL
  return POTLUCK_OK;
#elif defined ZOO_UNKNOWN_STATUS
  return 99;
#else
  *model = malloc(sizeof **model);
  if (*model == NULL) return POTLUCK_OUT_OF_MEMORY;
  (*model)->n = 1;
  for (int64_t i = 0; i < setup->slots[0]->rank; ++i) (*model)->n *= setup->slots[0]->shape[i];
  return POTLUCK_OK;
#endif
  (void)setup;
  (void)model;
  (void)error;
}

static void destroy(potluck_model* model) { free(model); }

static int facts(const potluck_model* model, potluck_facts* facts, potluck_error* error) {
  (void)model;
  (void)error;
#ifdef ZOO_CUDA_ONLY
  facts->abilities = POTLUCK_CAN_CUDA;
#else
  facts->abilities = POTLUCK_CAN_CPU | POTLUCK_ROWS_ALONE | POTLUCK_THREAD_SAFE;
#endif
  facts->least_energy = 0;
  return POTLUCK_OK;
}

static int evaluate(const potluck_model* model, const potluck_call* call, potluck_error* error) {
#ifdef ZOO_FAST_MATH
  _mm_setcsr(_mm_getcsr() | 0x8040);
#endif
#ifdef ZOO_EVALUATE_FAILS
  strncpy(error->text, "the solver gave up\n", error->capacity - 1);
  return POTLUCK_NUMERIC;
#endif
  const float* x = call->input[0];
  for (int64_t row = 0; row < call->rows; ++row) {
    double energy = 0;
    for (int64_t i = 0; i < model->n; ++i) energy += ZOO_HALF_SQUARE((double)x[row * model->n + i]);
    if (call->energy != NULL) call->energy[row] = energy;
  }
  if (call->gradient != NULL && call->gradient[0] != NULL) {
    memcpy(call->gradient[0], x, (size_t)(call->rows * model->n) * sizeof *x);
  }
  (void)error;
  return POTLUCK_OK;
}

static const potluck_input position = {sizeof position, "position", POTLUCK_CONTINUOUS, POTLUCK_DRAWN, "where it is"};
static const potluck_input* const inputs[] = {&position, NULL};
static const potluck_setting scale = {.size = sizeof scale,
                                      .name = "scale",
                                      .kind = POTLUCK_REAL,
                                      .preset = ZOO_PRESET,
                                      .unit = "1",
                                      .least = 0,
                                      .most = INFINITY,
                                      .summary = "not used"};
static const potluck_setting* const settings[] = {&scale, NULL};
static const potluck_model_kind model_kind = {.size = sizeof model_kind,
                                              .name = ZOO_ID,
                                              .summary = "half the squared norm",
                                              .inputs = inputs,
                                              .settings = settings,
                                              .create = create,
                                              .destroy = destroy,
                                              .facts = facts,
                                              .evaluate = evaluate};
static const potluck_model_kind* const models[] = {&model_kind,
#ifdef ZOO_DUPLICATE_MODEL
                                                   &model_kind,
#endif
                                                   NULL};
#if !defined ZOO_NO_ENTRY && !defined ZOO_NULL_TABLE
static const potluck_plugin plugin = {
#ifdef ZOO_SMALL_STRUCT
    .size = 8,
#else
    .size = sizeof plugin,
#endif
    .needs_minor = ZOO_NEEDS_MINOR,
    .id = ZOO_ID,
    .version = ZOO_TABLE_VERSION,
    .licence = "Apache-2.0",
    .author = "Potluck's tests",
    .summary = "a plugin of the zoo",
    .models = models};
#endif

#ifdef ZOO_NO_ENTRY
const void* zoo_models(void) { return models; }
#else
const potluck_plugin* potluck_plugin_v1(void) {
#ifdef ZOO_NULL_TABLE
  (void)models;
  return NULL;
#else
  return &plugin;
#endif
}
#endif
