#include "stream.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "neutone/nt_gate.h"

enum {
    CONTINUE = 0, /* paContinue */
    LOST = 0xf    /* input underflow and overflow, output underflow and overflow; the only other flag is priming */
};

struct nt_portaudio {
    nt_callback engine;
    uint32_t channels;
    uint32_t in_channels;
    uint32_t out_channels;
    uint32_t capacity;
    float *samples; /* planar: the engine's channels, `capacity` frames each; processed in place */
    float **pointers;

    nt_gate gate; /* before the engine */

    _Atomic uint64_t blocks;
    _Atomic uint64_t xruns;
    atomic_bool finished;
};

nt_portaudio *nt_portaudio_create(const nt_callback *engine, uint32_t channels)
{
    nt_portaudio *host = calloc(1, sizeof(nt_portaudio));
    if (!host)
        return NULL;
    host->engine = *engine;
    host->channels = channels;
    host->pointers = calloc(channels, sizeof(float *));
    if (!host->pointers) {
        free(host);
        return NULL;
    }
    nt_gate_init(&host->gate, false);
    atomic_init(&host->blocks, 0);
    atomic_init(&host->xruns, 0);
    atomic_init(&host->finished, false);
    return host;
}

void nt_portaudio_destroy(nt_portaudio *host)
{
    if (!host)
        return;
    free(host->pointers);
    free(host->samples);
    free(host);
}

bool nt_portaudio_attach(nt_portaudio *host, uint32_t in_channels, uint32_t out_channels, uint32_t frames)
{
    float *samples = calloc((size_t)host->channels * frames, sizeof(float));
    if (!samples)
        return false;
    free(host->samples);
    host->samples = samples;
    for (uint32_t c = 0; c < host->channels; c++)
        host->pointers[c] = samples + (size_t)c * frames;
    host->capacity = frames;
    host->in_channels = in_channels;
    host->out_channels = out_channels;
    /* PortAudio has no thread yet; starting one orders all of this before it. The previous thread may have been
     * cancelled between entering the gate and leaving it. */
    nt_gate_init(&host->gate, false);
    atomic_store_explicit(&host->blocks, 0, memory_order_relaxed);
    atomic_store_explicit(&host->xruns, 0, memory_order_relaxed);
    atomic_store_explicit(&host->finished, false, memory_order_relaxed);
    return true;
}

void nt_portaudio_open(nt_portaudio *host)
{
    nt_gate_open(&host->gate);
}

void nt_portaudio_close(nt_portaudio *host)
{
    nt_gate_close(&host->gate);
}

bool nt_portaudio_idle(const nt_portaudio *host)
{
    return nt_gate_is_empty(&host->gate);
}

static void read_input(nt_portaudio *host, const float *input, uint32_t frames)
{
    for (uint32_t c = 0; c < host->channels; c++) {
        float *to = host->pointers[c];
        if (!input) {
            memset(to, 0, frames * sizeof(float));
            continue;
        }
        const float *from = input + c % host->in_channels;
        for (uint32_t i = 0; i < frames; i++)
            to[i] = from[(size_t)i * host->in_channels];
    }
}

static void write_output(const nt_portaudio *host, float *output, uint32_t frames)
{
    for (uint32_t c = 0; c < host->out_channels; c++) {
        const float *from = host->pointers[c % host->channels];
        for (uint32_t i = 0; i < frames; i++)
            output[(size_t)i * host->out_channels + c] = from[i];
    }
}

int nt_portaudio_process(const void *input, void *output, unsigned long frames, const void *time, unsigned long flags,
                         void *argument)
{
    nt_portaudio *host = argument;
    (void)time;
    if (flags & LOST)
        atomic_fetch_add_explicit(&host->xruns, 1, memory_order_relaxed);
    if (frames <= host->capacity && nt_gate_enter(&host->gate) == NT_GATE_ENTERED) {
        read_input(host, input, (uint32_t)frames);
        host->engine.process(host->engine.context, (const float *const *)host->pointers, host->pointers,
                             host->channels, (uint32_t)frames);
        write_output(host, output, (uint32_t)frames);
        atomic_fetch_add_explicit(&host->blocks, 1, memory_order_relaxed);
        nt_gate_leave(&host->gate);
    } else {
        memset(output, 0, (size_t)frames * host->out_channels * sizeof(float));
    }
    return CONTINUE;
}

void nt_portaudio_on_finished(void *argument)
{
    atomic_store_explicit(&((nt_portaudio *)argument)->finished, true, memory_order_release);
}

void nt_portaudio_read_notes(const nt_portaudio *host, nt_portaudio_notes *notes)
{
    notes->blocks = atomic_load_explicit(&host->blocks, memory_order_relaxed);
    notes->xruns = atomic_load_explicit(&host->xruns, memory_order_relaxed);
    notes->finished = atomic_load_explicit(&host->finished, memory_order_acquire);
}
