/* The gate: who gets in, and that what lies behind it belongs to one thread at a time. ThreadSanitizer watches the plain
 * memory behind it. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>

#include "check.h"
#include "neutone/nt_gate.h"

enum { ROUNDS = 2000, AUDIO_THREADS = 2 };

typedef struct guarded {
    nt_gate gate;
    atomic_bool finished;
    _Atomic uint64_t entered;
    uint64_t words[2]; /* equal, except while the one thread that may changes them */
} guarded;

static void test_one_thread(void)
{
    check_case("one thread");
    nt_gate gate;
    nt_gate_init(&gate, false);
    CHECK(nt_gate_is_empty(&gate) && !nt_gate_is_open(&gate));
    CHECK_EQUAL(nt_gate_enter(&gate), NT_GATE_CLOSED);
    CHECK(nt_gate_is_empty(&gate)); /* who was not let in is not inside */
    nt_gate_open(&gate);
    CHECK(nt_gate_is_open(&gate));
    CHECK_EQUAL(nt_gate_enter(&gate), NT_GATE_ENTERED);
    CHECK(!nt_gate_is_empty(&gate));
    CHECK_EQUAL(nt_gate_enter(&gate), NT_GATE_BUSY);
    CHECK(!nt_gate_is_empty(&gate)); /* who was refused has not let the other one out */
    nt_gate_close(&gate);
    CHECK(!nt_gate_is_empty(&gate));
    nt_gate_leave(&gate);
    CHECK(nt_gate_is_empty(&gate));
    CHECK_EQUAL(nt_gate_enter(&gate), NT_GATE_CLOSED);
    nt_gate_init(&gate, true);
    CHECK_EQUAL(nt_gate_enter(&gate), NT_GATE_ENTERED);
}

static void change(guarded *g)
{
    CHECK_EQUAL(g->words[0], g->words[1]);
    g->words[0]++;
    g->words[1]++;
}

static void *audio_thread(void *argument)
{
    guarded *g = argument;
    while (!atomic_load_explicit(&g->finished, memory_order_relaxed)) {
        if (nt_gate_enter(&g->gate) != NT_GATE_ENTERED)
            continue;
        change(g);
        atomic_fetch_add_explicit(&g->entered, 1, memory_order_relaxed);
        nt_gate_leave(&g->gate);
    }
    return NULL;
}

/* Two audio threads, of which one at a time is let in, and a control thread that shuts both out again and again. */
static void test_threads(void)
{
    check_case("threads");
    static guarded g;
    pthread_t threads[AUDIO_THREADS];
    nt_gate_init(&g.gate, false);
    for (int i = 0; i < AUDIO_THREADS; i++)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, audio_thread, &g), 0);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t before = atomic_load_explicit(&g.entered, memory_order_relaxed);
        nt_gate_open(&g.gate);
        while (atomic_load_explicit(&g.entered, memory_order_relaxed) == before) {
        }
        nt_gate_close(&g.gate);
        while (!nt_gate_is_empty(&g.gate)) {
        }
        change(&g);
    }
    atomic_store_explicit(&g.finished, true, memory_order_relaxed);
    for (int i = 0; i < AUDIO_THREADS; i++)
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
    CHECK_EQUAL(g.words[0], atomic_load(&g.entered) + ROUNDS);
}

int main(void)
{
    test_one_thread();
    test_threads();
    return 0;
}
