/* nt_stream in the hands of a host that changes its mind: blocks, curves, levels, resets, failures, and a model that runs
 * late. */
#include "fuzz_core.h"

#include "stream_oracle.h"

enum { MOST_ARRIVALS = 2048 };

static stream_oracle oracle;
static fixture subject;
static uint32_t faults; /* runs until the next failure and the next broken block, four bits each */

static bool is_due(uint32_t shift)
{
    uint32_t left = faults >> shift & 15;
    if (left)
        faults -= 1u << shift;
    return left == 1;
}

/* Pass-through, or the first parameter times the input; sometimes NaN or infinite. */
static void body(test_session *session, uint32_t frames)
{
    oracle_check_session(&oracle, session, frames);
    pass_through(session, frames);
    if (session->exchange.parameters)
        for (uint32_t i = 0; i < frames; i++)
            session->audio_out[i] *= session->params[i];
    if (is_due(0)) {
        session->audio_out[0] = NAN;
        session->audio_out[frames / 2] = -INFINITY;
    }
    bool fails = is_due(4);
    oracle_answer(&oracle, session, frames, fails);
    session->fails_at = fails ? session->runs : 0;
}

static setup read_setup(fuzz_input *input)
{
    setup s = {
        .host_rate = read_rate(input),
        .host_block = read_between(input, 1, read_below(input, 2) ? 8 : 300),
        .model_block = read_below(input, 2) ? read_between(input, 1, 700) : 0,
        .kind = (nt_resampler_kind)read_below(input, 3),
        .taps = 2 * read_between(input, NT_TAPS_MIN / 2, NT_TAPS_MAX / 2),
        .varies = read_below(input, 2),
        .host_channels = read_between(input, 1, ORACLE_CHANNELS),
        .in_channels = read_between(input, 1, ORACLE_CHANNELS),
        .out_channels = read_between(input, 1, ORACLE_CHANNELS),
        .parameters = read_below(input, ORACLE_CHANNELS),
        .look_behind = read_below(input, 3) ? 0 : read_below(input, 400),
        .model_delay = read_below(input, 3) ? 0 : read_below(input, 300),
        .late = (nt_late)read_below(input, 3),
        .fades_in = read_below(input, 4) == 0,
        .body = body,
    };
    s.model_rate = read_below(input, 2) ? s.host_rate : read_rate(input);
    while (s.host_block > 1 && (uint64_t)s.host_block * s.model_rate / s.host_rate > MOST_ARRIVALS)
        s.host_block /= 2;
    s.backlog = read_below(input, 2) ? read_below(input, 2000) : 0;
    s.has_delay = read_below(input, 2);
    if (s.has_delay)
        s.delay = (int64_t)schedule_of(&s).delay + (int64_t)s.host_block * read_below(input, 4);
    return s;
}

typedef struct block {
    uint32_t frames, channels, parameters;
    ptrdiff_t stride;
    float *in, *out, *params; /* params may be NULL; out may be in */
    bool has_nan;
} block;

static block read_block(fuzz_input *input, const setup *s)
{
    block b = {.frames = s->varies ? read_below(input, s->host_block + 1) : s->host_block,
               .channels = s->host_channels,
               .parameters = s->parameters};
    b.stride = (ptrdiff_t)(b.frames + read_below(input, 3));
    b.in = new_floats((size_t)(b.channels - 1) * (size_t)b.stride + b.frames);
    random_state = 1 + read_byte(input);
    uint32_t odd = read_below(input, 12);
    float loudness = odd == 5 ? 3.4e38f : odd == 6 ? 1e36f : odd == 7 ? 1e-40f : 1.0f;
    for (uint32_t c = 0; c < b.channels; c++)
        for (uint32_t i = 0; i < b.frames; i++)
            b.in[(ptrdiff_t)c * b.stride + i] = loudness * random_sample();
    if (odd < 5 && b.frames)
        b.in[read_below(input, b.frames)] = odd == 0 ? NAN : odd == 1 ? INFINITY : read_sample(input);
    b.out = read_below(input, 2) ? b.in : new_floats((size_t)(b.channels - 1) * (size_t)b.stride + b.frames);
    if (b.parameters && read_below(input, 2)) {
        b.params = new_floats((size_t)(b.parameters - 1) * (size_t)b.stride + b.frames);
        for (uint32_t p = 0; p < b.parameters; p++)
            for (uint32_t i = 0; i < b.frames; i++)
                b.params[(ptrdiff_t)p * b.stride + i] = 1.5f * random_sample();
        b.has_nan = b.frames && read_below(input, 8) == 0;
        if (b.has_nan)
            b.params[read_below(input, b.frames)] = NAN;
    }
    return b;
}

static void free_block(block *b)
{
    if (b->out != b->in)
        free(b->out);
    free(b->in);
    free(b->params);
}

/* Whether the block that comes will be lost is known from the counters, so it is written to the oracle afterwards; the
 * session must not run in between. */
static void write_then_run_then_read(fuzz_input *input, block *b, bool runs)
{
    nt_stream_stats before = stats_of(&subject), after;
    nt_status status = write_planar(&subject, b->in, b->stride, b->params, b->stride, b->frames);
    CHECK_EQUAL(status, b->has_nan ? NT_ERROR_NAN : NT_OK);
    after = stats_of(&subject);
    if (status == NT_OK) {
        uint64_t lost = after.lost_frames - before.lost_frames;
        CHECK(lost == 0 || lost == b->frames);
        CHECK_EQUAL(after.host_frames - before.host_frames, b->frames);
        oracle_write(&oracle, b->in, b->stride, b->params, b->stride, b->frames, lost > 0);
        if (runs && read_below(input, 2)) {
            nt_stream_run(subject.stream, NULL);
            CHECK(!nt_stream_has_block(subject.stream));
        } else if (runs) {
            nt_stream_run_block(subject.stream, NULL, &status);
        }
        read_planar(&subject, b->out, b->stride, b->frames);
        after = stats_of(&subject);
        oracle_read(&oracle, b->out, b->stride, b->frames, (uint32_t)(after.starved_frames - before.starved_frames));
    }
}

/* In one call nothing starves, and nothing is lost. The session runs inside, so the oracle must know beforehand. */
static void process(block *b)
{
    nt_stream_stats before = stats_of(&subject);
    if (!b->has_nan)
        oracle_write(&oracle, b->in, b->stride, b->params, b->stride, b->frames, false);
    nt_status status = process_planar(&subject, b->in, b->stride, b->params, b->stride, b->out, b->stride,
                                         b->frames);
    nt_stream_stats after = stats_of(&subject);
    if (b->has_nan) {
        CHECK_EQUAL(status, NT_ERROR_NAN);
        CHECK_EQUAL(after.host_frames, before.host_frames);
        return;
    }
    CHECK_EQUAL(status, after.failed_blocks > before.failed_blocks ? NT_ERROR_SESSION : NT_OK);
    CHECK_EQUAL(after.starved_frames, before.starved_frames);
    CHECK_EQUAL(after.lost_frames, 0);
    oracle_read(&oracle, b->out, b->stride, b->frames, 0);
}

static void set_level(fuzz_input *input)
{
    static const float factors[] = {0.0f, 0.5f, 1.0f, 2.0f, 31.622776f, -1.0f, NAN, INFINITY};
    nt_stream_set_level(subject.stream, (nt_level)read_below(input, NT_LEVELS + 1),
                        factors[read_below(input, sizeof factors / sizeof *factors)]);
    oracle.is_neutral = false;
}

static void set_parameter(fuzz_input *input)
{
    static const float values[] = {0.0f, 0.25f, 1.0f, -1.0f, 2.0f, NAN, INFINITY};
    uint32_t index = read_below(input, ORACLE_CHANNELS + 1);
    float value = values[read_below(input, sizeof values / sizeof *values)];
    float before = nt_stream_get_parameter(subject.stream, index);
    nt_stream_set_parameter(subject.stream, index, value);
    float now = nt_stream_get_parameter(subject.stream, index);
    if (index >= subject.made_of.parameters)
        CHECK(isnan(now));
    else
        CHECK_NEAR(now, isnan(value) ? before : value < 0.0f ? 0.0f : value > 1.0f ? 1.0f : value, 0.0);
}

static void reset(void)
{
    uint32_t resets = subject.session.resets;
    nt_stream_reset(subject.stream);
    CHECK_EQUAL(subject.session.resets, resets + 1);
    CHECK_EQUAL(stats_of(&subject).host_frames, 0);
    oracle_begin(&oracle, &subject);
}

static void run_one(fuzz_input *input, bool is_split)
{
    switch (read_below(input, 16)) {
    case 0:
        reset();
        break;
    case 1:
        set_level(input);
        break;
    case 2:
        set_parameter(input);
        break;
    case 3:
        faults = read_byte(input);
        break;
    case 4: {
        nt_status status = write_planar(&subject, oracle.input[0], 0, NULL, 0, subject.made_of.host_block + 1);
        CHECK_EQUAL(status, NT_ERROR_FRAMES);
        break;
    }
    default: {
        block b = read_block(input, &subject.made_of);
        if (is_split)
            write_then_run_then_read(input, &b, read_below(input, 4) > 0);
        else
            process(&b);
        free_block(&b);
    }
    }
}

void fuzz_stream(fuzz_input *input)
{
    bool is_split = read_below(input, 2);
    setup s = read_setup(input);
    case_of(is_split ? "a stream whose model runs apart" : "a stream", &s);
    if (!is_split) {
        s.backlog = 0;
        s.late = NT_LATE_SILENCE;
    }
    faults = 0;
    open_fixture(&subject, s);
    oracle.is_neutral = true;
    oracle_begin(&oracle, &subject);
    while (has_more(input) && oracle.written + s.host_block <= ORACLE_FRAMES)
        run_one(input, is_split);
    close_fixture(&subject);
}
