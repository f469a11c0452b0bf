/* nt_resampler: streaming sample-rate conversion with integer-exact phase.
 *
 * rate_out / rate_in = L / M in lowest terms. Output frame j lies at input position j M / L, kept as the integers
 * floor(j M / L) and (j M) mod L, so nothing drifts and the output is bit-equal however the input is cut into chunks.
 * An output needs the `lookahead` frames after its position: after N input frames there are ceil((N - lookahead) L / M)
 * outputs. Input before the first frame is silence.
 *
 *   linear    2 points
 *   hermite   4 points, 3rd order (Niemitalo, "Polynomial Interpolators for High-Quality Resampling of Oversampled
 *             Audio", 2001, x-form)
 *   sinc      Kaiser-windowed sinc, polyphase, band-limited to the lower of the two rates, `taps` long at that rate
 */
#ifndef NEUTONE_NT_RESAMPLER_H
#define NEUTONE_NT_RESAMPLER_H

#include <stdint.h>

#include "neutone/nt_span.h"
#include "neutone/nt_status.h"

typedef enum nt_resampler_kind { NT_LINEAR = 0, NT_HERMITE = 1, NT_SINC = 2 } nt_resampler_kind;

enum { NT_TAPS_MIN = 8, NT_TAPS_DEFAULT = 32, NT_TAPS_MAX = 128, NT_LOOKAHEAD_MAX = 1 << 20 };

typedef struct nt_resampler nt_resampler;

typedef struct nt_resampler_config {
    nt_resampler_kind kind;
    uint32_t taps;      /* sinc only; even, NT_TAPS_MIN..NT_TAPS_MAX */
    uint32_t rate_in;   /* Hz */
    uint32_t rate_out;  /* Hz */
    uint32_t channels;  /* 1..NT_CHANNELS_MAX */
    uint32_t lookahead; /* input frames, up to NT_LOOKAHEAD_MAX; if the kind needs more, what it needs. A larger one
                           keeps two resamplers of different kinds in step, frame by frame. */
} nt_resampler_config;

/* [any-thread] Input frames that an output needs after its position: 0 if the rates are equal, linear 1, hermite 2,
 * sinc ceil(taps / 2 * max(1, M / L)). */
nt_status nt_resampler_lookahead(nt_resampler_kind kind, uint32_t taps, uint32_t rate_in, uint32_t rate_out,
                                 uint32_t *frames);

/* [main-thread] The only allocation. */
nt_status nt_resampler_create(nt_resampler **resampler, const nt_resampler_config *config);

/* [main-thread] NULL is allowed. */
void nt_resampler_destroy(nt_resampler *resampler);

/* [audio-thread] Back to the state after create. */
void nt_resampler_reset(nt_resampler *resampler);

/* [audio-thread] Consume frames of `in` and generate frames into `out`; stops when it runs out of either. The two must not
 * overlap. Non-finite input reaches every output whose taps cover it. */
void nt_resampler_process(nt_resampler *resampler, nt_span in, nt_span out, uint32_t *used, uint32_t *generated);

/* [any-thread] Which compiled variant of the inner loops this processor runs: "generic", "avx2", "avx512", ... */
const char *nt_kernels_name(void);

/* [main-thread] Run a named variant instead in what is created from now on (NULL: the best again): for tests.
 * NT_ERROR_ARGUMENT if this build or processor lacks it. */
nt_status nt_kernels_force(const char *name);

#endif
