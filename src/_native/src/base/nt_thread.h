/* Threads, their priority, and time. */
#ifndef NT_THREAD_H
#define NT_THREAD_H

#include <stdbool.h>
#include <stdint.h>

typedef struct nt_thread nt_thread;

/* [main-thread] Allocates. NULL: the system refused. */
nt_thread *nt_thread_start(void (*body)(void *context), void *context);

/* [main-thread] Wait for its body to return. NULL is allowed. */
void nt_thread_join(nt_thread *thread);

/* [main-thread] Real-time scheduling: SCHED_FIFO at this priority, on Linux; 0: the ordinary way. Returns 0, or the
 * system's reason against it (an errno). */
int nt_thread_set_priority(nt_thread *thread, int priority);

/* [pool-thread] Let others run, if any wait for this processor; or for about as long. */
void nt_thread_yield(void);
void nt_thread_sleep(uint32_t microseconds);

/* [any-thread] A clock that never goes back, ns. No system call on common systems (vDSO and its like). */
uint64_t nt_clock_now(void);

#endif
