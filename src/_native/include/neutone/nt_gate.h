/* nt_gate: keeps an audio thread out of something that a control thread wants to free.
 *
 * An audio thread may enter while the gate is open. The control thread closes the gate, waits until nobody is inside,
 * and then frees what only threads inside use:
 *
 *   audio thread                                     control thread
 *     if (nt_gate_enter(&gate) == NT_GATE_ENTERED)     nt_gate_close(&gate);
 *         ... use it ...                               while (!nt_gate_is_empty(&gate))
 *         nt_gate_leave(&gate);                            ... sleep a little ...
 *                                                      ... free it ...
 *
 * The audio thread never waits. This works by Dekker's handshake: the audio thread first marks that it is inside, and
 * then checks that the gate is open. The control thread first closes the gate, and then checks whether anybody is
 * inside. So at least one of them sees what the other has written.
 *
 * Hosts in C may use this header, too. It needs nothing but C11 (C++ does not work, because it uses stdatomic.h).
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

/* [main-thread, before any other thread uses the gate] Initialise the gate, with nobody inside. */
static inline void nt_gate_init(nt_gate *gate, bool open)
{
    atomic_init(&gate->open, open);
    atomic_init(&gate->inside, false);
}

/* [main-thread] Let the audio thread enter from now on. */
static inline void nt_gate_open(nt_gate *gate)
{
    /* release: a thread that finds the gate open sees what was prepared before */
    atomic_store_explicit(&gate->open, true, memory_order_release);
}

/* [main-thread] Let nobody enter from now on. A thread may still be inside; nt_gate_is_empty tells. */
static inline void nt_gate_close(nt_gate *gate)
{
    /* seq_cst: this store comes before the load of `inside`, in the single order that also holds for nt_gate_enter.
     * With release and acquire, each thread could read before the other's store has arrived. */
    atomic_store_explicit(&gate->open, false, memory_order_seq_cst);
}

/* [any-thread] Whether the gate is open. This may change before the caller can act on it. */
static inline bool nt_gate_is_open(const nt_gate *gate)
{
    /* acquire: sees what was prepared before the gate was opened */
    return atomic_load_explicit(&gate->open, memory_order_acquire);
}

/* [main-thread, after nt_gate_close] Whether nobody is inside. Then only the caller can use what the gate guards. */
static inline bool nt_gate_is_empty(const nt_gate *gate)
{
    /* seq_cst: this load comes after the store in nt_gate_close. It also acquires what a thread inside wrote. */
    return !atomic_load_explicit(&gate->inside, memory_order_seq_cst);
}

/* [audio-thread] Try to enter. Wait-free. Call nt_gate_leave only if this returns NT_GATE_ENTERED. */
static inline nt_entry nt_gate_enter(nt_gate *gate)
{
    /* seq_cst: this store comes before the load of `open`, in the single order that also holds for nt_gate_close. It is
     * an exchange, so that only one of two threads enters. It acquires what the thread that was inside before wrote. */
    if (atomic_exchange_explicit(&gate->inside, true, memory_order_seq_cst))
        return NT_GATE_BUSY;
    /* seq_cst: this load comes after the exchange. It also acquires what was prepared before the gate was opened. */
    if (atomic_load_explicit(&gate->open, memory_order_seq_cst))
        return NT_GATE_ENTERED;
    /* release: as in nt_gate_leave, although nothing was done inside */
    atomic_store_explicit(&gate->inside, false, memory_order_release);
    return NT_GATE_CLOSED;
}

/* [audio-thread] Leave after NT_GATE_ENTERED. Wait-free. */
static inline void nt_gate_leave(nt_gate *gate)
{
    /* release: a thread that finds nobody inside, or that enters next, sees all that was done. The store needs no place
     * in the single order: a thread that sees it late only waits a little longer. */
    atomic_store_explicit(&gate->inside, false, memory_order_release);
}

#endif
