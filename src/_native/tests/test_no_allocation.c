/* The audio thread's calls allocate nothing: the linker sends every call of the allocator, from the core and
 * from here, through counters (-Wl,--wrap). What they count is proven first. */
#define _POSIX_C_SOURCE 200809L

#include "stream_fixture.h"

#include "neutone/nt_ring.h"

/* volatile: the C library promises the compiler that its functions change no variable of this file. */
static volatile unsigned long calls;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
int __real_posix_memalign(void **memory, size_t alignment, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    calls++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    calls++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    calls++;
    return __real_realloc(memory, size);
}

void __wrap_free(void *memory)
{
    calls++;
    __real_free(memory);
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size)
{
    calls++;
    return __real_posix_memalign(memory, alignment, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    calls++;
    return __real_aligned_alloc(alignment, size);
}

/* Positive control: a call of each kind counts, from this file and from within the core. */
static void test_counter(void)
{
    check_case("positive control");
    calls = 0;
    void *memory = malloc(10);
    CHECK_EQUAL(calls, 1);
    memory = realloc(memory, 100);
    CHECK_EQUAL(calls, 2);
    free(memory);
    CHECK_EQUAL(calls, 3);
    memory = calloc(2, 10);
    free(memory);
    CHECK_EQUAL(calls, 5);
    CHECK_EQUAL(posix_memalign(&memory, 64, 128), 0);
    free(memory);
    CHECK_EQUAL(calls, 7);
    free(aligned_alloc(64, 128));
    CHECK_EQUAL(calls, 9);

    nt_ring *ring = NULL;
    calls = 0;
    CHECK_EQUAL(nt_ring_create(&ring, 1, 1), NT_OK);
    CHECK(calls > 0);
    unsigned long created = calls;
    nt_ring_destroy(ring);
    CHECK(calls > created);
}

/* A session that does allocate is seen through the whole stream. */
static void allocate(test_session *session, uint32_t frames)
{
    free(malloc(frames));
    pass_through(session, frames);
}

enum {
    BLOCK = 32,
    CHANNELS = 2,
    PARAMETERS = 3,
    TOTAL = 100000
};

static float in[CHANNELS * BLOCK], out[CHANNELS * BLOCK], curves[PARAMETERS * BLOCK];

static void process(fixture *f, uint32_t blocks)
{
    nt_stream_stats stats;
    for (uint32_t i = 0; i < blocks; i++) {
        uint32_t size = f->made_of.varies ? random_below(BLOCK + 1) : BLOCK;
        bool curved = i % 3 == 0;
        nt_stream_set_parameter(f->stream, i % PARAMETERS, (float)(i % 7) / 7.0f);
        nt_stream_set_level(f->stream, (nt_level)(i % NT_LEVELS), (float)(i % 5) / 4.0f);
        curves[0] = i % 30 == 0 ? NAN : 0.5f; /* sometimes refused */
        in[3] = i % 17 == 0 ? NAN : 0.5f;
        (void)process_planar(f, in, BLOCK, curved ? curves : NULL, BLOCK, out, BLOCK, size);
        (void)process_planar(f, in, BLOCK, NULL, 0, out, BLOCK, BLOCK + 1);
        if (i % 1000 == 999)
            nt_stream_reset(f->stream);
        nt_stream_get_stats(f->stream, &stats);
    }
}

static setup setup_of(int number)
{
    static const uint32_t rates[] = {48000, 44100, 96000, 16000}, blocks[] = {0, 64, 100};
    return (setup){.host_rate = 48000,
                   .host_block = BLOCK,
                   .model_rate = rates[number % 4],
                   .model_block = blocks[number % 3],
                   .kind = (nt_resampler_kind)(number / 2 % 3),
                   .taps = 32,
                   .varies = number % 5 < 2,
                   .host_channels = CHANNELS,
                   .in_channels = 1 + (uint32_t)number % 2,
                   .out_channels = 1 + (uint32_t)number / 4 % 3,
                   .parameters = number % 7 == 0 ? 0 : PARAMETERS,
                   .look_behind = number % 4 == 3 ? 50 : 0,
                   .has_delay = number % 8 == 5,
                   .delay = 3};
}

static void test_stream(int number, uint32_t blocks)
{
    setup s = setup_of(number);
    fixture f;
    open_fixture(&f, s);
    case_of("no allocation", &s);
    f.session.fails_at = 40;
    f.session.breaks_at = 50;
    calls = 0;
    process(&f, blocks);
    CHECK_EQUAL(calls, 0);
    CHECK(f.session.runs > 50);
    close_fixture(&f);
}

static void test_stream_with_allocating_session(void)
{
    setup s = setup_of(1);
    s.body = allocate;
    fixture f;
    open_fixture(&f, s);
    case_of("positive control in a session", &s);
    calls = 0;
    process(&f, 500);
    CHECK_EQUAL(calls, 2 * f.session.runs);
    close_fixture(&f);
}

static void test_ring(void)
{
    check_case("no allocation in a ring");
    nt_ring *ring = NULL;
    CHECK_EQUAL(nt_ring_create(&ring, CHANNELS, 50), NT_OK);
    calls = 0;
    for (int i = 0; i < 10000; i++) {
        nt_ring_push(ring, (nt_span){in, BLOCK, random_below(BLOCK)});
        nt_ring_push_silence(ring, random_below(5));
        nt_span span = nt_ring_write_span(ring, 3);
        nt_ring_commit(ring, span.frames);
        nt_ring_peek(ring, 2, (nt_span){out, BLOCK, 10});
        nt_ring_discard(ring, nt_ring_read_span(ring, 7).frames);
        nt_ring_pop(ring, (nt_span){out, BLOCK, random_below(BLOCK)});
        if (i % 100 == 99)
            nt_ring_reset(ring);
    }
    CHECK_EQUAL(calls, 0);
    nt_ring_destroy(ring);
}

int main(void)
{
    enum {
        SETUPS = 40
    };
    test_counter();
    test_stream_with_allocating_session();
    for (int number = 0; number < SETUPS; number++)
        test_stream(number, TOTAL / SETUPS);
    test_ring();
    return 0;
}
