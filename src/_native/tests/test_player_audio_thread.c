/* What the audio thread of a player, in the callbacks of JACK and PortAudio too, does not do: allocate, lock, wait, or
 * call the system, but to wake another thread.
 *
 * Twice watched. The linker sends calls of the allocator and of locks through counters (-Wl,--wrap). And the kernel, by a
 * seccomp filter on this one thread, traps every system call but futex(FUTEX_WAKE): seccomp(2). */
#define _GNU_SOURCE

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "callback.h"
#include "stream.h"
#include "player_fixture.h"

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

static _Thread_local volatile bool watched;
static volatile unsigned long calls;       /* of what is wrapped */
static volatile sig_atomic_t system_calls; /* that were trapped */
static volatile sig_atomic_t last_system_call;

#define WRAP(type, name, parameters, arguments) \
    type __real_##name parameters;              \
    type __wrap_##name parameters;              \
    type __wrap_##name parameters               \
    {                                           \
        if (watched)                            \
            calls++;                            \
        return __real_##name arguments;         \
    }

WRAP(void *, malloc, (size_t size), (size))
WRAP(void *, calloc, (size_t count, size_t size), (count, size))
WRAP(void *, realloc, (void *memory, size_t size), (memory, size))
WRAP(int, posix_memalign, (void **memory, size_t alignment, size_t size), (memory, alignment, size))
WRAP(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size))
WRAP(int, pthread_mutex_lock, (pthread_mutex_t *mutex), (mutex))
WRAP(int, pthread_mutex_trylock, (pthread_mutex_t *mutex), (mutex))
WRAP(int, pthread_cond_wait, (pthread_cond_t *condition, pthread_mutex_t *mutex), (condition, mutex))
WRAP(int, pthread_cond_signal, (pthread_cond_t *condition), (condition))
WRAP(int, sem_wait, (sem_t *semaphore), (semaphore))
WRAP(int, nanosleep, (const struct timespec *time, struct timespec *left), (time, left))
WRAP(ssize_t, write, (int file, const void *bytes, size_t count), (file, bytes, count))

void __real_free(void *memory);
void __wrap_free(void *memory);
void __wrap_free(void *memory)
{
    if (watched)
        calls++;
    __real_free(memory);
}

static void on_trap(int signal, siginfo_t *information, void *context)
{
    (void)signal, (void)context;
    if (watched) {
        system_calls++;
        last_system_call = information->si_syscall;
    }
}

/* Returns whether the kernel allows it. Of the calls that pass, exit and rt_sigreturn end the thread and the handler. */
static bool trap_system_calls(void)
{
    static const struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
    struct sock_filter program[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCHITECTURE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_THREAD),
        LOAD(nr),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 6, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 5, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 4),
        LOAD(args[1]),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, FUTEX_CMD_MASK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAKE, 0, 1),
        ALLOW,
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };
    struct sock_fprog filter = {sizeof program / sizeof *program, program};
    CHECK_EQUAL(sigaction(SIGSYS, &action, NULL), 0);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

enum { BLOCK = 64, BLOCKS = 30000, LANES = 4 };

/* The ways into a player. */
typedef enum way { DIRECTLY, THROUGH_JACK, THROUGH_PORTAUDIO } way;

typedef struct playing {
    nt_player *player;
    way way;
    nt_jack *jack;
    nt_portaudio *portaudio;
    bool traps;
    bool clocked; /* one block a millisecond or so: the thread of the pool falls asleep in between, and must be woken */
    _Atomic bool done;
} playing;

static float in[BLOCK], out[BLOCK];

/* What stands in for libjack: a port is its buffer, and controller 7 moves in every block. */
static void *port_buffer(void *port, uint32_t frames)
{
    (void)frames;
    return port;
}

static uint32_t one_event(void *buffer)
{
    (void)buffer;
    return 1;
}

static int controller_event(nt_jack_midi_event *event, void *buffer, uint32_t index)
{
    (void)index;
    *event = (nt_jack_midi_event){0, 3, buffer};
    return 0;
}

static unsigned char controller[3] = {0xb0, 7, 0};

static void open_hosts(playing *p)
{
    static const nt_jack_functions functions = {port_buffer, one_event, controller_event, NULL, NULL};
    void *in_port = in, *out_port = out;
    p->jack = nt_jack_create(nt_player_callback(p->player), 1);
    CHECK(p->jack != NULL);
    nt_jack_attach(p->jack, &functions, &in_port, &out_port, controller);
    nt_jack_set_controller(p->jack, 7, 0);
    nt_jack_open(p->jack);
    p->portaudio = nt_portaudio_create(nt_player_callback(p->player), 1);
    CHECK(p->portaudio != NULL && nt_portaudio_attach(p->portaudio, 1, 1, BLOCK));
    nt_portaudio_open(p->portaudio);
}

static void play_block(playing *p, int k)
{
    const float *ins[] = {in};
    float *outs[] = {out};
    const nt_callback *callback = nt_player_callback(p->player);
    uint32_t frames = k % 1000 == 999 ? BLOCK / 2 : BLOCK; /* sometimes refused */
    switch (p->way) {
    case DIRECTLY:
        callback->set_parameter(callback->context, 0, (float)(k % 5) / 4.0f);
        callback->process(callback->context, ins, outs, 1, frames);
        callback->set_blocking(callback->context, false);
        break;
    case THROUGH_JACK:
        controller[2] = (unsigned char)(k % 128);
        if (k % 100 == 0)
            nt_jack_learn(p->jack, 0);
        CHECK_EQUAL(nt_jack_process(frames, p->jack), 0);
        break;
    case THROUGH_PORTAUDIO:
        CHECK_EQUAL(nt_portaudio_process(in, out, frames, NULL, 0, p->portaudio), 0);
        break;
    }
}

static void *play(void *argument)
{
    playing *p = argument;
    free(malloc(BLOCK)); /* a thread's first allocation makes system calls of its own */
    p->traps = trap_system_calls();
    for (int i = 0; i < BLOCK; i++)
        in[i] = 0.25f;
    for (int k = 0; k < BLOCKS; k++) {
        watched = true;
        play_block(p, k);
        watched = false;
        if (p->clocked)
            for (volatile int wait = 0; wait < 20000; wait++) {
            }
    }
    atomic_store(&p->done, true);
    return NULL;
}

static void slow(test_session *session, uint32_t frames)
{
    if (session->runs % 50 == 0)
        usleep(3000);
    pass_through(session, frames);
}

static lane lanes[LANES];

/* Returns whether the kernel was asked to watch too. */
static bool test_play(setup s, way chosen, bool in_callback, bool clocked)
{
    case_of(in_callback ? "in the callback" : "in the background", &s);
    nt_pool *pool;
    playing p = {.clocked = clocked, .way = chosen};
    pthread_t thread;
    CHECK_EQUAL(nt_pool_create(&pool, 1, 0), NT_OK);
    CHECK_EQUAL(nt_player_create(&p.player, pool), NT_OK);
    s.parameters = 1;
    offer(p.player, &lanes[0], s, in_callback);
    open_hosts(&p);
    calls = 0;
    system_calls = 0;
    CHECK_EQUAL(pthread_create(&thread, NULL, play, &p), 0);
    s.fades_in = true;
    while (!atomic_load(&p.done)) { /* reset and reconfigure meanwhile */
        collect(p.player, lanes, LANES);
        for (int i = 0; i < LANES; i++)
            if (!lanes[i].used) {
                offer(p.player, &lanes[i], s, in_callback);
                break;
            }
        usleep(2000);
    }
    pthread_join(thread, NULL);
    CHECK_EQUAL(player_stats(p.player).blocks, BLOCKS);
    CHECK(player_stats(p.player).takeovers > 3);
    if (s.body == slow && !in_callback)
        CHECK(player_stats(p.player).late_frames > 0);
    nt_player_close(p.player);
    collect(p.player, lanes, LANES);
    nt_jack_destroy(p.jack);
    nt_portaudio_destroy(p.portaudio);
    nt_player_destroy(p.player);
    nt_pool_destroy(pool);
    return p.traps;
}

static void test_nothing_happens(setup s, way chosen, bool in_callback, bool clocked)
{
    test_play(s, chosen, in_callback, clocked);
    CHECK_EQUAL(calls, 0);
    if (system_calls)
        fprintf(stderr, "the last system call was number %d\n", (int)last_system_call);
    CHECK_EQUAL(system_calls, 0);
}

/* Positive control: a session in the callback that does each of these things is seen. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int misdeed;

static void misbehave(test_session *session, uint32_t frames)
{
    static char byte;
    struct timespec no_time = {0, 0};
    switch (misdeed) {
    case 0: free(malloc(frames)); break;
    case 1: pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex); break;
    case 2: (void)!write(STDERR_FILENO, &byte, 0); break;
    case 3: nanosleep(&no_time, NULL); break;
    case 4: syscall(SYS_futex, &byte, FUTEX_WAIT_PRIVATE, 1, &no_time, NULL, 0); break;
    case 5: sched_yield(); break;
    }
    pass_through(session, frames);
}

static void test_controls(void)
{
    static const struct {
        bool wrapped, trapped;
    } expected[] = {{true, false}, {true, false}, {true, true}, {true, true}, {false, true}, {false, true}};
    setup s = background_setup(BLOCK, 0, 0, NT_LATE_SILENCE);
    s.body = misbehave;
    for (misdeed = 0; misdeed < 6; misdeed++) {
        bool traps = test_play(s, (way)(misdeed % 3), true, false);
        check_case("positive control %d", misdeed);
        CHECK_EQUAL(calls > 0, expected[misdeed].wrapped);
        if (traps)
            CHECK_EQUAL(system_calls > 0, expected[misdeed].trapped);
        else
            fprintf(stderr, "seccomp is refused (%s): system calls are not watched\n", strerror(errno));
    }
}

int main(void)
{
    test_controls();
    for (int late = NT_LATE_SILENCE; late <= NT_LATE_REPEAT; late++) {
        setup s = background_setup(BLOCK, 0, 1, (nt_late)late);
        s.body = slow;
        test_nothing_happens(s, (way)late, false, late == NT_LATE_SILENCE);
    }
    setup s = background_setup(BLOCK, 512, 1, NT_LATE_SILENCE);
    s.model_rate = 44100;
    s.kind = NT_SINC;
    s.taps = 32;
    s.delay = 4000;
    s.look_behind = 100;
    s.model_delay = 7;
    for (int chosen = DIRECTLY; chosen <= THROUGH_PORTAUDIO; chosen++) {
        test_nothing_happens(s, (way)chosen, false, false);
        test_nothing_happens(s, (way)chosen, false, true);
        test_nothing_happens(s, (way)chosen, true, false);
    }
    return 0;
}
