/* The audio side of a player: what happens in a host's callback. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/nt_denormals.h"
#include "base/nt_thread.h"
#include "player/nt_player_internal.h"

static bool fits(const nt_runner *runner, uint32_t channels, uint32_t frames)
{
    uint32_t block = runner->schedule->host_block;
    return channels == runner->channels && (frames == block || (runner->schedule->host_block_varies && frames < block));
}

static void retire(nt_player *player, nt_runner *runner)
{
    nt_runner *top = atomic_load_explicit(&player->retired, memory_order_relaxed);
    /* The control thread only ever empties the stack, so a second try succeeds. release: the control thread must see what
     * was written to the stream. */
    do
        runner->next = top;
    while (!atomic_compare_exchange_weak_explicit(&player->retired, &top, runner, memory_order_release,
                                                  memory_order_relaxed));
}

/* Take the stream that was offered, from this block on. Returns NULL if there is none, or if it does not fit the block
 * but the current stream does: a host that has announced another block size may still send blocks of the old one. */
static nt_runner *take_offer(nt_player *player, uint32_t channels, uint32_t frames)
{
    if (!atomic_load_explicit(&player->offered, memory_order_relaxed))
        return NULL;
    nt_runner *coming = atomic_exchange_explicit(&player->offered, NULL, memory_order_acquire);
    if (!coming || fits(coming, channels, frames) || !player->active || !fits(player->active, channels, frames))
        return coming;
    nt_runner *nothing = NULL;
    if (!atomic_compare_exchange_strong_explicit(&player->offered, &nothing, coming, memory_order_release,
                                                 memory_order_relaxed))
        retire(player, coming); /* a newer one was offered meanwhile */
    return NULL;
}

static void measure(nt_peaks *peaks, uint32_t channel, const float *samples, uint32_t frames)
{
    if (channel >= NT_METERS)
        return;
    float peak = 0.0f;
    for (uint32_t i = 0; i < frames; i++) {
        float magnitude = fabsf(samples[i]); /* what is not finite does not count: it is not heard either */
        peak = magnitude > peak && magnitude <= FLT_MAX ? magnitude : peak;
    }
    if (peak > atomic_load_explicit(&peaks->of[channel], memory_order_relaxed))
        atomic_store_explicit(&peaks->of[channel], peak, memory_order_relaxed);
}

static void silence(float *const *out, uint32_t channels, uint32_t frames)
{
    for (uint32_t c = 0; c < channels; c++)
        memset(out[c], 0, frames * sizeof(float));
}

/* Whether the host has come back in less than half of the time that the model was promised: a server that has missed its
 * own deadline makes up for it with blocks in a row, which no model could compute in time. */
static bool is_hurried(nt_runner *runner, uint64_t now)
{
    uint32_t slack = runner->slack;
    runner->latest = runner->latest == slack ? 0 : runner->latest + 1;
    if (slack == 0 || runner->played++ < slack || runner->schedule->host_block_varies)
        return false;
    uint32_t due = runner->latest == slack ? 0 : runner->latest + 1; /* slack blocks ago, in a list of slack + 1 */
    uint64_t given = now - runner->handed[due];
    return given * runner->schedule->host_rate < (uint64_t)slack * runner->schedule->host_block * 1000000000u / 2;
}

static void count_late(nt_player *player, nt_runner *runner, bool hurried)
{
    nt_stream_stats stats;
    nt_stream_get_stats(runner->stream, &stats);
    nt_count(&player->late_frames, stats.starved_frames - runner->late_before);
    nt_count(&player->hurried_frames, hurried ? stats.starved_frames - runner->late_before : 0);
    nt_count(&player->lost_frames, stats.lost_frames - runner->lost_before);
    runner->late_before = stats.starved_frames;
    runner->lost_before = stats.lost_frames;
}

static nt_status run_through(nt_player *player, nt_runner *runner, const float *const *in, float *const *out,
                             uint32_t frames, const float *const *params, uint64_t now)
{
    nt_stream *stream = runner->stream;
    bool hurried = is_hurried(runner, now);
    nt_status status = nt_stream_write(stream, in, params, frames);
    if (status != NT_OK)
        return status;
    bool waits = runner->slot && nt_player_is_blocking(player);
    if (!runner->slot) {
        status = nt_stream_run(stream, &player->model_times);
    } else if (waits) {
        nt_runner_notify(runner);
        nt_runner_wait(runner);
    }
    nt_stream_read(stream, out, frames);
    /* Last of all, for the thread that wakes may be put in our place. */
    if (runner->slot && !waits)
        nt_runner_notify(runner);
    count_late(player, runner, hurried);
    return status == NT_ERROR_SESSION ? NT_OK : status; /* counted, and its block is silence */
}

/* What the stream before still had to say, fading over the block. */
static void add_fading(nt_runner *before, nt_runner *after, float *const *out, uint32_t frames)
{
    if (frames > before->schedule->host_block)
        return;
    nt_stream_read(before->stream, before->fading, frames);
    nt_stream_add_fading(after->stream, out, (const float *const *)before->fading, before->channels, frames);
}

static nt_status process(nt_player *player, const float *const *in, float *const *out, uint32_t channels,
                         uint32_t frames, const float *const *params, uint64_t now)
{
    nt_runner *coming = take_offer(player, channels, frames), *before = NULL;
    if (coming) {
        before = player->active;
        player->active = coming;
        nt_count(&player->takeovers, 1);
    }
    nt_runner *runner = player->active;
    nt_status status = runner && fits(runner, channels, frames) ? NT_OK : NT_ERROR_FRAMES;
    if (status == NT_OK) {
        for (uint32_t c = 0; c < channels; c++) /* before out is written: it may be the same memory */
            measure(&player->input_peaks, c, in[c], frames);
        status = run_through(player, runner, in, out, frames, params, now);
    }
    if (status != NT_OK)
        silence(out, channels, frames);
    if (before) {
        if (channels == before->channels)
            add_fading(before, runner, out, frames);
        retire(player, before);
    }
    for (uint32_t c = 0; c < channels; c++)
        measure(&player->output_peaks, c, out[c], frames);
    nt_count(&player->blocks, 1);
    nt_count(&player->frames, frames);
    if (runner)
        nt_count(&player->audio_ns, (uint64_t)frames * 1000000000u / runner->schedule->host_rate);
    return status;
}

nt_status nt_player_process(nt_player *player, const float *const *in, float *const *out, uint32_t channels,
                            uint32_t frames, const float *const *params)
{
    nt_entry entry = nt_gate_enter(&player->gate);
    if (entry != NT_GATE_ENTERED) {
        nt_count_shared(&player->refused_blocks, entry == NT_GATE_BUSY);
        silence(out, channels, frames);
        return entry == NT_GATE_BUSY ? NT_ERROR_BUSY : NT_ERROR_CLOSED;
    }
    nt_denormals before = nt_denormals_flush();
    uint64_t begun = nt_clock_now();
    nt_status status = process(player, in, out, channels, frames, params, begun);
    if (status == NT_ERROR_FRAMES)
        nt_count_shared(&player->refused_blocks, 1);
    uint64_t ended = nt_clock_now();
    if (player->active)
        player->active->handed[player->active->latest] = ended;
    nt_histogram_add(&player->callback_times, ended - begun);
    nt_denormals_restore(before);
    nt_gate_leave(&player->gate);
    return status;
}

void nt_player_set_parameter(nt_player *player, uint32_t index, float value)
{
    if (nt_gate_enter(&player->gate) != NT_GATE_ENTERED)
        return;
    if (player->active)
        nt_stream_set_parameter(player->active->stream, index, value);
    nt_gate_leave(&player->gate);
}
