/* SPDX-License-Identifier: Apache-2.0
 *
 * E(x) = |x|^2 / 2, and what a plugin can do to the process that it runs in: at the call of `evaluate` that `at` names,
 * in `create` with 0, in `destroy` with -1. What becomes of the process is in tests/apps/rude_plugin_test.cpp. */
#define _GNU_SOURCE
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "potluck/plugin.h"

POTLUCK_NOTE(
    "note=1\nid=zoo.rude\nversion=1.0.0\nabi=1\nneeds_minor=0\nmodels=zoo.rude\nlicence=Apache-2.0\n"
    "torch=none\ncompiler=by hand\n");

struct potluck_model {
  int64_t n, at;
  int32_t type;
  char act[32];
  _Atomic int64_t calls;
};

static volatile int zero = 0;
static volatile int* volatile nowhere = NULL;

/* Deeper than any stack. */
static int overflow(int depth) {
  volatile char room[4096];
  room[0] = (char)depth;
  return depth < 0 ? room[0] : overflow(depth + 1) + room[0];
}

static void* crash_apart(void* unused) {
  *nowhere = 1;
  return unused;
}

static void crash_in_a_thread(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, crash_apart, NULL) == 0) pthread_join(thread, NULL);
}

/* A map of a file that has become shorter. */
static void use_a_shortened_file(void) {
  FILE* const file = tmpfile();
  if (file == NULL || ftruncate(fileno(file), 4096) != 0) return;
  volatile char* const map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
  if (map != MAP_FAILED && ftruncate(fileno(file), 0) == 0) map[0] = 1;
}

static void* wait_for_ever(void* unused) {
  for (;;) pause();
  return unused;
}

static void keep_a_thread(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, wait_for_ever, NULL) == 0) pthread_detach(thread);
}

static void block_all_signals(void) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
}

static void ignore(int signal) { (void)signal; }

static void be_rude(const char* act) {
  if (!strcmp(act, "exit")) exit(0);
  if (!strcmp(act, "_exit")) _exit(0);
  if (!strcmp(act, "_Exit")) _Exit(0);
  if (!strcmp(act, "quick_exit")) quick_exit(0);
  if (!strcmp(act, "system_call")) syscall(SYS_exit_group, 0);
  if (!strcmp(act, "abort")) abort();
  if (!strcmp(act, "segv")) *nowhere = 1;
  if (!strcmp(act, "fpe")) zero = 1000 / zero;
  if (!strcmp(act, "ill")) __builtin_trap();
  if (!strcmp(act, "bus")) use_a_shortened_file();
  if (!strcmp(act, "overflow")) zero = overflow(0);
  if (!strcmp(act, "thread")) crash_in_a_thread();
  if (!strcmp(act, "fork")) fork();
  if (!strcmp(act, "fork_and_exit") && fork() == 0) exit(0);
  if (!strcmp(act, "fork_and_crash") && fork() == 0) abort();
  if (!strcmp(act, "vfork") && vfork() == 0) {
    execl("/nowhere", "nowhere", NULL);
    _exit(127);
  }
  if (!strcmp(act, "shell") && system("exit 3") < 0) abort();
  if (!strcmp(act, "chdir") && chdir("/") != 0) abort();
  if (!strcmp(act, "umask")) umask(0777);
  if (!strcmp(act, "alarm")) alarm(1);
  if (!strcmp(act, "atexit") && atexit(abort) != 0) abort();
  if (!strcmp(act, "raise_alarm")) raise(SIGALRM);
  if (!strcmp(act, "raise_virtual_timer")) raise(SIGVTALRM);
  if (!strcmp(act, "raise_profiler")) raise(SIGPROF);
  if (!strcmp(act, "raise_input")) raise(SIGIO);
  if (!strcmp(act, "raise_quit")) raise(SIGQUIT);
  if (!strcmp(act, "environment") && setenv("HOME", "/nowhere", 1) != 0) abort();
  if (!strcmp(act, "nice") && nice(19) == -1) abort();
  if (!strcmp(act, "print")) printf("hello");
  if (!strcmp(act, "print_error")) fprintf(stderr, "hello");
  if (!strcmp(act, "keep_a_thread")) keep_a_thread();
  if (!strcmp(act, "mask")) block_all_signals();
  if (!strcmp(act, "close_others")) closefrom(3);
  if (!strcmp(act, "close_output")) close(STDOUT_FILENO), close(STDERR_FILENO);
  if (!strcmp(act, "locale")) setlocale(LC_ALL, "C.UTF-8");
  if (!strcmp(act, "rounding")) fesetround(FE_UPWARD);
  if (!strcmp(act, "signals")) signal(SIGINT, ignore);
  if (!strcmp(act, "close")) closefrom(0);
}

static int create(const potluck_setup* setup, potluck_model** made, potluck_error* error) {
  (void)error;
  potluck_model* const model = calloc(1, sizeof *model);
  if (model == NULL) return POTLUCK_OUT_OF_MEMORY;
  model->n = 1;
  for (int64_t i = 0; i < setup->slots[0]->rank; ++i) model->n *= setup->slots[0]->shape[i];
  model->type = setup->type;
  model->at = setup->values[1]->integer[0];
  snprintf(model->act, sizeof model->act, "%s", setup->values[0]->text[0]);
  if (model->at == 0) be_rude(model->act);
  const char* const act = setup->values[0]->text[0];
  const int status = !strcmp(act, "status")        ? 99
                     : !strcmp(act, "internal")    ? POTLUCK_INTERNAL
                     : !strcmp(act, "bad_setting") ? POTLUCK_BAD_SETTING
                                                   : POTLUCK_OK;
  if (status != POTLUCK_OK || !strcmp(act, "no_model")) {
    free(model);
    return status;
  }
  *made = model;
  return POTLUCK_OK;
}

static void destroy(potluck_model* model) {
  if (model->at == -1) be_rude(model->act);
  free(model);
}

static int facts(const potluck_model* model, potluck_facts* out, potluck_error* error) {
  (void)error;
  out->abilities =
      POTLUCK_CAN_CPU | POTLUCK_CAN_FLOAT64 | POTLUCK_THREAD_SAFE | POTLUCK_ROWS_ALONE | POTLUCK_INTEGRABLE;
  out->least_energy = 0;
  if (!strcmp(model->act, "no_facts")) return POTLUCK_NUMERIC;
  if (!strcmp(model->act, "workspace")) out->workspace_bytes = (size_t)-10;
  if (!strcmp(model->act, "workspace_a_row")) out->workspace_bytes_a_row = (size_t)1 << 50;
  if (!strcmp(model->act, "uniforms")) out->draw_uniforms = (int64_t)1 << 62;
  return POTLUCK_OK;
}

static int evaluate(const potluck_model* given, const potluck_call* call, potluck_error* error) {
  potluck_model* const model = (potluck_model*)given;
  const int64_t n = model->n;
  if (++model->calls == model->at) {
    if (!strcmp(model->act, "words")) {
      snprintf(error->text, error->capacity, "the n\xe9goce of \"it\" failed");
      return POTLUCK_NUMERIC;
    }
    be_rude(model->act);
  }
  if (!strcmp(model->act, "umask_each_time")) umask(0777);
  for (int64_t row = 0; row < call->rows; ++row) {
    double sum = 0;
    for (int64_t i = row * n; i < (row + 1) * n; ++i) {
      const int narrow = model->type == POTLUCK_FLOAT32;
      const double x = narrow ? ((const float*)call->input[0])[i] : ((const double*)call->input[0])[i];
      sum += x * x / 2;
      if (call->gradient == NULL || call->gradient[0] == NULL) continue;
      if (narrow) {
        ((float*)call->gradient[0])[i] = (float)x;
      } else {
        ((double*)call->gradient[0])[i] = x;
      }
    }
    if (call->energy != NULL) call->energy[row] = sum;
  }
  return POTLUCK_OK;
}

static const potluck_input kX = {sizeof kX, "x", POTLUCK_CONTINUOUS, POTLUCK_DRAWN, "numbers"};
static const potluck_input* const kInputs[] = {&kX, NULL};
static const potluck_setting kAct = {.size = sizeof kAct, .name = "act", .kind = POTLUCK_TEXT, .preset = "none"};
static const potluck_setting kAt = {
    .size = sizeof kAt, .name = "at", .kind = POTLUCK_INTEGER, .preset = "200", .least = -1, .most = 1e15};
static const potluck_setting* const kSettings[] = {&kAct, &kAt, NULL};
static const potluck_model_kind kModel = {.size = sizeof kModel,
                                          .name = "zoo.rude",
                                          .summary = "a rude unit Gaussian",
                                          .inputs = kInputs,
                                          .settings = kSettings,
                                          .create = create,
                                          .destroy = destroy,
                                          .facts = facts,
                                          .evaluate = evaluate};
static const potluck_model_kind* const kModels[] = {&kModel, NULL};
static const potluck_plugin kPlugin = {.size = sizeof kPlugin,
                                       .id = "zoo.rude",
                                       .version = "1.0.0",
                                       .licence = "Apache-2.0",
                                       .author = "Potluck's tests",
                                       .summary = "rude",
                                       .models = kModels};

const potluck_plugin* potluck_plugin_v1(void) { return &kPlugin; }
