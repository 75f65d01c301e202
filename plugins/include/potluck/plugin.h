/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin door, version 1: how an energy-based model compiled by anyone is offered to Potluck.
 *
 * A plugin is one shared library that exports one function, potluck_plugin_v1(), which returns a constant table of
 * models. The host owns every array it passes; a model only reads inputs and writes outputs. Arrays are dense and
 * row-major, one row per chain. Every struct begins with its size and grows only at its end; arrays of structs are
 * arrays of pointers; a zero member means "not provided". Enumerations travel as int32_t.
 * No function throws, prints, exits, changes the floating-point mode, or keeps a pointer it was passed, except that
 * create() may keep nothing but copies: settings, slots and weights are gone after it returns.
 *
 * Numbers. An energy is always a double, accumulated in double. +infinity means density zero (its gradient is then
 * ignored). NaN or -infinity in a row means that row failed. A status other than POTLUCK_OK fails the whole run.
 *
 * This file is C11 and C++20 and needs nothing else of Potluck. docs/writing-a-plugin.md is the guide.
 */
#ifndef POTLUCK_PLUGIN_H
#define POTLUCK_PLUGIN_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#define POTLUCK_ABI_MAJOR 1 /* part of the entry symbol's name */
#define POTLUCK_ABI_MINOR 3 /* a plugin states the least minor it needs; the host must have it */
/* Minor 1 added potluck_input.optional and potluck_facts.preferred_rows. A host of minor 0 wants every input bound and
 * chooses rows as it likes: a plugin that can live with that still needs no more than minor 0.
 * Minor 2 added potluck_input.may_be_none and potluck_model_kind.gaussian_part. An older host sends no label -1 and
 * does not ask for the Gaussian part.
 * Minor 3 added maximum likelihood to potluck_model_kind: statistics, add_statistics, fit and log_normaliser_gradient.
 * An older host does not ask for them. */

enum { POTLUCK_FLOAT32 = 1, POTLUCK_FLOAT64 = 2, POTLUCK_INT64 = 3 };
enum { POTLUCK_CPU = 1, POTLUCK_CUDA = 2 };
enum { POTLUCK_CONTINUOUS = 1, POTLUCK_CATEGORICAL = 2 };
/* A conditional model p(drawn | parent) is normalised over its drawn inputs only. */
enum { POTLUCK_DRAWN = 1, POTLUCK_PARENT = 2 };
enum {
  POTLUCK_BOOL = 1,
  POTLUCK_INTEGER = 2,
  POTLUCK_REAL = 3,
  POTLUCK_TEXT = 4,
  POTLUCK_CHOICE = 5,
  POTLUCK_FILE = 6,     /* resolved against the composition file and recorded with its hash */
  POTLUCK_LIST = 1 << 8 /* or-ed in: several values of that kind */
};
enum {
  POTLUCK_OK = 0,
  POTLUCK_BAD_SETTING = 1,
  POTLUCK_BAD_SHAPE = 2,
  POTLUCK_UNSUPPORTED = 3,
  POTLUCK_OUT_OF_MEMORY = 4,
  POTLUCK_NUMERIC = 5,
  POTLUCK_INTERNAL = 6
};
enum { POTLUCK_ABOUT_NOTHING = 0, POTLUCK_ABOUT_SETTING = 1, POTLUCK_ABOUT_INPUT = 2, POTLUCK_ABOUT_WEIGHT = 3 };

/* What went wrong. The host owns `text`, sets it to "" and terminates it after the call; a longer message is cut at
 * capacity - 1. `about` and `index` say which declared setting, declared input or given weight is meant; the host
 * turns them into file:line. */
typedef struct {
  size_t size;
  char* text;
  size_t capacity;
  int32_t about, index;
} potluck_error;

/* A setting of a model: the one source of help text, JSON Schema and validation (all done by the host). */
typedef struct {
  size_t size;
  const char* name;
  int32_t kind;
  const char* preset;         /* default as text ("0.5", "true", "a", lists as "1, 2, 3", "" for an empty text or list);
                                 NULL: the user must give it */
  const char* unit;           /* "1" where there is none */
  double least, most;         /* inclusive; -+INFINITY where open; for each element of a list */
  const char* const* choices; /* NULL-terminated; NULL unless kind is POTLUCK_CHOICE */
  const char* summary;
} potluck_setting;

/* A validated value of a setting: `integer` (bool, integer, index of a choice), `real`, or `text` (text, file). */
typedef struct {
  size_t size;
  int64_t count; /* 1, or the length of a list */
  const int64_t* integer;
  const double* real;
  const char* const* text;
} potluck_value;

/* An input the energy depends on, as the model declares it. */
typedef struct {
  size_t size;
  const char* name;
  int32_t kind, role;
  const char* summary;
  /* Since minor 1. */
  int32_t optional; /* 0: a composition must bind it. 1: it may leave it out; the model is then created with NULL in
                       place of its slot, and has NULL in place of its arrays in every call */
  int32_t unused;   /* 0: the padding of minor 1, kept so that `size` says which minor a table was built for */
  /* Since minor 2. */
  int32_t may_be_none; /* of an optional categorical input. 1: a label may be -1, which says that none is given in that
                          row, as if the input were left out there; training leaves labels out so. The host sends -1
                          only where this is 1 */
} potluck_input;

/* What the composition binds to an input: one row's shape and where it lives. */
typedef struct {
  size_t size;
  int64_t rank;
  const int64_t* shape;       /* an input has shape[0] * ... numbers in a row; rank 0: one number */
  int64_t categories;         /* K of a categorical input, labels 0 .. K-1; 0 where a literal label is bound to it, so
                                 that only the model can know K, and for a continuous input */
  const double *least, *most; /* support of each coordinate, or NULL: the real line */
  const uint8_t* held;        /* held[j] = 1: number j is value[j] in every row of every evaluate, for the life of the
                                 model; NULL: none is known to be. A model may do such work once; its gradient there
                                 must be finite and is not used. No other call relies on it. */
  const double* value;        /* where held; labels too */
} potluck_slot;

/* A named array of numbers: weights from the user's file, or parameters. Weights are on the CPU. */
typedef struct {
  size_t size;
  const char* name;
  int32_t type, device;
  int64_t rank;
  const int64_t* shape;
  void* data;
  int32_t trainable; /* parameters: 0 marks a buffer, saved but not optimised */
} potluck_array;

/* Everything fixed for the life of a model. */
typedef struct {
  size_t size;
  int32_t device, device_index;
  int32_t type;                       /* of continuous inputs and of gradients: POTLUCK_FLOAT32 or _FLOAT64 */
  int64_t most_rows;                  /* no call has a larger batch */
  const potluck_slot* const* slots;   /* one per declared input, in the declared order; NULL: left out */
  const potluck_value* const* values; /* one per declared setting, in the declared order */
  int64_t weights_count;              /* 0: the user named no weights file */
  const potluck_array* const* weights;
  uint64_t initial_key[2]; /* for models that initialise parameters at random */
} potluck_setup;

typedef struct potluck_model potluck_model; /* the plugin's own */

enum {
  POTLUCK_CAN_CPU = 1u << 0,
  POTLUCK_CAN_CUDA = 1u << 1,
  POTLUCK_CAN_FLOAT64 = 1u << 2,
  POTLUCK_CAN_ACCUMULATE = 1u << 3,   /* honours potluck_call.accumulate and row_weight */
  POTLUCK_THREAD_SAFE = 1u << 4,      /* evaluate may run on one model from several threads */
  POTLUCK_ROWS_ALONE = 1u << 5,       /* at a fixed batch size a row's bits do not depend on the other rows */
  POTLUCK_GRAPH_CAPTURABLE = 1u << 6, /* evaluate may be captured in a CUDA graph */
  POTLUCK_HARD_WALLS = 1u << 7,       /* may return +infinity inside a variable's support */
  POTLUCK_INTEGRABLE = 1u << 8,       /* exp(-E) has a finite integral over the drawn inputs' natural domain, for all
                                         parents; over parents in a bounded box that integral is bounded */
  POTLUCK_BOUNDED_ON_BOXES = 1u << 9, /* |E| is finite on every bounded box */
  /* Added since; a host that does not know an ability goes by the others. */
  POTLUCK_NORMALISER_BOUNDED = 1u << 10 /* the log of that integral has one upper bound for all parents. Without it such
                                           a model makes no product integrable in which an unbounded parent is drawn
                                           too, but where its form is quadratic and E has a lower bound */
  ,
  POTLUCK_BATCH_INVARIANT = 1u << 11 /* a row's bits depend on that row alone: neither on the other rows, nor on how
                                        many there are, nor on its place among them; says POTLUCK_ROWS_ALONE as well.
                                        On the CPU batches are then cut to fit the run, and none is filled up with
                                        rows that nobody asked for */
};

/* What only a created model knows. */
typedef struct {
  size_t size;
  uint64_t abilities;
  double least_energy;          /* a lower bound of E, or -INFINITY: the zero that ceilings count from */
  size_t workspace_bytes;       /* scratch the host must give to every evaluate (aligned to 64 bytes) ... */
  size_t workspace_bytes_a_row; /* ... plus this for each row */
  int64_t draw_uniforms;        /* uniforms `draw` consumes for one row; 0: cannot draw */
  /* Since minor 1; 0 where a plugin does not know it. */
  int64_t preferred_rows; /* on the CPU: how many rows a call should have, as a network does that is slow on few; the
                             host may take more or fewer. 0: no wish. Large batches leave less for other threads */
} potluck_facts;

/* One evaluation on `rows` chains. Nothing may be allocated on the device or synchronised. */
typedef struct {
  size_t size;
  int64_t rows;             /* >= 1, <= most_rows, may differ from call to call */
  const void* const* input; /* input[i]: [rows, size of slot i]; int64_t labels for a categorical input; NULL where the
                               input is left out */
  double* energy;           /* [rows], or NULL */
  void* const* gradient;    /* gradient[i]: like input[i], or NULL where not wanted: dE/dinput; NULL: none wanted */
  const double* row_weight; /* [rows] or NULL for 1: gradient rows are multiplied by it (energies are not);
                               only passed to models that can accumulate */
  int32_t accumulate;       /* 0: gradient is overwritten; 1: added to; only passed to models that can accumulate */
  int32_t threads;          /* how many the model may use itself */
  void* workspace;          /* workspace_bytes + rows * workspace_bytes_a_row, on the model's device */
  void* stream;             /* CUDA stream to enqueue on */
} potluck_call;

typedef struct {
  size_t size;
  const char *name, *summary, *reference;
  const potluck_input* const* inputs;     /* NULL-terminated */
  const potluck_setting* const* settings; /* NULL-terminated; may be NULL */

  int (*create)(const potluck_setup*, potluck_model**, potluck_error*);
  void (*destroy)(potluck_model*);
  int (*facts)(const potluck_model*, potluck_facts*, potluck_error*);
  int (*evaluate)(const potluck_model*, const potluck_call*, potluck_error*);

  /* Optional from here. POTLUCK_UNSUPPORTED means "not known for this model". On the CPU, whatever the model's
   * device, unless said otherwise. */

  /* log of the integral of exp(-E) over the drawn inputs' natural domain, for each row of parents. Runs on the
   * model's device like evaluate: `given` holds the parents (input[i] NULL for drawn ones), and where
   * given->gradient[i] is wanted d log Z / d parent i goes there, honouring row_weight and accumulate;
   * given->energy is NULL. A model without (bound) parents has one number: log_z is then on the CPU, and `given` has
   * nothing but its rows. */
  int (*log_normaliser)(const potluck_model*, const potluck_call* given, double* log_z, potluck_error*);
  /* E = v'Pv/2 - h'v + c exactly, where v is all inputs with given->input[i] == NULL one after the other as declared
   * (continuous ones), the others being held at the one row of `given`. P [n, n], h [n], c in float64. The drawn
   * inputs and any continuous parents may be left open; categorical ones are always given; an input that the
   * composition leaves out has no numbers. Composites of such leaves get their normaliser, conditionals, exact draws
   * and integrability in closed form. */
  int (*quadratic)(const potluck_model*, const potluck_call* given, double* precision, double* linear, double* constant,
                   potluck_error*);
  /* Exact draws: rows of drawn inputs given parents and given the coordinates of drawn inputs with held[i][j] = 1,
   * whose values stand in given->input[i] (held NULL: none is held, and drawn entries of given->input are NULL).
   * uniforms [rows, draw_uniforms] in (0, 1); out[i]: [rows, size], NULL for parents. Inputs and `out` are in the
   * model's type. POTLUCK_UNSUPPORTED where this pattern of held coordinates cannot be drawn exactly. */
  int (*draw)(const potluck_model*, const potluck_call* given, const uint8_t* const* held, const double* uniforms,
              void* const* out, potluck_error*);
  /* Trainable parameters, owned by the model, written by the host between evaluations (on the model's device). Names
   * are unique, and memory and shapes stay for the life of the model. Facts hold at all values of the parameters. After
   * it has written, the host calls parameters_changed, whose work is enqueued on `stream`.
   * A model that is trained may have two buffers (trainable = 0) of agreed names: `data_mean`, with as many numbers as
   * its first drawn input or with one, and `data_scale`, with one number. Before the first update of a training from
   * scratch the host writes the mean of the training data to the first, number by number or over all numbers, and to
   * the second the root mean square distance of a number from that mean. */
  int (*parameters)(potluck_model*, int64_t* count, potluck_array* const** arrays, potluck_error*);
  int (*parameters_changed)(potluck_model*, void* stream, potluck_error*);
  /* sum[p] += sum_b cotangent[b] dE_b/dp + sum_b d/dp (tangent_b . dE_b/dx); either may be NULL. `call` has inputs,
   * rows, workspace and stream, and asks for no energy and no gradient. tangent[i] is like input[i], and NULL where it
   * is zero; sum[p] is like parameter p, and of a buffer it is left alone. On the model's device; from several threads
   * where evaluate may be. POTLUCK_UNSUPPORTED, before anything is added, where a tangent is given that the model
   * cannot differentiate along. */
  int (*parameter_gradient)(const potluck_model*, const potluck_call*, const double* cotangent,
                            const void* const* tangent, void* const* sum, potluck_error*);
  /* energy of every category of categorical input i: [rows, n, K]; for discrete moves. */
  int (*category_energies)(const potluck_model*, const potluck_call*, int32_t i, double* energy, potluck_error*);
  /* Since minor 2. */

  /* The Gaussian part of an energy that is quadratic up to a rest of linear growth:
   *   E(v) = sum_j curvature[j] (v_j - mean[j])^2 / 2 + rest(v),   |rest(v)| <= a + b |v| with some a and b,
   * where v is all drawn continuous inputs one after the other as declared, n numbers together; it holds for every
   * value of drawn labels. `given` has one row of parents, and NULL for drawn inputs and for inputs that are left out.
   * curvature [n] and mean [n], finite, in float64, at the present values of the parameters. A composite is integrable
   * where these parts and the precision matrices of quadratic energies add up to something positive definite, whatever
   * the signs of their weights; and chains that begin at a high level of noise begin at the law of that sum. */
  int (*gaussian_part)(const potluck_model*, const potluck_call* given, double* curvature, double* mean,
                       potluck_error*);
  /* Since minor 3. */

  /* Maximum likelihood by sums over rows. These three belong together, on the CPU, and a model that has them has
   * parameters. In round 0, 1, ... the host adds up `count` numbers over all rows of data, and the model sets all of
   * its trainable parameters by the sums: those at which sum_b [-E(x_b) - log Z] is greatest where `closed_form` is 1,
   * from whatever parameters; else those of a round of EM, which is never less likely than before (Dempster, Laird &
   * Rubin 1977). Round 0 of a model that was created without weights may choose where EM begins instead. A closed form
   * is asked for two rounds, so that sums may be taken about what the first one found and lose no digits. Where drawn
   * inputs are conditional on parents, the likelihood is that of p(drawn | parents). POTLUCK_UNSUPPORTED: this setup
   * has none. */
  int (*statistics)(const potluck_model*, int64_t* count, int32_t* closed_form, potluck_error*);
  /* sum[k] += sum_b of what row b has of number k, at the present parameters. `call` has inputs, rows and workspace,
   * and asks for no energy and no gradient. From several threads where evaluate may be. */
  int (*add_statistics)(const potluck_model*, const potluck_call*, int64_t round, double* sum, potluck_error*);
  /* Sets the trainable parameters; the host then calls parameters_changed. POTLUCK_NUMERIC, and a text that says what
   * to do, where the sums leave no valid parameters. */
  int (*fit)(potluck_model*, int64_t round, const double* sum, potluck_error*);
  /* sum[p] += sum_b cotangent[b] d log Z_b / dp, at each row of parents; `given` is as in log_normaliser, without
   * gradient, and on the CPU. sum[p] is as in parameter_gradient. POTLUCK_UNSUPPORTED, before anything is added, where
   * log Z or its gradient is not known. An energy that is quadratic in its drawn inputs needs it not: the host has the
   * gradient from parameter_gradient then. */
  int (*log_normaliser_gradient)(const potluck_model*, const potluck_call* given, const double* cotangent,
                                 void* const* sum, potluck_error*);
} potluck_model_kind;

typedef struct {
  size_t size;
  uint32_t needs_minor;
  const char *id, *version, *licence, *author, *summary;
  const potluck_model_kind* const* models; /* NULL-terminated */
} potluck_plugin;

/* The one exported symbol. May be called many times; allocates nothing, starts nothing, touches no device. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const potluck_plugin*
potluck_plugin_v1(void);

/* Beside the symbol the library carries an ELF note (section .note.potluck, owner "Potluck", type 1) whose text is
 * lines of key=value, so that fitness is known before the library is opened:
 *
 *   note=1                     version of the note's own format
 *   id=acme.smoothness         as in the table; the loader checks that note and table agree
 *   version=1.0.0              likewise
 *   abi=1                      POTLUCK_ABI_MAJOR
 *   needs_minor=0              likewise
 *   models=acme.smoothness     names, separated by commas, likewise
 *   licence=Apache-2.0         likewise
 *   torch=none                 or the LibTorch it was built with, as 2.11.0+cu130
 *   compiler=GNU 12.2.0        for people
 *
 * potluck_add_plugin() writes it; by hand: POTLUCK_NOTE("note=1\nid=...\n...") once at file scope. */
#define POTLUCK_NOTE(text)                                                          \
  __attribute__((used, section(".note.potluck"), aligned(4))) static const struct { \
    uint32_t owner_bytes, text_bytes, type;                                         \
    char owner[8];                                                                  \
    char description[sizeof(text)];                                                 \
  } potluck_note_ = {8, sizeof(text), 1, "Potluck", text}

#ifdef __cplusplus
}
#endif
#endif
