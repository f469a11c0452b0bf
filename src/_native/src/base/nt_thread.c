#if !defined(_WIN32) && !defined(__APPLE__)
#define _GNU_SOURCE /* SCHED_RESET_ON_FORK */
#endif

#include "base/nt_thread.h"

#include <stdlib.h>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

struct nt_thread {
    HANDLE handle;
    void (*body)(void *context);
    void *context;
};

static DWORD WINAPI enter(LPVOID argument)
{
    nt_thread *thread = argument;
    thread->body(thread->context);
    return 0;
}

nt_thread *nt_thread_start(void (*body)(void *context), void *context)
{
    nt_thread *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    made->body = body;
    made->context = context;
    made->handle = CreateThread(NULL, 0, enter, made, 0, NULL);
    if (!made->handle) {
        free(made);
        return NULL;
    }
    return made;
}

void nt_thread_join(nt_thread *thread)
{
    if (!thread)
        return;
    WaitForSingleObject(thread->handle, INFINITE);
    CloseHandle(thread->handle);
    free(thread);
}

int nt_thread_set_priority(nt_thread *thread, int priority)
{
    int wanted = priority ? THREAD_PRIORITY_TIME_CRITICAL : THREAD_PRIORITY_NORMAL;
    return SetThreadPriority(thread->handle, wanted) ? 0 : (int)GetLastError();
}

void nt_thread_yield(void)
{
    SwitchToThread();
}

void nt_thread_sleep(uint32_t microseconds)
{
    Sleep((microseconds + 999) / 1000);
}

uint64_t nt_clock_now(void)
{
    LARGE_INTEGER count, rate;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&rate);
    uint64_t whole = (uint64_t)(count.QuadPart / rate.QuadPart), rest = (uint64_t)(count.QuadPart % rate.QuadPart);
    return whole * 1000000000u + rest * 1000000000u / (uint64_t)rate.QuadPart;
}

#else
#include <pthread.h>
#include <sched.h>
#include <time.h>

struct nt_thread {
    pthread_t handle;
    void (*body)(void *context);
    void *context;
};

static void *enter(void *argument)
{
    nt_thread *thread = argument;
    thread->body(thread->context);
    return NULL;
}

nt_thread *nt_thread_start(void (*body)(void *context), void *context)
{
    nt_thread *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    made->body = body;
    made->context = context;
    if (pthread_create(&made->handle, NULL, enter, made) != 0) {
        free(made);
        return NULL;
    }
    return made;
}

void nt_thread_join(nt_thread *thread)
{
    if (!thread)
        return;
    pthread_join(thread->handle, NULL);
    free(thread);
}

int nt_thread_set_priority(nt_thread *thread, int priority)
{
    struct sched_param wanted = {.sched_priority = priority};
    int policy = priority ? SCHED_FIFO : SCHED_OTHER;
#ifdef SCHED_RESET_ON_FORK
    policy |= SCHED_RESET_ON_FORK; /* rtkit's and systemd's condition, and nobody's child needs it */
#endif
    return pthread_setschedparam(thread->handle, policy, &wanted);
}

void nt_thread_yield(void)
{
    sched_yield();
}

void nt_thread_sleep(uint32_t microseconds)
{
    struct timespec time = {microseconds / 1000000, (long)(microseconds % 1000000) * 1000};
    nanosleep(&time, NULL);
}

uint64_t nt_clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
#endif
