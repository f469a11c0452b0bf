/* nt_session: a model made ready to run, as functions in C.
 *
 * In Python, Session.native is a PyCapsule named "neutone.session" around this struct, and the engine then runs the model
 * without the GIL. A backend in C needs this header alone (C11 or C++); docs/plugins.md has a complete example.
 *
 * The memory that audio is exchanged in is that of the Python session: audio_in, params and audio_out, which stay where they
 * are. `run` knows where they lie.
 *
 * Threads. `run` and `reset` are called by one thread at a time, but not always by the same one: the thread that processes,
 * a worker thread that has no Python state, or the audio thread of a host. What the last one wrote is seen by the next one.
 * A session that shall run in a host's callback (slack=0) must not allocate, lock, wait or take the GIL in `run` or `reset`.
 * Elsewhere it may, and is late if that takes long.
 *
 * The engine copies the struct. Whatever it points to must be there as long as the capsule and the Python session, of which
 * the engine keeps both until no thread can call any more.
 */
#ifndef NEUTONE_NT_SESSION_H
#define NEUTONE_NT_SESSION_H

#include <stdint.h>

#define NT_SESSION_CAPSULE "neutone.session"

enum { NT_SESSION_VERSION = 1 };

typedef struct nt_session {
    uint32_t version; /* NT_SESSION_VERSION; the first field in every version, and another one is refused */
    void *context;    /* the first argument of the functions */

    /* [one thread at a time] A block: fill the first rows x frames floats of audio_out, rows packed, from those of audio_in
     * and params. `frames` is from 1 to the block that the session was made for. Returns 0; anything else turns the block
     * into silence, and the session is reset before its next run. */
    int (*run)(void *context, uint32_t frames);

    /* [one thread at a time, never beside run] Back to the state before the first block. NULL: there is no state. */
    void (*reset)(void *context);

    /* [main-thread, also beside run; one at a time] Why run last returned something else than 0, in UTF-8; NULL: it never
     * did, or does not say. The text stays as it is until the next call of error. The function may be NULL. */
    const char *(*error)(void *context);
} nt_session;

#endif
