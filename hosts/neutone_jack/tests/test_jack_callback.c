/* The JACK host's callback against functions that stand in for libjack's: ports, controllers, latencies, and the gate
 * between the audio thread and the one that stops it. */
#include "callback.h"

#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

enum { CHANNELS = 2, FRAMES = 64, ROUNDS = 2000 };

typedef struct {
    float samples[FRAMES];
    nt_jack_latency_range latency[2];
} audio_port;

typedef struct {
    unsigned char data[8][3];
    uint32_t count;
    nt_jack_latency_range latency[2];
} midi_port;

static audio_port in_ports[CHANNELS], out_ports[CHANNELS];
static midi_port midi;

static void *get_buffer(void *port, uint32_t frames)
{
    CHECK(frames <= FRAMES);
    return port == &midi ? port : ((audio_port *)port)->samples;
}

static uint32_t count_events(void *buffer)
{
    return ((midi_port *)buffer)->count;
}

static int get_event(nt_jack_midi_event *event, void *buffer, uint32_t index)
{
    *event = (nt_jack_midi_event){0, 3, ((midi_port *)buffer)->data[index]};
    return 0;
}

static nt_jack_latency_range *range_of(void *port, int mode)
{
    return port == &midi ? &midi.latency[mode] : &((audio_port *)port)->latency[mode];
}

static void get_range(void *port, int mode, nt_jack_latency_range *range)
{
    *range = *range_of(port, mode);
}

static void set_range(void *port, int mode, nt_jack_latency_range *range)
{
    *range_of(port, mode) = *range;
}

/* An engine that doubles; `guarded` is written by the thread that closed the gate, without any atomics. */
typedef struct {
    float parameters[4];
    bool blocking;
    uint32_t guarded;
    uint64_t blocks;
} engine;

static void process(void *context, const float *const *in, float *const *out, uint32_t channels, uint32_t frames)
{
    engine *self = context;
    self->guarded++;
    self->blocks++;
    for (uint32_t c = 0; c < channels; c++)
        for (uint32_t i = 0; i < frames; i++)
            out[c][i] = 2.0f * in[c][i];
}

static void set_parameter(void *context, uint32_t index, float value)
{
    CHECK(index < 4);
    ((engine *)context)->parameters[index] = value;
}

static void set_blocking(void *context, bool blocking)
{
    ((engine *)context)->blocking = blocking;
}

static nt_jack *make(engine *target)
{
    memset(target, 0, sizeof *target);
    memset(&midi, 0, sizeof midi);
    memset(in_ports, 0, sizeof in_ports);
    memset(out_ports, 0, sizeof out_ports);
    nt_callback callback = {target, process, set_parameter, set_blocking};
    nt_jack *jack = nt_jack_create(&callback, CHANNELS);
    CHECK(jack != NULL);
    nt_jack_functions functions = {get_buffer, count_events, get_event, get_range, set_range};
    void *in[CHANNELS] = {&in_ports[0], &in_ports[1]}, *out[CHANNELS] = {&out_ports[0], &out_ports[1]};
    nt_jack_attach(jack, &functions, in, out, &midi);
    return jack;
}

static void send_event(nt_jack *jack, unsigned char status, unsigned char number, unsigned char value)
{
    unsigned char message[3] = {status, number, value};
    memcpy(midi.data[0], message, 3);
    midi.count = 1;
    CHECK_EQUAL(nt_jack_process(FRAMES, jack), 0);
    midi.count = 0;
}

static nt_jack_notes notes_of(const nt_jack *jack)
{
    nt_jack_notes notes;
    nt_jack_read_notes(jack, &notes);
    return notes;
}

static void test_audio_and_gate(void)
{
    engine target;
    nt_jack *jack = make(&target);
    for (int open = 0; open < 2; open++) {
        if (open)
            nt_jack_open(jack);
        for (uint32_t c = 0; c < CHANNELS; c++) {
            in_ports[c].samples[3] = 0.25f * (float)(c + 1);
            out_ports[c].samples[3] = 99.0f;
        }
        CHECK_EQUAL(nt_jack_process(FRAMES, jack), 0);
        CHECK_NEAR(out_ports[0].samples[3], open ? 0.5 : 0.0, 0);
        CHECK_NEAR(out_ports[1].samples[3], open ? 1.0 : 0.0, 0);
        CHECK_EQUAL(notes_of(jack).blocks, open);
    }
    nt_jack_close(jack);
    CHECK_EQUAL(nt_jack_process(FRAMES, jack), 0);
    CHECK_EQUAL(target.blocks, 1);
    nt_jack_destroy(jack);
}

static void test_controllers(void)
{
    engine target;
    nt_jack *jack = make(&target);
    nt_jack_open(jack);
    nt_jack_set_controller(jack, 7, 2);
    send_event(jack, 0xb0, 7, 127);
    CHECK_NEAR(target.parameters[2], 1.0, 0);
    send_event(jack, 0xbf, 7, 64); /* another MIDI channel */
    CHECK_NEAR(target.parameters[2], 64.0 / 127.0, 1e-7);
    send_event(jack, 0x90, 7, 1); /* a note */
    send_event(jack, 0xb0, 8, 1); /* not mapped */
    CHECK_NEAR(target.parameters[2], 64.0 / 127.0, 1e-7);

    nt_jack_learn(jack, 1);
    send_event(jack, 0xb0, 121, 5); /* a channel mode message */
    send_event(jack, 0x90, 20, 5);
    CHECK_EQUAL(nt_jack_learning(jack), 1);
    send_event(jack, 0xb3, 20, 127);
    CHECK_EQUAL(nt_jack_learning(jack), -1);
    CHECK_EQUAL(nt_jack_controller(jack, 20), 1);
    CHECK_NEAR(target.parameters[1], 1.0, 0);
    send_event(jack, 0xb0, 21, 0);
    CHECK_EQUAL(nt_jack_controller(jack, 21), -1);
    nt_jack_destroy(jack);
}

static void test_latencies(void)
{
    engine target;
    nt_jack *jack = make(&target);
    nt_jack_set_latency(jack, 100);
    in_ports[0].latency[0] = (nt_jack_latency_range){64, 80};
    in_ports[1].latency[0] = (nt_jack_latency_range){32, 70};
    out_ports[0].latency[1] = (nt_jack_latency_range){10, 10};
    out_ports[1].latency[1] = (nt_jack_latency_range){20, 30};
    nt_jack_on_latency(0, jack);
    nt_jack_on_latency(1, jack);
    for (uint32_t c = 0; c < CHANNELS; c++) {
        CHECK_EQUAL(out_ports[c].latency[0].min, 132);
        CHECK_EQUAL(out_ports[c].latency[0].max, 180);
        CHECK_EQUAL(in_ports[c].latency[1].min, 110);
        CHECK_EQUAL(in_ports[c].latency[1].max, 130);
    }
    CHECK_EQUAL(midi.latency[1].min, 110);
    CHECK_EQUAL(midi.latency[1].max, 130);
    nt_jack_destroy(jack);
}

static void test_notes(void)
{
    engine target;
    nt_jack *jack = make(&target);
    CHECK_EQUAL(nt_jack_on_period(256, jack), 0);
    CHECK_EQUAL(nt_jack_on_sample_rate(44100, jack), 0);
    CHECK_EQUAL(nt_jack_on_xrun(jack), 0);
    nt_jack_on_freewheel(1, jack);
    CHECK(notes_of(jack).freewheeling && !target.blocking); /* the gate is closed: noted only */
    nt_jack_open(jack);
    nt_jack_on_freewheel(1, jack);
    nt_jack_notes notes = notes_of(jack);
    CHECK_EQUAL(notes.period, 256);
    CHECK_EQUAL(notes.sample_rate, 44100);
    CHECK_EQUAL(notes.xruns, 1);
    CHECK(notes.freewheeling && target.blocking && !notes.gone);
    nt_jack_on_freewheel(0, jack);
    CHECK(!notes_of(jack).freewheeling && !target.blocking);

    char longer[2 * NT_JACK_TEXT];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    nt_jack_on_shutdown(0, longer, jack);
    nt_jack_on_shutdown(0, "a second reason", jack);
    notes = notes_of(jack);
    CHECK(notes.gone);
    CHECK_EQUAL(strlen(notes.reason), NT_JACK_TEXT - 1);
    nt_jack_destroy(jack);
}

static void test_messages(void)
{
    char text[NT_JACK_TEXT];
    nt_jack_take_messages(text, sizeof text);
    nt_jack_on_message("first");
    nt_jack_on_message("second");
    nt_jack_take_messages(text, sizeof text);
    CHECK(strcmp(text, "first\nsecond") == 0);
    for (int i = 0; i < 1000; i++)
        nt_jack_on_message("many of them, more than there is room for");
    nt_jack_take_messages(text, sizeof text);
    CHECK_EQUAL(strlen(text), NT_JACK_TEXT - 1);
    nt_jack_take_messages(text, sizeof text);
    CHECK_EQUAL(strlen(text), 0);
}

static atomic_bool finished;

static void *audio_thread(void *argument)
{
    while (!atomic_load(&finished)) {
        nt_jack_process(FRAMES, argument);
        nt_jack_on_xrun(argument);
        nt_jack_on_message("from the audio thread");
    }
    return NULL;
}

static void test_the_engine_is_left_alone_behind_a_closed_gate(void)
{
    engine target;
    char text[NT_JACK_TEXT];
    nt_jack *jack = make(&target);
    pthread_t thread;
    CHECK_EQUAL(pthread_create(&thread, NULL, audio_thread, jack), 0);
    for (int i = 0; i < ROUNDS; i++) {
        nt_jack_open(jack);
        uint64_t before = notes_of(jack).blocks;
        while (notes_of(jack).blocks == before) {
        }
        nt_jack_close(jack);
        while (!nt_jack_idle(jack)) {
        }
        target.guarded = 7;
        CHECK_EQUAL(target.guarded, 7);
        nt_jack_take_messages(text, sizeof text);
    }
    atomic_store(&finished, true);
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
    nt_jack_destroy(jack);
}

int main(void)
{
    test_audio_and_gate();
    test_controllers();
    test_latencies();
    test_notes();
    test_messages();
    test_the_engine_is_left_alone_behind_a_closed_gate();
    return 0;
}
