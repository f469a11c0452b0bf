#include "neutone/nt_pool.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/nt_semaphore.h"
#include "base/nt_thread.h"

/* What a slot's state is made of. */
enum {
    IN_USE = 1,
    WORK = 2,   /* somebody has notified */
    CLAIMED = 4, /* a thread of the pool, or the one that adds it, has it for itself */
    LEAVING = 8  /* it is being removed: nobody claims it any more, however much work is left */
};

enum { REMOVAL_POLL = 50 /* microseconds */ };

struct nt_slot {
    _Atomic unsigned state;
    bool (*work)(void *context);
    void *context;
    char apart[64]; /* two engines do not steal each other's cache line */
};

struct nt_pool {
    nt_semaphore semaphore;
    _Atomic bool stopping;
    _Atomic uint32_t used; /* slots beyond it were never in use */
    uint32_t threads;
    _Atomic int refusal;
    nt_thread *thread[NT_POOL_THREADS_MAX];
    nt_slot slots[NT_POOL_SLOTS_MAX];
};

/* Claim the slot and take its mark away. Returns whether it worked. */
static bool claim(nt_slot *slot)
{
    unsigned state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    if (state != (IN_USE | WORK))
        return false;
    /* acquire: what was written before the notification, or by the thread that had the slot before, is seen */
    return atomic_compare_exchange_strong_explicit(&slot->state, &state, IN_USE | CLAIMED, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

/* Go over all slots once, and do one piece of each. Returns whether there was any. */
static bool work_a_round(nt_pool *pool)
{
    bool any = false;
    uint32_t used = atomic_load_explicit(&pool->used, memory_order_acquire);
    for (uint32_t i = 0; i < used; i++) {
        nt_slot *slot = &pool->slots[i];
        if (!claim(slot))
            continue;
        any = true;
        if (slot->work(slot->context))
            atomic_fetch_or_explicit(&slot->state, WORK, memory_order_relaxed);
        /* Whoever has marked it meanwhile has woken a thread, but that one found it claimed and may sleep again. And this
         * one goes on to other slots first, perhaps for long. */
        if (atomic_fetch_and_explicit(&slot->state, ~(unsigned)CLAIMED, memory_order_release) & WORK)
            nt_semaphore_post(&pool->semaphore);
    }
    return any;
}

static _Thread_local bool is_pool_thread;

static void body(void *context)
{
    nt_pool *pool = context;
    is_pool_thread = true;
    for (;;) {
        nt_semaphore_wait(&pool->semaphore);
        if (atomic_load_explicit(&pool->stopping, memory_order_acquire))
            return;
        while (work_a_round(pool)) {
        }
    }
}

nt_status nt_pool_create(nt_pool **pool, uint32_t threads, int priority)
{
    if (!pool)
        return NT_ERROR_ARGUMENT;
    *pool = NULL;
    if (threads == 0 || threads > NT_POOL_THREADS_MAX || priority < 0)
        return NT_ERROR_ARGUMENT;
    nt_pool *made = calloc(1, sizeof *made);
    if (!made)
        return NT_ERROR_MEMORY;
    if (!nt_semaphore_create(&made->semaphore)) {
        free(made);
        return NT_ERROR_MEMORY;
    }
    for (; made->threads < threads; made->threads++) {
        nt_thread *started = nt_thread_start(body, made);
        if (!started) {
            nt_pool_destroy(made);
            return NT_ERROR_MEMORY;
        }
        made->thread[made->threads] = started;
    }
    if (priority)
        nt_pool_set_priority(made, priority);
    *pool = made;
    return NT_OK;
}

void nt_pool_destroy(nt_pool *pool)
{
    if (!pool)
        return;
    atomic_store_explicit(&pool->stopping, true, memory_order_release);
    for (uint32_t i = 0; i < pool->threads; i++)
        nt_semaphore_post(&pool->semaphore);
    for (uint32_t i = 0; i < pool->threads; i++)
        nt_thread_join(pool->thread[i]);
    nt_semaphore_destroy(&pool->semaphore);
    free(pool);
}

void nt_pool_set_priority(nt_pool *pool, int priority)
{
    int refusal = 0;
    for (uint32_t i = 0; i < pool->threads; i++) {
        int error = nt_thread_set_priority(pool->thread[i], priority);
        refusal = error ? error : refusal;
    }
    atomic_store_explicit(&pool->refusal, refusal, memory_order_relaxed);
}

uint32_t nt_pool_threads(const nt_pool *pool)
{
    return pool->threads;
}

int nt_pool_refusal(const nt_pool *pool)
{
    return atomic_load_explicit(&pool->refusal, memory_order_relaxed);
}

nt_status nt_pool_add(nt_pool *pool, nt_slot **slot, bool (*work)(void *context), void *context)
{
    for (uint32_t i = 0; i < NT_POOL_SLOTS_MAX; i++) {
        nt_slot *candidate = &pool->slots[i];
        unsigned expected = 0;
        /* Taken for ourselves first: no thread may claim it before its work is known. */
        if (!atomic_compare_exchange_strong_explicit(&candidate->state, &expected, IN_USE | CLAIMED,
                                                     memory_order_acquire, memory_order_relaxed))
            continue;
        candidate->work = work;
        candidate->context = context;
        uint32_t used = atomic_load_explicit(&pool->used, memory_order_relaxed);
        while (used < i + 1 && !atomic_compare_exchange_weak_explicit(&pool->used, &used, i + 1, memory_order_release,
                                                                      memory_order_relaxed)) {
        }
        atomic_store_explicit(&candidate->state, IN_USE, memory_order_release);
        *slot = candidate;
        return NT_OK;
    }
    return NT_ERROR_FULL;
}

void nt_pool_remove(nt_pool *pool, nt_slot *slot)
{
    (void)pool;
    atomic_fetch_or_explicit(&slot->state, LEAVING, memory_order_relaxed);
    /* acquire: what the last piece of work wrote is seen by whoever frees it */
    while (atomic_load_explicit(&slot->state, memory_order_acquire) & CLAIMED)
        nt_thread_sleep(REMOVAL_POLL);
    atomic_store_explicit(&slot->state, 0, memory_order_release);
}

void nt_pool_notify(nt_pool *pool, nt_slot *slot)
{
    /* release: the audio in the rings is there before the mark */
    unsigned before = atomic_fetch_or_explicit(&slot->state, WORK, memory_order_release);
    /* Marked already: whoever posted for that mark has woken a thread, or the thread that has the slot will see it. */
    if (!(before & WORK))
        nt_semaphore_post(&pool->semaphore);
}

bool nt_pool_is_this_thread(void)
{
    return is_pool_thread;
}

bool nt_pool_is_idle(const nt_slot *slot)
{
    return (atomic_load_explicit(&slot->state, memory_order_acquire) & (WORK | CLAIMED)) == 0;
}
