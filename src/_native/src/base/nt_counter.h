/* Counters that any thread reads. Nothing else hangs on their value, so every access is relaxed. */
#ifndef NT_COUNTER_H
#define NT_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t nt_counter;

/* [the one thread that writes it] A load and a store: no other thread can come between them. */
static inline void nt_count(nt_counter *counter, uint64_t number)
{
    if (number)
        atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + number,
                              memory_order_relaxed);
}

/* [any-thread] For a counter that more than one thread writes. */
static inline void nt_count_shared(nt_counter *counter, uint64_t number)
{
    atomic_fetch_add_explicit(counter, number, memory_order_relaxed);
}

/* [any-thread] */
static inline uint64_t nt_counted(const nt_counter *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* [no thread writes it] */
static inline void nt_count_from_zero(nt_counter *counter)
{
    atomic_store_explicit(counter, 0, memory_order_relaxed);
}

#endif
