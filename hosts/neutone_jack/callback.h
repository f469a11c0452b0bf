/* callback: the functions that JACK calls, which play an engine through its C callback.
 *
 * It builds without JACK's headers: whoever has loaded libjack passes the functions that are needed here. The functions
 * that JACK calls only store what happened; a thread of the host reads it and acts. So neither the server nor the audio
 * ever waits for Python or for a model to be prepared.
 */
#ifndef NEUTONE_JACK_CALLBACK_H
#define NEUTONE_JACK_CALLBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "neutone/nt_callback.h"

enum {
    NT_JACK_CONTROLLERS = 120, /* MIDI's controllers are 0..119; 120..127 are channel mode messages */
    NT_JACK_TEXT = 512
};

/* In libjack's memory layout. */
typedef struct nt_jack_midi_event {
    uint32_t time;
    size_t size;
    unsigned char *data;
} nt_jack_midi_event;

typedef struct nt_jack_latency_range {
    uint32_t min;
    uint32_t max;
} nt_jack_latency_range;

typedef struct nt_jack_functions {
    void *(*port_get_buffer)(void *port, uint32_t frames);
    uint32_t (*midi_get_event_count)(void *port_buffer);
    int (*midi_event_get)(nt_jack_midi_event *event, void *port_buffer, uint32_t index);
    void (*port_get_latency_range)(void *port, int mode, nt_jack_latency_range *range);
    void (*port_set_latency_range)(void *port, int mode, nt_jack_latency_range *range);
} nt_jack_functions;

typedef struct nt_jack nt_jack;

/* [main-thread] Returns NULL if there is no memory. `engine` is copied; what it points to must outlive the nt_jack. */
nt_jack *nt_jack_create(const nt_callback *engine, uint32_t channels);
void nt_jack_destroy(nt_jack *jack);

/* [main-thread, client not active] Sets the ports of a client that is about to be activated (`channels` each way, and
 * one for MIDI), and clears the counters and notes. The gate is closed until nt_jack_open. */
void nt_jack_attach(nt_jack *jack, const nt_jack_functions *functions, void *const *in, void *const *out, void *midi);

/* [main-thread] Before `open` and after `close`, nt_jack_process gives silence and does not call the engine, and
 * freewheeling is noted but not passed on to the engine.
 * libjack ends its audio thread with an asynchronous pthread_cancel. So close, and wait for `idle`, before a client is
 * deactivated; otherwise the thread may die inside the engine. */
void nt_jack_open(nt_jack *jack);
void nt_jack_close(nt_jack *jack);
bool nt_jack_idle(const nt_jack *jack);

/* [main-thread] Sets the engine's latency in frames. It takes effect when JACK next computes latencies. */
void nt_jack_set_latency(nt_jack *jack, uint32_t frames);

/* [main-thread, atomic] Sets and returns the parameter that a controller 0..119 sets, -1 for none. `learn` maps the
 * next controller that arrives to this parameter, -1 to wait for none; `learning` returns -1 once one has arrived. */
void nt_jack_set_controller(nt_jack *jack, uint32_t controller, int32_t parameter);
int32_t nt_jack_controller(const nt_jack *jack, uint32_t controller);
void nt_jack_learn(nt_jack *jack, int32_t parameter);
int32_t nt_jack_learning(const nt_jack *jack);

/* [main-thread] What has been noted so far. Period (frames) and rate (Hz) are 0 until JACK has reported them. */
typedef struct nt_jack_notes {
    uint64_t blocks;
    uint64_t xruns;
    uint32_t period;
    uint32_t sample_rate;
    bool freewheeling;
    bool gone;              /* the server has ended, or has removed the client */
    char reason[NT_JACK_TEXT]; /* the reason that it gave; empty until `gone` */
} nt_jack_notes;

void nt_jack_read_notes(const nt_jack *jack, nt_jack_notes *notes);

/* JACK's callbacks; `argument` is the nt_jack.
 * [audio-thread] */
int nt_jack_process(uint32_t frames, void *argument);
/* [libjack's notification thread] No locks, no system calls, no waiting. nt_jack_on_freewheel tells the engine: the
 * server waits for it to return before the first cycle that freewheels. */
int nt_jack_on_period(uint32_t frames, void *argument);
int nt_jack_on_sample_rate(uint32_t rate, void *argument);
int nt_jack_on_xrun(void *argument);
void nt_jack_on_freewheel(int starting, void *argument);
void nt_jack_on_shutdown(int status, const char *reason, void *argument);
void nt_jack_on_latency(int mode, void *argument);

/* [any thread] For libjack's error and info functions, which have no argument. The text goes to a buffer of this
 * process instead of stderr. It is dropped if another thread is just storing one. */
void nt_jack_on_message(const char *text);
/* [main-thread] Copies the stored texts, one per line, and clears them. */
void nt_jack_take_messages(char *target, size_t size);

#endif
