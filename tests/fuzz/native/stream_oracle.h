/* What a stream must return, frame by frame, if nothing is resampled: the session logs its input and its output, and
 * each host frame is looked up there. With resampling, it is only checked that samples are finite. */
#ifndef NEUTONE_FUZZ_STREAM_ORACLE_H
#define NEUTONE_FUZZ_STREAM_ORACLE_H

#include "stream_fixture.h"

enum { ORACLE_FRAMES = 1 << 12, ORACLE_CHANNELS = 4 };

typedef struct stream_oracle {
    fixture *of;
    bool is_exact;   /* the rates are equal */
    bool is_neutral; /* no gain, wet only */
    uint32_t delay;  /* host frames */

    uint32_t written, read;                       /* host frames since the last reset */
    float input[ORACLE_CHANNELS][ORACLE_FRAMES];  /* by host frame; NaN: not known */
    int64_t model_frame[ORACLE_FRAMES];           /* by host frame: the model's frame that heard it; -1: lost */

    uint32_t heard;                                  /* frames that were given to the model */
    uint32_t host_frame[ORACLE_FRAMES];              /* by frame of the model: the host frame that it comes from */
    uint32_t returned;                               /* frames that the model has returned */
    float output[ORACLE_CHANNELS][ORACLE_FRAMES];    /* by frame of the model */
    float curves[ORACLE_CHANNELS][ORACLE_FRAMES];    /* by host frame: parameters; NaN: not known */
} stream_oracle;

/* The stream was made or reset. */
void oracle_begin(stream_oracle *oracle, fixture *of);

/* A block was written, which the model will hear. `lost`: there was no room for it. */
void oracle_write(stream_oracle *oracle, const float *in, ptrdiff_t in_stride, const float *params,
                  ptrdiff_t params_stride, uint32_t frames, bool lost);

/* Check what the model is given: the body of the session calls it. */
void oracle_check_session(const stream_oracle *oracle, const test_session *session, uint32_t frames);

/* The model has returned a block, which is in audio_out; `failed`: it reported a failure. */
void oracle_answer(stream_oracle *oracle, const test_session *session, uint32_t frames, bool failed);

/* Check a block that was read, of which the last `starved` frames were not there in time. */
void oracle_read(stream_oracle *oracle, const float *out, ptrdiff_t out_stride, uint32_t frames, uint32_t starved);

#endif
