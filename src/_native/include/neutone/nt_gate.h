/* nt_gate: lets an audio thread in, until a control thread closes it and then knows when nobody is inside any more.
 *
 * This is Dekker's handshake. The audio thread says that it is inside and then looks whether the gate is open; the control
 * thread says that the gate is closed and then looks whether anybody is inside. At least one of them sees the other's word,
 * and the audio thread never waits. What the control thread takes away must lie behind the gate:
 *
 *   audio thread                                     control thread
 *     if (nt_gate_enter(&gate) == NT_GATE_ENTERED)     nt_gate_close(&gate);
 *         ... use it ...                               while (!nt_gate_is_empty(&gate))
 *         nt_gate_leave(&gate);                            ... sleep a little ...
 *                                                      ... free it ...
 *
 * For hosts in C as well; it needs nothing but C11 (not C++: it uses stdatomic.h).
 */
#ifndef NEUTONE_NT_GATE_H
#define NEUTONE_NT_GATE_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct nt_gate {
    atomic_bool open;
    atomic_bool inside;
} nt_gate;

typedef enum nt_entry {
    NT_GATE_ENTERED = 0, /* call nt_gate_leave afterwards */
    NT_GATE_CLOSED = 1,
    NT_GATE_BUSY = 2 /* another thread is inside */
} nt_entry;

/* [main-thread, no other thread knows the gate] Nobody is inside. */
static inline void nt_gate_init(nt_gate *gate, bool open)
{
    atomic_init(&gate->open, open);
    atomic_init(&gate->inside, false);
}

/* [main-thread] */
static inline void nt_gate_open(nt_gate *gate)
{
    /* release: whoever finds it open sees what was made ready before */
    atomic_store_explicit(&gate->open, true, memory_order_release);
}

/* [main-thread] Nobody comes in from here on. One thread may still be inside: nt_gate_is_empty. */
static inline void nt_gate_close(nt_gate *gate)
{
    /* seq_cst: before the look at `inside`, in the one order that nt_gate_enter belongs to, too. Release and acquire would
     * let both threads read before the other's store has arrived. */
    atomic_store_explicit(&gate->open, false, memory_order_seq_cst);
}

/* [any-thread] For decisions that may be a moment late. */
static inline bool nt_gate_is_open(const nt_gate *gate)
{
    /* acquire: what was made ready before it was opened is seen */
    return atomic_load_explicit(&gate->open, memory_order_acquire);
}

/* [main-thread] Behind a gate that was closed before: whether what it guards is now the caller's alone. */
static inline bool nt_gate_is_empty(const nt_gate *gate)
{
    /* seq_cst: behind the store in nt_gate_close; and it acquires what the thread inside wrote before it left */
    return !atomic_load_explicit(&gate->inside, memory_order_seq_cst);
}

/* [audio-thread] Wait-free. Only NT_GATE_ENTERED is followed by nt_gate_leave. */
static inline nt_entry nt_gate_enter(nt_gate *gate)
{
    /* seq_cst: before the look at `open`, in the one order that nt_gate_close belongs to, too. An exchange, so that one of
     * two threads is told; it acquires what the thread that was inside before wrote. */
    if (atomic_exchange_explicit(&gate->inside, true, memory_order_seq_cst))
        return NT_GATE_BUSY;
    /* seq_cst: behind the exchange; and it acquires what was made ready before the gate was opened */
    if (atomic_load_explicit(&gate->open, memory_order_seq_cst))
        return NT_GATE_ENTERED;
    /* release: as in nt_gate_leave, although nothing was done */
    atomic_store_explicit(&gate->inside, false, memory_order_release);
    return NT_GATE_CLOSED;
}

/* [audio-thread] Wait-free. */
static inline void nt_gate_leave(nt_gate *gate)
{
    /* release: whoever finds nobody inside, or comes in next, sees all that was done. It needs no place in the one order:
     * a thread that reads it late only waits a little longer. */
    atomic_store_explicit(&gate->inside, false, memory_order_release);
}

#endif
