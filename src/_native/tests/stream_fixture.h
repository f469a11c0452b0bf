/* A stream with a session written in C, and whole signals driven through it. */
#ifndef NEUTONE_TESTS_STREAM_FIXTURE_H
#define NEUTONE_TESTS_STREAM_FIXTURE_H

#include <stdbool.h>

#include "check.h"
#include "neutone/nt_stream.h"

typedef struct test_session test_session;

struct test_session {
    nt_session interface;
    nt_exchange exchange;
    float *audio_in, *audio_out, *params; /* of exactly the size that the exchange promises */
    void (*body)(test_session *session, uint32_t frames);
    uint32_t runs, resets;
    uint32_t resets_before_run; /* as the last run found them */
    uint32_t fails_at,
        breaks_at;    /* the run (from 1) that reports a failure, or returns non-finite samples; 0: none */
    uint32_t largest; /* frames of a run */
    void *note;       /* whatever the body keeps */
};

/* What a stream is made of; everything left out is 0: no look-behind, no parameters, linear, a model of any
 * block. */
typedef struct setup {
    uint32_t host_rate, host_block, model_rate, model_block;
    nt_resampler_kind kind;
    uint32_t taps;
    bool varies;
    uint32_t host_channels, in_channels, out_channels; /* 0: 1 */
    uint32_t parameters, look_behind, model_delay;
    bool has_delay;
    int64_t delay; /* if has_delay; otherwise the schedule's is used */
    uint32_t backlog;
    nt_late late;
    bool fades_in;
    void (*body)(test_session *session, uint32_t frames);
} setup;

typedef struct fixture {
    nt_stream *stream;
    nt_schedule schedule;
    setup made_of;
    test_session session;
} fixture;

static inline uint32_t or_one(uint32_t value)
{
    return value ? value : 1;
}

static inline void case_of(const char *what, const setup *s)
{
    check_case("%s: host %u / %u%s, model %u / %u, kind %d, %u taps, look-behind %u", what, s->host_rate,
               s->host_block, s->varies ? " varying" : "", s->model_rate, s->model_block, (int)s->kind,
               s->taps, s->look_behind);
}

/* The newest frames of input channel c: behind the look-behind. */
static inline float *newest_input(const test_session *session, uint32_t c, uint32_t frames)
{
    uint32_t look_behind = session->exchange.look_behind;
    return session->audio_in + (size_t)c * (look_behind + frames) + look_behind;
}

static inline float *output_row(const test_session *session, uint32_t c, uint32_t frames)
{
    return session->audio_out + (size_t)c * frames;
}

/* Output channel c is input channel c (modulo what there are). */
static inline void pass_through(test_session *session, uint32_t frames)
{
    for (uint32_t c = 0; c < session->exchange.out_channels; c++)
        memcpy(output_row(session, c, frames),
               newest_input(session, c % session->exchange.in_channels, frames), frames * sizeof(float));
}

static inline int session_run(void *context, uint32_t frames)
{
    test_session *session = context;
    session->runs++;
    session->resets_before_run = session->resets;
    session->largest = frames > session->largest ? frames : session->largest;
    session->body(session, frames);
    if (session->runs == session->breaks_at) {
        session->audio_out[0] = NAN;
        session->audio_out[frames / 2] = INFINITY;
        session->audio_out[frames - 1] = -INFINITY;
    }
    return session->runs == session->fails_at ? 7 : 0;
}

static inline void session_reset(void *context)
{
    ((test_session *)context)->resets++;
}

static inline nt_schedule schedule_of(const setup *s)
{
    nt_schedule_request request = {.host_rate = s->host_rate,
                                   .host_block = s->host_block,
                                   .host_block_varies = s->varies,
                                   .kind = s->kind,
                                   .taps = s->taps};
    nt_schedule schedule;
    CHECK_EQUAL(nt_schedule_compute(&schedule, &request, s->model_rate, s->model_block), NT_OK);
    return schedule;
}

static inline void make_session(test_session *session, const setup *s, uint32_t block)
{
    uint32_t in = or_one(s->in_channels), out = or_one(s->out_channels);
    *session = (test_session){.body = s->body ? s->body : pass_through};
    session->audio_in = new_floats((size_t)in * (s->look_behind + block));
    session->audio_out = new_floats((size_t)out * block);
    session->params = new_floats((size_t)s->parameters * block);
    session->interface = (nt_session){NT_SESSION_VERSION, session, session_run, session_reset, NULL};
    session->exchange = (nt_exchange){session->audio_out, session->audio_in, session->params, in, out,
                                      s->parameters,      s->look_behind};
}

static inline nt_stream_config config_of(fixture *f)
{
    const setup *s = &f->made_of;
    return (nt_stream_config){.schedule = f->schedule,
                              .host_channels = or_one(s->host_channels),
                              .model_delay = s->model_delay,
                              .delay = s->has_delay ? s->delay : NT_LEAST_DELAY,
                              .backlog = s->backlog,
                              .late = s->late,
                              .fades_in = s->fades_in,
                              .session = f->session.interface,
                              .exchange = f->session.exchange};
}

/* The session points to itself inside *f: it must stay where it is. */
static inline void open_fixture(fixture *f, setup s)
{
    *f = (fixture){.schedule = schedule_of(&s), .made_of = s};
    make_session(&f->session, &s, f->schedule.session_block);
    nt_stream_config config = config_of(f);
    CHECK_EQUAL(nt_stream_create(&f->stream, &config), NT_OK);
    CHECK(f->stream != NULL);
}

static inline void close_fixture(fixture *f)
{
    nt_stream_destroy(f->stream);
    free(f->session.audio_in);
    free(f->session.audio_out);
    free(f->session.params);
}

static inline nt_stream_stats stats_of(const fixture *f)
{
    nt_stream_stats stats;
    nt_stream_get_stats(f->stream, &stats);
    return stats;
}

/* The streams of these tests have at most as many channels or parameters. */
enum { ROWS_MAX = 32 };

/* Pointers to rows that lie `stride` apart, as a host would have them. */
static inline void point_to_rows(float *rows[ROWS_MAX], const float *first, ptrdiff_t stride, uint32_t count)
{
    CHECK(count <= ROWS_MAX);
    for (uint32_t c = 0; c < count; c++)
        rows[c] = (float *)first + (ptrdiff_t)c * stride;
}

/* nt_stream_write, nt_stream_read and nt_stream_process with the rows of each array in one piece of memory; `params` may be
 * NULL. */
static inline nt_status write_planar(fixture *f, const float *in, ptrdiff_t in_stride, const float *params,
                                     ptrdiff_t params_stride, uint32_t frames)
{
    float *in_rows[ROWS_MAX], *params_rows[ROWS_MAX];
    point_to_rows(in_rows, in, in_stride, nt_stream_host_channels(f->stream));
    if (params)
        point_to_rows(params_rows, params, params_stride, f->made_of.parameters);
    return nt_stream_write(f->stream, (const float *const *)in_rows, params ? (const float *const *)params_rows : NULL,
                           frames);
}

static inline void read_planar(fixture *f, float *out, ptrdiff_t out_stride, uint32_t frames)
{
    float *out_rows[ROWS_MAX];
    point_to_rows(out_rows, out, out_stride, nt_stream_host_channels(f->stream));
    nt_stream_read(f->stream, out_rows, frames);
}

static inline nt_status process_planar(fixture *f, const float *in, ptrdiff_t in_stride, const float *params,
                                       ptrdiff_t params_stride, float *out, ptrdiff_t out_stride, uint32_t frames)
{
    float *in_rows[ROWS_MAX], *out_rows[ROWS_MAX], *params_rows[ROWS_MAX];
    point_to_rows(in_rows, in, in_stride, nt_stream_host_channels(f->stream));
    point_to_rows(out_rows, out, out_stride, nt_stream_host_channels(f->stream));
    if (params)
        point_to_rows(params_rows, params, params_stride, f->made_of.parameters);
    return nt_stream_process(f->stream, (const float *const *)in_rows,
                             params ? (const float *const *)params_rows : NULL, out_rows, frames);
}

/* Whole signals of `frames`, a multiple of the host's block unless that varies; rows are `frames` apart. */
static inline void drive(fixture *f, const float *in, const float *params, float *out, uint32_t frames)
{
    uint32_t block = f->made_of.host_block;
    for (uint32_t done = 0, size; done < frames; done += size) {
        size = f->made_of.varies ? random_below(block + 1) : block;
        size = size < frames - done ? size : frames - done;
        CHECK_EQUAL(process_planar(f, in + done, (ptrdiff_t)frames, params ? params + done : NULL,
                                      (ptrdiff_t)frames, out + done, (ptrdiff_t)frames, size),
                    NT_OK);
    }
}

/* out, from `delay` on, is `in`; before that it is silent. */
static inline void check_delayed(const float *out, const float *in, uint32_t delay, uint32_t frames)
{
    for (uint32_t t = 0; t < frames; t++)
        CHECK_NEAR(out[t], t < delay ? 0.0f : in[t - delay], 0.0);
}

#endif
