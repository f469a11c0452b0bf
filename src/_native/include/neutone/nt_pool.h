/* nt_pool: a few threads that run the models of many engines.
 *
 * Each engine has a slot. Whoever has work for it marks the slot and posts the pool's semaphore; a thread claims a
 * marked slot, does a piece of the work, and puts it back behind the others while more is left. A slot is claimed by one
 * thread at a time, so its pieces stay in order.
 */
#ifndef NEUTONE_NT_POOL_H
#define NEUTONE_NT_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "neutone/nt_status.h"

typedef struct nt_pool nt_pool;
typedef struct nt_slot nt_slot;

enum { NT_POOL_THREADS_MAX = 64, NT_POOL_SLOTS_MAX = 256 };

/* [main-thread] Make a pool and start its threads. `priority` is a SCHED_FIFO priority, or 0 for ordinary scheduling. If
 * the system refuses the priority, the threads are scheduled as ordinary ones, and nt_pool_refusal says so. */
nt_status nt_pool_create(nt_pool **pool, uint32_t threads, int priority);

/* [main-thread] End the pool's threads and free it; all slots must have been removed. NULL is allowed. */
void nt_pool_destroy(nt_pool *pool);

/* [any-thread] */
uint32_t nt_pool_threads(const nt_pool *pool);

/* [main-thread] Change the priority while the threads work. */
void nt_pool_set_priority(nt_pool *pool, int priority);

/* [any-thread] Returns 0 if the threads have the priority that was asked for, otherwise the system's error number. */
int nt_pool_refusal(const nt_pool *pool);

/* [main-thread] Take a slot. `work` does one piece and returns whether more is left. NT_ERROR_FULL: no slot is free. */
nt_status nt_pool_add(nt_pool *pool, nt_slot **slot, bool (*work)(void *context), void *context);

/* [main-thread] Free a slot. Waits for a piece that is being done; afterwards `work` is never called again. */
void nt_pool_remove(nt_pool *pool, nt_slot *slot);

/* [audio-thread] Say that there is work. The only system call is the post, and only if a thread sleeps. */
void nt_pool_notify(nt_pool *pool, nt_slot *slot);

/* [any-thread] Whether the calling thread belongs to a pool. Such a thread must not remove a slot: it would
 * wait for a piece of work that it may be doing itself. */
bool nt_pool_is_this_thread(void);

/* [any-thread] Whether all work that the slot was notified of is done. */
bool nt_pool_is_idle(const nt_slot *slot);

#endif
