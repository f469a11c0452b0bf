/* nt_callback: how the C callback of an audio host drives an engine that runs in the background.
 *
 * Python's Engine.live.callback is a PyCapsule named "neutone.callback" around this struct: keep a reference to the capsule for
 * as long as the functions may be called. A host in C needs this header alone.
 */
#ifndef NEUTONE_NT_CALLBACK_H
#define NEUTONE_NT_CALLBACK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct nt_callback {
    void *context;

    /* [audio-thread] One host block: `channels` pointers to `frames` samples each; in and out may be the same memory.
     * out is always filled: with silence, which is counted, if the engine is set up for another number of channels or
     * frames. One thread at a time. */
    void (*process)(void *context, const float *const *in, float *const *out, uint32_t channels, uint32_t frames);

    /* [audio-thread] The 0..1 value that parameter `index` ramps to over the next block. */
    void (*set_parameter)(void *context, uint32_t index, float value);

    /* [any-thread] Whether process waits for the model. True while the host is not in real time: freewheeling. */
    void (*set_blocking)(void *context, bool blocking);
} nt_callback;

#endif
