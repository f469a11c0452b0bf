/* stream: the functions that PortAudio calls, which play an engine through its C callback. It builds without
 * PortAudio's headers. */
#ifndef NEUTONE_PORTAUDIO_STREAM_H
#define NEUTONE_PORTAUDIO_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "neutone/nt_callback.h"

typedef struct nt_portaudio nt_portaudio;

/* [main-thread] Returns NULL if there is no memory. `engine` is copied; what it points to must outlive the
 * nt_portaudio. */
nt_portaudio *nt_portaudio_create(const nt_callback *engine, uint32_t channels);
void nt_portaudio_destroy(nt_portaudio *host);

/* [main-thread, no stream is open] Sets the device's channel counts and the largest block in frames, and clears the
 * counters. Returns false if there is no memory. The gate is closed until nt_portaudio_open. Channel c of the engine
 * gets channel c mod in_channels of the device; channel c of the device plays channel c mod channels of the engine. */
bool nt_portaudio_attach(nt_portaudio *host, uint32_t in_channels, uint32_t out_channels, uint32_t frames);

/* [main-thread] Before `open` and after `close`, nt_portaudio_process gives silence and does not call the engine. Some
 * of PortAudio's host APIs end their thread by cancelling it. So close, and wait for `idle`, before a stream stops. */
void nt_portaudio_open(nt_portaudio *host);
void nt_portaudio_close(nt_portaudio *host);
bool nt_portaudio_idle(const nt_portaudio *host);

/* [main-thread] What has been noted since `attach`. */
typedef struct nt_portaudio_notes {
    uint64_t blocks;
    uint64_t xruns;
    bool finished; /* the stream has ended: it was stopped, or its device went away */
} nt_portaudio_notes;

void nt_portaudio_read_notes(const nt_portaudio *host, nt_portaudio_notes *notes);

/* [audio-thread] PortAudio's stream callback for interleaved float32; `argument` is the nt_portaudio. */
int nt_portaudio_process(const void *input, void *output, unsigned long frames, const void *time, unsigned long flags,
                         void *argument);
/* [PortAudio's thread] Its stream-finished callback. */
void nt_portaudio_on_finished(void *argument);

#endif
