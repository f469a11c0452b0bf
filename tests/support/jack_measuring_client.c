/* Plays a signal into a JACK client and records what comes out of it, frame by frame.
 *
 *   jack_measuring_client LIBJACK SERVER CLIENT IN OUT CHANNELS FRAMES INPUT OUTPUT [CC VALUE]
 *
 * IN and OUT are the client's first ports each way, e.g. in_1 and out_1; the others follow in number.
 * INPUT holds FRAMES x CHANNELS float32, a channel after the other; OUTPUT gets the same, plus TAIL frames a channel.
 * Two clients do it, one that only sends and one that only receives: a loop in JACK's graph would cost a period.
 * Frame i of OUTPUT was heard at the very time of frame i of INPUT. CC VALUE: a MIDI controller at the first frame.
 * Prints one line of JSON: the server's xruns meanwhile, gaps in either client's time, and the latencies that JACK knows.
 */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_CHANNELS = 8, TAIL = 16384, NO_START = 1, SERVER_NAME = 4, IS_INPUT = 1, IS_OUTPUT = 2, CAPTURE = 0 };

typedef struct { uint32_t min, max; } range;

static void *library;

static void *find(const char *name)
{
    void *function = dlsym(library, name);
    if (!function) {
        fprintf(stderr, "no %s in libjack\n", name);
        exit(2);
    }
    return function;
}

#define JACK(result, name, ...) ((result(*)(__VA_ARGS__))find("jack_" #name))

static void *(*get_buffer)(void *, uint32_t);
static uint32_t (*last_frame_time)(void *);
static void (*clear_midi)(void *);
static int (*write_midi)(void *, uint32_t, const unsigned char *, size_t);

static void *source, *sink, *midi_port;
static void *source_ports[MAX_CHANNELS], *sink_ports[MAX_CHANNELS];
static uint32_t channels, frames;
static float *input, *output;
static int controller = -1, value;

/* 0: not begun; 1: begins with the next cycle of the source; 2: `begin` is set; 3: all is recorded */
static _Atomic int state;
static _Atomic uint32_t begin;
static _Atomic uint32_t xruns, gaps;

static void watch_time(uint32_t *expected, uint32_t now, uint32_t count)
{
    if (atomic_load(&state) == 2 && *expected != now)
        atomic_fetch_add(&gaps, 1);
    *expected = now + count;
}

static int send(uint32_t count, void *argument)
{
    static uint32_t expected;
    (void)argument;
    uint32_t now = last_frame_time(source);
    watch_time(&expected, now, count);
    void *midi = get_buffer(midi_port, count);
    clear_midi(midi);
    if (atomic_load(&state) == 1) {
        if (controller >= 0) {
            unsigned char message[3] = {0xb5, (unsigned char)controller, (unsigned char)value};
            write_midi(midi, 0, message, 3);
        }
        atomic_store(&begin, now);
        atomic_store(&state, 2);
    }
    uint32_t position = now - atomic_load(&begin);
    for (uint32_t c = 0; c < channels; c++) {
        float *out = get_buffer(source_ports[c], count);
        for (uint32_t i = 0; i < count; i++) {
            int there = atomic_load(&state) == 2 && position + i < frames;
            out[i] = there ? input[(size_t)c * frames + position + i] : 0.0f;
        }
    }
    return 0;
}

static int receive(uint32_t count, void *argument)
{
    static uint32_t expected;
    (void)argument;
    uint32_t now = last_frame_time(sink);
    watch_time(&expected, now, count);
    if (atomic_load(&state) != 2)
        return 0;
    uint32_t position = now - atomic_load(&begin), length = frames + TAIL;
    if (position > UINT32_MAX / 2)
        return 0; /* a cycle before the first one */
    for (uint32_t c = 0; c < channels; c++) {
        const float *in = get_buffer(sink_ports[c], count);
        for (uint32_t i = 0; i < count && position + i < length; i++)
            output[(size_t)c * length + position + i] = in[i];
    }
    if (position + count >= length)
        atomic_store(&state, 3);
    return 0;
}

static int count_xrun(void *argument)
{
    (void)argument;
    if (atomic_load(&state) == 2)
        atomic_fetch_add(&xruns, 1);
    return 0;
}

static void *open_client(const char *name, const char *server, int (*process)(uint32_t, void *))
{
    int status = 0;
    void *client = ((void *(*)(const char *, int, int *, ...))find("jack_client_open"))(
        name, NO_START | SERVER_NAME, &status, server);
    if (!client) {
        fprintf(stderr, "cannot open %s on %s: %#x\n", name, server, (unsigned)status);
        exit(2);
    }
    JACK(int, set_process_callback, void *, int (*)(uint32_t, void *), void *)(client, process, NULL);
    return client;
}

static void connect(const char *from, const char *to)
{
    if (JACK(int, connect, void *, const char *, const char *)(sink, from, to) != 0) {
        fprintf(stderr, "cannot connect %s to %s\n", from, to);
        exit(2);
    }
}

static void port_after(char *port, size_t size, const char *client, const char *first, uint32_t steps)
{
    size_t digits = strcspn(first, "0123456789");
    snprintf(port, size, "%s:%.*s%u", client, (int)digits, first, (unsigned)atoi(first + digits) + steps);
}

static void pause_for(long milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static range capture_latency(void *port)
{
    range latency = {0, 0};
    JACK(void, port_get_latency_range, void *, int, range *)(port, CAPTURE, &latency);
    return latency;
}

int main(int count, char **arguments)
{
    if (count < 10)
        return 2;
    library = dlopen(arguments[1], RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    const char *server = arguments[2], *client = arguments[3];
    channels = (uint32_t)atoi(arguments[6]);
    frames = (uint32_t)atoi(arguments[7]);
    size_t length = (size_t)frames + TAIL;
    input = calloc((size_t)channels * frames, sizeof(float));
    output = calloc(channels * length, sizeof(float));
    FILE *file = fopen(arguments[8], "rb");
    if (!file || fread(input, sizeof(float) * channels, frames, file) != frames)
        return 2;
    fclose(file);
    memset(output, 0, channels * length * sizeof(float)); /* no page faults in the callback */
    if (count > 11) {
        controller = atoi(arguments[10]);
        value = atoi(arguments[11]);
    }

    get_buffer = (void *(*)(void *, uint32_t))find("jack_port_get_buffer");
    last_frame_time = (uint32_t(*)(void *))find("jack_last_frame_time");
    clear_midi = (void (*)(void *))find("jack_midi_clear_buffer");
    write_midi = (int (*)(void *, uint32_t, const unsigned char *, size_t))find("jack_midi_event_write");

    source = open_client("source", server, send);
    sink = open_client("sink", server, receive);
    JACK(int, set_xrun_callback, void *, int (*)(void *), void *)(sink, count_xrun, NULL);
    void *(*add_port)(void *, const char *, const char *, unsigned long, unsigned long) =
        (void *(*)(void *, const char *, const char *, unsigned long, unsigned long))find("jack_port_register");
    midi_port = add_port(source, "midi", "8 bit raw midi", IS_OUTPUT, 0);
    for (uint32_t c = 0; c < channels; c++) {
        char name[64];
        snprintf(name, sizeof name, "audio_%u", c + 1);
        source_ports[c] = add_port(source, name, "32 bit float mono audio", IS_OUTPUT, 0);
        sink_ports[c] = add_port(sink, name, "32 bit float mono audio", IS_INPUT, 0);
    }
    JACK(int, activate, void *)(source);
    JACK(int, activate, void *)(sink);
    for (uint32_t c = 0; c < channels; c++) {
        char ours[128], theirs[128];
        snprintf(ours, sizeof ours, "source:audio_%u", c + 1);
        port_after(theirs, sizeof theirs, client, arguments[4], c);
        connect(ours, theirs);
        port_after(theirs, sizeof theirs, client, arguments[5], c);
        snprintf(ours, sizeof ours, "sink:audio_%u", c + 1);
        connect(theirs, ours);
    }
    if (controller >= 0) {
        char theirs[128];
        snprintf(theirs, sizeof theirs, "%s:midi_in", client);
        connect("source:midi", theirs);
    }
    pause_for(300); /* JACK computes latencies and the order of its clients in its own time */
    atomic_store(&state, 1);
    for (int waited = 0; atomic_load(&state) != 3 && waited < 120000; waited += 10)
        pause_for(10);

    range heard = capture_latency(sink_ports[0]), sent = capture_latency(source_ports[0]);
    printf("{\"xruns\": %u, \"gaps\": %u, \"complete\": %s, \"latency\": [%u, %u]}\n", (unsigned)atomic_load(&xruns),
           (unsigned)atomic_load(&gaps), atomic_load(&state) == 3 ? "true" : "false", heard.min - sent.max,
           heard.max - sent.min);
    file = fopen(arguments[9], "wb");
    if (!file || fwrite(output, sizeof(float), channels * length, file) != channels * length)
        return 2;
    fclose(file);
    JACK(int, client_close, void *)(source);
    JACK(int, client_close, void *)(sink);
    return atomic_load(&state) == 3 ? 0 : 3;
}
