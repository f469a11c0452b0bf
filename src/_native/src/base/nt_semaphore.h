/* A counting semaphore, with which an audio thread may wake another thread. Posting never blocks, and makes a system
 * call only if somebody waits. */
#ifndef NT_SEMAPHORE_H
#define NT_SEMAPHORE_H

#include <stdbool.h>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <limits.h>
#include <windows.h>

typedef HANDLE nt_semaphore;

/* [main-thread] */
static inline bool nt_semaphore_create(nt_semaphore *semaphore)
{
    *semaphore = CreateSemaphoreW(NULL, 0, LONG_MAX, NULL);
    return *semaphore != NULL;
}

/* [main-thread] */
static inline void nt_semaphore_destroy(nt_semaphore *semaphore)
{
    CloseHandle(*semaphore);
}

/* [audio-thread] */
static inline void nt_semaphore_post(nt_semaphore *semaphore)
{
    ReleaseSemaphore(*semaphore, 1, NULL);
}

/* [pool-thread] Blocks. */
static inline void nt_semaphore_wait(nt_semaphore *semaphore)
{
    WaitForSingleObject(*semaphore, INFINITE);
}

#elif defined(__APPLE__)
#include <dispatch/dispatch.h>

typedef dispatch_semaphore_t nt_semaphore; /* unnamed POSIX semaphores are missing there */

static inline bool nt_semaphore_create(nt_semaphore *semaphore)
{
    *semaphore = dispatch_semaphore_create(0);
    return *semaphore != NULL;
}

static inline void nt_semaphore_destroy(nt_semaphore *semaphore)
{
    dispatch_release(*semaphore);
}

static inline void nt_semaphore_post(nt_semaphore *semaphore)
{
    dispatch_semaphore_signal(*semaphore);
}

static inline void nt_semaphore_wait(nt_semaphore *semaphore)
{
    dispatch_semaphore_wait(*semaphore, DISPATCH_TIME_FOREVER);
}

#else
#include <errno.h>
#include <semaphore.h>

typedef sem_t nt_semaphore;

static inline bool nt_semaphore_create(nt_semaphore *semaphore)
{
    return sem_init(semaphore, 0, 0) == 0;
}

static inline void nt_semaphore_destroy(nt_semaphore *semaphore)
{
    sem_destroy(semaphore);
}

static inline void nt_semaphore_post(nt_semaphore *semaphore)
{
    sem_post(semaphore);
}

static inline void nt_semaphore_wait(nt_semaphore *semaphore)
{
    while (sem_wait(semaphore) != 0 && errno == EINTR) {
    }
}
#endif

#endif
