/* Model blocks: out of the input ring, through the session, into the output ring. */
#include "base/nt_thread.h"
#include "stream/nt_stream_internal.h"

static uint32_t next_block(const nt_stream *s)
{
    uint32_t arrived = nt_ring_readable(s->ring_in) - s->config.exchange.look_behind;
    uint32_t block = s->config.schedule.session_block;
    if (s->config.schedule.model_block)
        return arrived >= block ? block : 0;
    return arrived < block ? arrived : block;
}

static void push_output(nt_stream *s, uint32_t frames)
{
    const nt_exchange *exchange = &s->config.exchange;
    uint32_t done = 0;
    uint64_t broken = 0;
    while (done < frames) {
        nt_span span = nt_ring_write_span(s->ring_out, frames - done);
        if (span.frames == 0)
            break;
        for (uint32_t c = 0; c < exchange->out_channels; c++)
            broken += s->kernels->sanitize(nt_span_row(span, c), exchange->audio_out + (size_t)c * frames + done,
                                           span.frames);
        nt_ring_commit(s->ring_out, span.frames);
        done += span.frames;
    }
    nt_count(&s->nonfinite_model, broken);
    s->session_is_broken = broken > 0;
}

/* If nobody reads, the model waits, so that no output is lost. Returns the frames of the next block, or 0. */
static uint32_t runnable_block(const nt_stream *s)
{
    uint32_t frames = next_block(s);
    return nt_ring_writable(s->ring_out) >= frames ? frames : 0;
}

bool nt_stream_has_block(const nt_stream *s)
{
    return runnable_block(s) > 0;
}

/* As a session has its memory: the rows of a shorter block lie closer. */
static nt_span packed(float *first, uint32_t frames)
{
    return (nt_span){first, (ptrdiff_t)frames, frames};
}

static nt_status run_session(nt_stream *s, uint32_t frames)
{
    const nt_session *session = &s->config.session;
    const nt_exchange *exchange = &s->config.exchange;
    nt_status status = NT_OK;
    if (s->session_is_broken && session->reset)
        session->reset(session->context);
    s->session_is_broken = false;
    nt_ring_peek(s->ring_in, 0, packed(exchange->audio_in, exchange->look_behind + frames));
    nt_ring_discard(s->ring_in, frames);
    if (exchange->parameters)
        nt_ring_pop(s->ring_params, packed(exchange->params, frames));
    if (session->run(session->context, frames) == 0) {
        push_output(s, frames);
    } else {
        status = NT_ERROR_SESSION;
        nt_count(&s->failed_blocks, 1);
        s->session_is_broken = true;
        nt_ring_push_silence(s->ring_out, frames);
    }
    nt_count(&s->model_blocks, 1);
    nt_count(&s->model_frames, frames);
    return status;
}

bool nt_stream_run_block(nt_stream *s, nt_histogram *times, nt_status *status)
{
    uint32_t frames = runnable_block(s);
    *status = NT_OK;
    if (frames == 0)
        return false;
    uint64_t begun = times ? nt_clock_now() : 0;
    /* For every block: other code in this thread (a runtime, Python) may have changed how they are treated. */
    nt_denormals before = nt_denormals_flush();
    *status = run_session(s, frames);
    nt_denormals_restore(before);
    if (times)
        nt_histogram_add(times, nt_clock_now() - begun);
    return true;
}

nt_status nt_stream_run(nt_stream *s, nt_histogram *times)
{
    nt_status status = NT_OK, last;
    while (nt_stream_run_block(s, times, &last))
        if (last != NT_OK)
            status = last;
    return status;
}
