/* altocast for other programs and languages, in C99: load a prior, adapt it to frames in memory, forecast into the
 * caller's buffers. The numbers have the bits of `altocast forecast` for the same prior, frames and seed.
 *
 *   altocast_session* session = altocast_create();
 *   if (altocast_load_file(session, "model.prior") != ALTOCAST_OK) puts(altocast_error(session));
 *   …
 *   altocast_destroy(session);
 *
 * Errors. A function that can fail returns a status; altocast_error() then has a sentence for people. A wrong argument
 * (a null pointer, a size that does not fit, a number that is not finite) is an error too, and leaves the session as it
 * was. Nothing throws, prints or ends the program.
 *
 * Ownership. Whatever is passed in belongs to the caller and is not kept after a call returns. What altocast_error()
 * returns belongs to the session, until its next call.
 *
 * Threads. A session is for one thread at a time; different sessions may be used at once. A session has worker threads
 * of its own, which sleep between calls. They inherit the signal mask and the cores of the thread that calls
 * altocast_configure or, without it, the first call that computes.
 *
 * Structures begin with their own size, which the ALTOCAST_…_INIT macros set: a later library
 * can tell which version of them a program was made with. Start from the macros and set what differs. */
#ifndef ALTOCAST_H
#define ALTOCAST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct altocast_session altocast_session;

typedef enum altocast_status {
  ALTOCAST_OK = 0,
  ALTOCAST_UNFIT = 1,        /* a file, the frames or what came of them are not fit */
  ALTOCAST_BAD_ARGUMENT = 2, /* the call is wrong, whatever the data */
  ALTOCAST_NO_RESOURCES = 3  /* no memory, or the system grants no threads */
} altocast_status;

/* "0.1.0". */
const char* altocast_version(void);

/* Null only if there is no memory. A null session may be destroyed. */
altocast_session* altocast_create(void);
void altocast_destroy(altocast_session* session);

/* What the session's last call failed of; empty if it did not. Never null. */
const char* altocast_error(const altocast_session* session);

/* How to compute; changes no bit of any result. */
typedef struct altocast_options {
  size_t struct_size;
  int32_t threads; /* 0: one a core that the calling thread may run on */
  const char* isa; /* "avx512", "avx2", "neon" or "scalar"; null: the fastest that the processor has */
} altocast_options;
#define ALTOCAST_OPTIONS_INIT \
  { sizeof(altocast_options), 0, NULL }
altocast_status altocast_configure(altocast_session* session, const altocast_options* options);

/* A prior takes the place of an earlier one, and what the session adapted is gone; a failure changes nothing. The bytes
 * are those of a prior's file, which may come from anywhere: every one of them is verified. */
altocast_status altocast_load_file(altocast_session* session, const char* path);
altocast_status altocast_load_memory(altocast_session* session, const void* bytes, size_t size);

/* Of the loaded prior. */
typedef struct altocast_prior_info {
  size_t struct_size;
  int32_t input_frames;      /* past frames that a forecast takes */
  int32_t leads;             /* frames that it makes */
  int32_t cadence_seconds;   /* from frame to frame, in its training; 0: several */
  int32_t support_pairs;     /* pairs of (past, future) frames that it was trained to adapt to … */
  int32_t adaptation_frames; /* … which are so many consecutive frames */
  uint64_t weights;
  char sha256[65]; /* of the file, in hexadecimal */
} altocast_prior_info;
#define ALTOCAST_PRIOR_INFO_INIT                         \
  {                                                      \
    sizeof(altocast_prior_info), 0, 0, 0, 0, 0, 0, { 0 } \
  }
altocast_status altocast_query(altocast_session* session, altocast_prior_info* info);

/* Consecutive frames, one cadence apart, oldest first: [count, height, width] without gaps, top row first, in the
 * image's own numbers. */
typedef enum altocast_pixel_type { ALTOCAST_U8 = 0, ALTOCAST_U16 = 1, ALTOCAST_F32 = 2 } altocast_pixel_type;
typedef struct altocast_frames {
  size_t struct_size;
  const void* pixels; /* aligned as its type asks; 16-bit numbers and floats in the machine's own byte order */
  int32_t type;       /* altocast_pixel_type */
  int32_t count, height, width;
  double largest; /* number that a pixel can have, the smallest being 0; 0: 255 or 65535, by the type (not for F32) */
} altocast_frames;
#define ALTOCAST_FRAMES_INIT \
  { sizeof(altocast_frames), NULL, ALTOCAST_U8, 0, 0, 0, 0.0 }

typedef struct altocast_adaptation {
  size_t struct_size;
  int32_t pairs; /* newest ones that the frames hold; fewer if they hold fewer, at least one. 0: the prior's number */
  int32_t steps; /* -1: the prior's number */
  float rate_scale; /* multiplies the prior's rates, 0 … 1000 */
  uint64_t seed;    /* of the weight samples */
} altocast_adaptation;
#define ALTOCAST_ADAPTATION_INIT \
  { sizeof(altocast_adaptation), 0, -1, 1.0f, 1 }

typedef struct altocast_adaptation_report {
  size_t struct_size;
  int32_t pairs;                /* that it adapted to */
  double nll_before, nll_after; /* loss of these pairs at the mean weights, a pixel of a lead */
  double kl;                    /* distance from the prior */
} altocast_adaptation_report;
#define ALTOCAST_ADAPTATION_REPORT_INIT \
  { sizeof(altocast_adaptation_report), 0, 0.0, 0.0, 0.0 }

/* Moves the weights from the prior's towards what explains the frames, and learns how much of a forecast is best the
 * network's and how much advection's; later forecasts use both. It starts from the prior's each time, and no guard
 * tests whether it helps (`altocast forecast --adapt --no-guard`). Null settings mean the defaults; the report may be
 * null. A failure changes nothing. */
altocast_status altocast_adapt(altocast_session* session, const altocast_frames* frames,
                               const altocast_adaptation* settings, altocast_adaptation_report* report);

/* Forgets what was adapted: forecasts use the prior's weights. */
altocast_status altocast_reset(altocast_session* session);

/* Where a forecast goes. A buffer may be null where it is not wanted; its size is a number of floats and must be the
 * one stated. Numbers are the frames' own. After a failure buffers hold anything. */
typedef struct altocast_forecast {
  size_t struct_size;
  int32_t members; /* 1 … 10000; member i is the same in ensembles of every size */
  uint64_t seed;   /* of the members' weights and noise */
  float* values;   /* [members, leads, height, width] */
  size_t values_size;
  float* mean; /* [leads, height, width] */
  size_t mean_size;
  float* spread; /* the same: standard deviation among the members, 0 for one */
  size_t spread_size;
  char hash[65]; /* out: SHA-256 of shape and values, as `altocast forecast` prints it */
} altocast_forecast;
#define ALTOCAST_FORECAST_INIT                                         \
  {                                                                    \
    sizeof(altocast_forecast), 16, 1, NULL, 0, NULL, 0, NULL, 0, { 0 } \
  }

/* From the newest frames; older ones than it takes are not looked at. */
altocast_status altocast_make_forecast(altocast_session* session, const altocast_frames* frames,
                                       altocast_forecast* forecast);

#ifdef __cplusplus
}
#endif

#endif /* ALTOCAST_H */
