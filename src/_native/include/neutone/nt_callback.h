/* nt_callback: the functions that an audio host's C callback calls, for an engine in the background.
 *
 * Engine.live.callback in Python is a PyCapsule named "neutone.callback" around this struct. Keep a reference to the
 * capsule as long as the functions may be called. A host in C needs only this header.
 */
#ifndef NEUTONE_NT_CALLBACK_H
#define NEUTONE_NT_CALLBACK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct nt_callback {
    void *context; /* the first argument of the functions */

    /* [audio-thread, one at a time] Process one host block. `in` and `out` have `channels` pointers to `frames` samples
     * each, and may point to the same memory. `out` is always filled. If the engine is set up for another number of
     * channels or frames, it is filled with silence, and the block is counted as refused. */
    void (*process)(void *context, const float *const *in, float *const *out, uint32_t channels, uint32_t frames);

    /* [audio-thread] Set the value (0..1) that parameter `index` ramps to over the next block. */
    void (*set_parameter)(void *context, uint32_t index, float value);

    /* [any-thread] Set whether `process` waits for the model. A host sets it to true while it does not run in real
     * time, that is, while it freewheels. */
    void (*set_blocking)(void *context, bool blocking);
} nt_callback;

#endif
