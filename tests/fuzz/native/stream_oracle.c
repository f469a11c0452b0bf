#include "stream_oracle.h"

static const double DENORMAL = 2e-38; /* flushed to zero or not, nobody hears it */
static const float VERY_LARGE = 1e30f; /* sums of such samples may overflow */

void oracle_begin(stream_oracle *oracle, fixture *of)
{
    case_of("a stream", &of->made_of); /* the context of a failed check belongs to this file */
    oracle->of = of;
    oracle->is_exact = of->made_of.host_rate == of->schedule.model_rate;
    oracle->delay = of->made_of.has_delay ? (uint32_t)of->made_of.delay : of->schedule.delay;
    oracle->written = oracle->read = oracle->heard = oracle->returned = 0;
}

static float as_heard(float sample)
{
    return isfinite(sample) ? sample : 0.0f;
}

void oracle_write(stream_oracle *oracle, const float *in, ptrdiff_t in_stride, const float *params,
                  ptrdiff_t params_stride, uint32_t frames, bool lost)
{
    const setup *made_of = &oracle->of->made_of;
    bool is_fading = made_of->fades_in && oracle->written == 0;
    for (uint32_t i = 0; i < frames; i++) {
        uint32_t at = oracle->written + i;
        for (uint32_t c = 0; c < made_of->host_channels; c++)
            oracle->input[c][at] = is_fading ? NAN : as_heard(in[(ptrdiff_t)c * in_stride + i]);
        for (uint32_t p = 0; p < made_of->parameters; p++) {
            float value = params ? params[(ptrdiff_t)p * params_stride + i] : NAN;
            oracle->curves[p][at] = value < 0.0f ? 0.0f : value > 1.0f ? 1.0f : value;
        }
        oracle->model_frame[at] = lost ? -1 : (int64_t)oracle->heard;
        if (!lost)
            oracle->host_frame[oracle->heard++] = at;
    }
    oracle->written += frames;
}

/* The documented channel mapping: the mean of the channels that fall on this one, or a copy if there are none. */
static double mapped(const stream_oracle *oracle, uint32_t channel, uint32_t host_frame, bool *is_known)
{
    const setup *made_of = &oracle->of->made_of;
    uint32_t from = made_of->host_channels, to = made_of->in_channels, count = 0;
    double sum = 0.0;
    for (uint32_t a = 0; a < from; a++)
        if (from > to ? a % to == channel : a == channel % from) {
            float sample = oracle->input[a][host_frame];
            *is_known &= fabsf(sample) <= (from > to ? VERY_LARGE : INFINITY); /* false for NaN */
            sum += (double)sample;
            count++;
        }
    return sum / count;
}

/* Frames of the model before the first one are silence: look-behind at the start. */
static void check_input(const stream_oracle *oracle, const test_session *session, uint32_t channel, uint32_t frames)
{
    uint32_t look_behind = session->exchange.look_behind;
    const float *row = session->audio_in + (size_t)channel * (look_behind + frames);
    for (uint32_t i = 0; i < look_behind + frames; i++) {
        CHECK(isfinite(row[i]));
        if (!oracle->is_exact || !oracle->is_neutral)
            continue;
        int64_t frame = (int64_t)oracle->returned + i - look_behind;
        CHECK(frame < (int64_t)oracle->heard);
        bool is_known = true;
        double expected = frame < 0 ? 0.0 : mapped(oracle, channel, oracle->host_frame[frame], &is_known);
        if (is_known)
            CHECK_NEAR(row[i], expected, 1e-6 * fabs(expected) + 1e-6 * (oracle->of->made_of.host_channels > 1) + DENORMAL);
    }
}

void oracle_check_session(const stream_oracle *oracle, const test_session *session, uint32_t frames)
{
    CHECK(frames > 0);
    for (uint32_t c = 0; c < session->exchange.in_channels; c++)
        check_input(oracle, session, c, frames);
    for (uint32_t p = 0; p < session->exchange.parameters; p++)
        for (uint32_t i = 0; i < frames; i++) {
            float value = session->params[(size_t)p * frames + i];
            CHECK(value >= 0.0f && value <= 1.0f);
            if (!oracle->is_exact)
                continue;
            float expected = oracle->curves[p][oracle->host_frame[oracle->returned + i]];
            if (!isnan(expected))
                CHECK_NEAR(value, expected, DENORMAL);
        }
}

void oracle_answer(stream_oracle *oracle, const test_session *session, uint32_t frames, bool failed)
{
    if (oracle->returned + frames > ORACLE_FRAMES) /* only upward resampling makes more than was written */
        return;
    for (uint32_t c = 0; c < session->exchange.out_channels; c++)
        for (uint32_t i = 0; i < frames; i++)
            oracle->output[c][oracle->returned + i] = failed ? 0.0f : as_heard(session->audio_out[(size_t)c * frames + i]);
    oracle->returned += frames;
}

static void check_sample(const stream_oracle *oracle, float sample, uint32_t channel, uint32_t at)
{
    int64_t host_frame = (int64_t)at - oracle->delay;
    int64_t frame = host_frame < 0 ? -1 : oracle->model_frame[host_frame];
    if (frame < 0) {
        CHECK_NEAR(sample, 0.0, 0.0);
        return;
    }
    CHECK(frame < (int64_t)oracle->returned);
    CHECK_NEAR(sample, oracle->output[channel][frame], DENORMAL);
}

static void check_replacement(const stream_oracle *oracle, float sample, uint32_t channel, uint32_t at)
{
    const setup *made_of = &oracle->of->made_of;
    int64_t dry = (int64_t)at - oracle->delay - made_of->model_delay;
    if (made_of->late == NT_LATE_SILENCE || (made_of->late == NT_LATE_DRY && dry < 0))
        CHECK_NEAR(sample, 0.0, 0.0);
    else if (made_of->late == NT_LATE_DRY && !isnan(oracle->input[channel][dry]))
        CHECK_NEAR(sample, oracle->input[channel][dry], DENORMAL);
}

void oracle_read(stream_oracle *oracle, const float *out, ptrdiff_t out_stride, uint32_t frames, uint32_t starved)
{
    const setup *made_of = &oracle->of->made_of;
    bool is_exact = oracle->is_exact && oracle->is_neutral && made_of->host_channels == made_of->out_channels;
    CHECK(starved <= frames);
    for (uint32_t c = 0; c < made_of->host_channels; c++)
        for (uint32_t i = 0; i < frames; i++) {
            float sample = out[(ptrdiff_t)c * out_stride + i];
            CHECK(isfinite(sample));
            if (is_exact && i < frames - starved)
                check_sample(oracle, sample, c, oracle->read + i);
            else if (is_exact)
                check_replacement(oracle, sample, c, oracle->read + i);
        }
    oracle->read += frames;
}
