#include "callback.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "neutone/nt_gate.h"

enum { CAPTURE_LATENCY = 0, PLAYBACK_LATENCY = 1 };

struct nt_jack {
    nt_callback engine;
    nt_jack_functions functions;
    uint32_t channels;
    void **in_ports;
    void **out_ports;
    void *midi_port;
    const float **in;
    float **out;

    nt_gate gate; /* before the engine */

    _Atomic uint32_t latency;
    _Atomic int32_t controllers[NT_JACK_CONTROLLERS];
    _Atomic int32_t learning;

    _Atomic uint64_t blocks;
    _Atomic uint64_t xruns;
    _Atomic uint32_t period;
    _Atomic uint32_t sample_rate;
    atomic_bool freewheeling;
    atomic_flag shutdown_claimed;
    atomic_bool gone;
    char reason[NT_JACK_TEXT];
};

nt_jack *nt_jack_create(const nt_callback *engine, uint32_t channels)
{
    nt_jack *jack = calloc(1, sizeof(nt_jack));
    if (!jack)
        return NULL;
    jack->engine = *engine;
    jack->channels = channels;
    jack->in_ports = calloc(channels, sizeof(void *));
    jack->out_ports = calloc(channels, sizeof(void *));
    jack->in = calloc(channels, sizeof(float *));
    jack->out = calloc(channels, sizeof(float *));
    if (!jack->in_ports || !jack->out_ports || !jack->in || !jack->out) {
        nt_jack_destroy(jack);
        return NULL;
    }
    nt_gate_init(&jack->gate, false);
    atomic_init(&jack->latency, 0);
    for (uint32_t i = 0; i < NT_JACK_CONTROLLERS; i++)
        atomic_init(&jack->controllers[i], -1);
    atomic_init(&jack->learning, -1);
    atomic_init(&jack->blocks, 0);
    atomic_init(&jack->xruns, 0);
    atomic_init(&jack->period, 0);
    atomic_init(&jack->sample_rate, 0);
    atomic_init(&jack->freewheeling, false);
    atomic_flag_clear_explicit(&jack->shutdown_claimed, memory_order_relaxed);
    atomic_init(&jack->gone, false);
    return jack;
}

void nt_jack_destroy(nt_jack *jack)
{
    if (!jack)
        return;
    free(jack->in_ports);
    free(jack->out_ports);
    free(jack->in);
    free(jack->out);
    free(jack);
}

void nt_jack_attach(nt_jack *jack, const nt_jack_functions *functions, void *const *in, void *const *out, void *midi)
{
    jack->functions = *functions;
    memcpy(jack->in_ports, in, jack->channels * sizeof(void *));
    memcpy(jack->out_ports, out, jack->channels * sizeof(void *));
    jack->midi_port = midi;
    /* JACK has no thread yet; starting one orders all of this before it. The previous thread may have been cancelled
     * between entering the gate and leaving it. */
    nt_gate_init(&jack->gate, false);
    atomic_store_explicit(&jack->blocks, 0, memory_order_relaxed);
    atomic_store_explicit(&jack->xruns, 0, memory_order_relaxed);
    atomic_store_explicit(&jack->period, 0, memory_order_relaxed);
    atomic_store_explicit(&jack->sample_rate, 0, memory_order_relaxed);
    atomic_store_explicit(&jack->freewheeling, false, memory_order_relaxed);
    atomic_flag_clear_explicit(&jack->shutdown_claimed, memory_order_relaxed);
    atomic_store_explicit(&jack->gone, false, memory_order_relaxed);
    jack->reason[0] = '\0';
}

/* -- the gate ----------------------------------------------------------------------------------------------------- */

void nt_jack_open(nt_jack *jack)
{
    nt_gate_open(&jack->gate);
}

void nt_jack_close(nt_jack *jack)
{
    nt_gate_close(&jack->gate);
}

bool nt_jack_idle(const nt_jack *jack)
{
    return nt_gate_is_empty(&jack->gate);
}

/* -- audio and MIDI ----------------------------------------------------------------------------------------------- */

static void follow_controller(nt_jack *jack, uint32_t controller, uint32_t value)
{
    /* In most blocks nothing is being learnt. So load first: the exchange would claim the cache line for this core. */
    if (atomic_load_explicit(&jack->learning, memory_order_relaxed) >= 0) {
        int32_t learned = atomic_exchange_explicit(&jack->learning, -1, memory_order_acq_rel);
        if (learned >= 0)
            atomic_store_explicit(&jack->controllers[controller], learned, memory_order_release);
    }
    int32_t parameter = atomic_load_explicit(&jack->controllers[controller], memory_order_acquire);
    if (parameter >= 0)
        jack->engine.set_parameter(jack->engine.context, (uint32_t)parameter, (float)value / 127.0f);
}

static void read_midi(nt_jack *jack, uint32_t frames)
{
    void *buffer = jack->functions.port_get_buffer(jack->midi_port, frames);
    uint32_t count = buffer ? jack->functions.midi_get_event_count(buffer) : 0;
    for (uint32_t i = 0; i < count; i++) {
        nt_jack_midi_event event;
        if (jack->functions.midi_event_get(&event, buffer, i) != 0 || event.size != 3)
            continue;
        if ((event.data[0] & 0xf0) == 0xb0 && event.data[1] < NT_JACK_CONTROLLERS && event.data[2] < 128)
            follow_controller(jack, event.data[1], event.data[2]);
    }
}

int nt_jack_process(uint32_t frames, void *argument)
{
    nt_jack *jack = argument;
    for (uint32_t c = 0; c < jack->channels; c++) {
        jack->in[c] = jack->functions.port_get_buffer(jack->in_ports[c], frames);
        jack->out[c] = jack->functions.port_get_buffer(jack->out_ports[c], frames);
    }
    if (nt_gate_enter(&jack->gate) == NT_GATE_ENTERED) {
        read_midi(jack, frames);
        jack->engine.process(jack->engine.context, jack->in, jack->out, jack->channels, frames);
        atomic_fetch_add_explicit(&jack->blocks, 1, memory_order_relaxed);
        nt_gate_leave(&jack->gate);
    } else {
        for (uint32_t c = 0; c < jack->channels; c++)
            memset(jack->out[c], 0, frames * sizeof(float));
    }
    return 0;
}

/* -- notifications ------------------------------------------------------------------------------------------------ */

int nt_jack_on_period(uint32_t frames, void *argument)
{
    atomic_store_explicit(&((nt_jack *)argument)->period, frames, memory_order_release);
    return 0;
}

int nt_jack_on_sample_rate(uint32_t rate, void *argument)
{
    atomic_store_explicit(&((nt_jack *)argument)->sample_rate, rate, memory_order_release);
    return 0;
}

int nt_jack_on_xrun(void *argument)
{
    atomic_fetch_add_explicit(&((nt_jack *)argument)->xruns, 1, memory_order_relaxed);
    return 0;
}

void nt_jack_on_freewheel(int starting, void *argument)
{
    nt_jack *jack = argument;
    atomic_store_explicit(&jack->freewheeling, starting != 0, memory_order_release);
    /* A client that is being closed must not change the engine: another host may play it by now. */
    if (jack->engine.set_blocking && nt_gate_is_open(&jack->gate))
        jack->engine.set_blocking(jack->engine.context, starting != 0);
}

static void copy_text(char *target, size_t size, const char *text)
{
    size_t length = 0;
    while (length + 1 < size && text[length])
        length++;
    memcpy(target, text, length);
    target[length] = '\0';
}

void nt_jack_on_shutdown(int status, const char *reason, void *argument)
{
    nt_jack *jack = argument;
    (void)status;
    /* It may come from two threads, those of audio and of notifications. The first reason counts. */
    if (atomic_flag_test_and_set_explicit(&jack->shutdown_claimed, memory_order_relaxed))
        return;
    copy_text(jack->reason, sizeof jack->reason, reason ? reason : "");
    atomic_store_explicit(&jack->gone, true, memory_order_release);
}

/* -- latency ------------------------------------------------------------------------------------------------------ */

void nt_jack_set_latency(nt_jack *jack, uint32_t frames)
{
    atomic_store_explicit(&jack->latency, frames, memory_order_release);
}

/* Every input may reach every output, because the engine maps channels. So all ports on one side get the same range:
 * from the earliest to the latest of the ports on the other side, plus the engine's delay. */
static void carry_latency(nt_jack *jack, int mode, void **from, void **to)
{
    uint32_t delay = atomic_load_explicit(&jack->latency, memory_order_acquire);
    nt_jack_latency_range all = {UINT32_MAX, 0};
    for (uint32_t c = 0; c < jack->channels; c++) {
        nt_jack_latency_range range = {0, 0};
        jack->functions.port_get_latency_range(from[c], mode, &range);
        all.min = range.min < all.min ? range.min : all.min;
        all.max = range.max > all.max ? range.max : all.max;
    }
    all.min += delay;
    all.max += delay;
    for (uint32_t c = 0; c < jack->channels; c++)
        jack->functions.port_set_latency_range(to[c], mode, &all);
    if (mode == PLAYBACK_LATENCY) /* a controller takes effect with the audio that came in with it */
        jack->functions.port_set_latency_range(jack->midi_port, mode, &all);
}

void nt_jack_on_latency(int mode, void *argument)
{
    nt_jack *jack = argument;
    if (mode == CAPTURE_LATENCY)
        carry_latency(jack, mode, jack->in_ports, jack->out_ports);
    else if (mode == PLAYBACK_LATENCY)
        carry_latency(jack, mode, jack->out_ports, jack->in_ports);
}

/* -- for the host's thread ---------------------------------------------------------------------------------------- */

void nt_jack_set_controller(nt_jack *jack, uint32_t controller, int32_t parameter)
{
    atomic_store_explicit(&jack->controllers[controller], parameter, memory_order_release);
}

int32_t nt_jack_controller(const nt_jack *jack, uint32_t controller)
{
    return atomic_load_explicit(&jack->controllers[controller], memory_order_acquire);
}

void nt_jack_learn(nt_jack *jack, int32_t parameter)
{
    atomic_store_explicit(&jack->learning, parameter, memory_order_release);
}

int32_t nt_jack_learning(const nt_jack *jack)
{
    return atomic_load_explicit(&jack->learning, memory_order_acquire);
}

void nt_jack_read_notes(const nt_jack *jack, nt_jack_notes *notes)
{
    notes->blocks = atomic_load_explicit(&jack->blocks, memory_order_relaxed);
    notes->xruns = atomic_load_explicit(&jack->xruns, memory_order_relaxed);
    notes->period = atomic_load_explicit(&jack->period, memory_order_acquire);
    notes->sample_rate = atomic_load_explicit(&jack->sample_rate, memory_order_acquire);
    notes->freewheeling = atomic_load_explicit(&jack->freewheeling, memory_order_acquire);
    /* acquire: the reason was written before the flag */
    notes->gone = atomic_load_explicit(&jack->gone, memory_order_acquire);
    copy_text(notes->reason, sizeof notes->reason, notes->gone ? jack->reason : "");
}

/* -- libjack's messages ------------------------------------------------------------------------------------------- */

static atomic_flag messages_taken = ATOMIC_FLAG_INIT;
static char messages[4 * NT_JACK_TEXT];
static size_t messages_length;

void nt_jack_on_message(const char *text)
{
    if (!text || atomic_flag_test_and_set_explicit(&messages_taken, memory_order_acquire))
        return;
    size_t room = sizeof messages - messages_length;
    if (room > 2) {
        if (messages_length)
            messages[messages_length++] = '\n';
        copy_text(messages + messages_length, sizeof messages - messages_length, text);
        messages_length += strlen(messages + messages_length);
    }
    atomic_flag_clear_explicit(&messages_taken, memory_order_release);
}

void nt_jack_take_messages(char *target, size_t size)
{
    while (atomic_flag_test_and_set_explicit(&messages_taken, memory_order_acquire)) {
    }
    messages[messages_length] = '\0';
    copy_text(target, size, messages);
    messages_length = 0;
    atomic_flag_clear_explicit(&messages_taken, memory_order_release);
}
