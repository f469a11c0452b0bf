/* nt_session: a session whose functions are written in C.
 *
 * If Session.native in Python is a PyCapsule named "neutone.session" around this struct, the engine runs the model by
 * these functions, without the GIL. A backend in C needs only this header (C11 or C++). docs/plugins.md has a complete
 * example.
 *
 * Memory. The engine and the functions exchange audio in the arrays of the Python session: audio_in, params and
 * audio_out. The arrays do not move, so keep their addresses where `context` points to.
 *
 * Threads. `run` and `reset` are called by one thread at a time, but not always by the same thread: it may be the
 * caller of Engine.process, a worker thread that has no Python state, or the audio thread of a host. Each call sees
 * what earlier calls wrote. If the session is to run in a host's callback (slack=0), `run` and `reset` must not
 * allocate, lock, wait or take the GIL. Otherwise they may, but the output is late if that takes long.
 *
 * Lifetime. The engine copies the struct. The functions and the context must exist as long as the capsule and the
 * Python session do. The engine keeps both until no thread can call the functions any more.
 */
#ifndef NEUTONE_NT_SESSION_H
#define NEUTONE_NT_SESSION_H

#include <stdint.h>

#define NT_SESSION_CAPSULE "neutone.session"

enum { NT_SESSION_VERSION = 1 };

typedef struct nt_session {
    uint32_t version; /* NT_SESSION_VERSION. It is the first field in every version; other versions are refused. */
    void *context;    /* the first argument of the functions */

    /* [one thread at a time] Process a block of `frames` frames, from 1 to the block size that the session was made
     * for. Rows are packed: read the first rows x (look_behind + frames) floats of audio_in and the first rows x frames
     * floats of params, and fill the first rows x frames floats of audio_out. Return 0. If it returns anything else,
     * the block becomes silence, and the session is reset before its next run. */
    int (*run)(void *context, uint32_t frames);

    /* [one thread at a time, never during run] Return to the initial state. NULL if there is no state. */
    void (*reset)(void *context);

    /* [main-thread, possibly during run; one call at a time] Return the reason, in UTF-8, why run last did not return
     * 0; NULL if it always did, or if the reason is not known. The text must not change until the next call of error.
     * The pointer to this function may be NULL. */
    const char *(*error)(void *context);
} nt_session;

#endif
