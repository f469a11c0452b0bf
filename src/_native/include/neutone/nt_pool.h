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

/* [main-thread] Starts its threads. `priority` is that of SCHED_FIFO, 0 for the normal way of scheduling; where the
 * system refuses it, the threads run the normal way: nt_pool_refusal. */
nt_status nt_pool_create(nt_pool **pool, uint32_t threads, int priority);

/* [main-thread] Ends its threads; all slots must have been taken back. NULL is allowed. */
void nt_pool_destroy(nt_pool *pool);

/* [any-thread] */
uint32_t nt_pool_threads(const nt_pool *pool);

/* [main-thread] Another one, while the threads work. */
void nt_pool_set_priority(nt_pool *pool, int priority);

/* [any-thread] 0: the threads have the priority that was asked for; else the system's error number. */
int nt_pool_refusal(const nt_pool *pool);

/* [main-thread] `work` does one piece and returns whether more is left. NT_ERROR_FULL: all slots are in use. */
nt_status nt_pool_add(nt_pool *pool, nt_slot **slot, bool (*work)(void *context), void *context);

/* [main-thread] Take it back: afterwards `work` does not run, and never will. Waits for a piece that is being done. */
void nt_pool_remove(nt_pool *pool, nt_slot *slot);

/* [audio-thread] There is work. The only system call is the post, and that only if a thread sleeps. */
void nt_pool_notify(nt_pool *pool, nt_slot *slot);

/* [any-thread] Whether the calling thread belongs to a pool. Such a thread must not remove a slot: it could be the one
 * that it would wait for. */
bool nt_pool_is_this_thread(void);

/* [any-thread] Whether all work that it was notified of is done. */
bool nt_pool_is_idle(const nt_slot *slot);

#endif
