/* nt_schedule's closed form against its own definition, block by block, and against known values. */
#include "brute_force.h"

#include <stdbool.h>

static const uint32_t RATES[] = {8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000};
static const uint32_t BLOCKS[] = {1, 16, 32, 64, 100, 128, 441, 480, 512, 1000, 1024, 2048, 4096};
enum {
    RATE_COUNT = sizeof RATES / sizeof RATES[0],
    BLOCK_COUNT = sizeof BLOCKS / sizeof BLOCKS[0],
    PERIOD_MAX = 200000, /* host blocks */
    BUDGET = 100000000   /* host blocks of the whole program */
};

static int64_t blocks_tried;

static nt_schedule_request request_of(uint32_t host_rate, uint32_t host_block, nt_resampler_kind kind,
                                      uint32_t taps)
{
    return (nt_schedule_request){
        .host_rate = host_rate, .host_block = host_block, .kind = kind, .taps = taps};
}

static nt_schedule compute(const nt_schedule_request *request, uint32_t model_rate, uint32_t model_block)
{
    nt_schedule made;
    memset(&made, 0xa5, sizeof made);
    CHECK_EQUAL(nt_schedule_compute(&made, request, model_rate, model_block), NT_OK);
    return made;
}

typedef struct extremes {
    int64_t delay, arrivals;
} extremes;

/* The most over one period and what comes before it. */
static extremes follow(const conversion *c, int64_t n)
{
    extremes most = {0, 0};
    int64_t before = 0, blocks = period_of(c, n) + start_of(c, n);
    for (int64_t k = 1; k <= blocks; k++) {
        int64_t arrived = arrived_after(c, k * n), missing = k * n - returned_after(c, k * n);
        most.delay = missing > most.delay ? missing : most.delay;
        most.arrivals = arrived - before > most.arrivals ? arrived - before : most.arrivals;
        before = arrived;
    }
    blocks_tried += blocks;
    return most;
}

static void check_fields(const nt_schedule *made, const conversion *c, uint32_t model_rate,
                         uint32_t model_block)
{
    CHECK_EQUAL(nt_schedule_check(made), NT_OK);
    CHECK_EQUAL(made->model_rate, model_rate);
    CHECK_EQUAL(made->model_block, model_block);
    CHECK_EQUAL(made->session_block, model_block ? model_block : made->arrivals);
    CHECK_EQUAL(made->lookahead_in, c->a);
    CHECK_EQUAL(made->lookahead_out, c->b);
    CHECK_EQUAL((uint64_t)made->resampling + made->buffering, made->delay);
}

static void test_fixed_block(nt_resampler_kind kind, uint32_t taps, uint32_t host_rate, uint32_t n,
                             uint32_t model_rate, uint32_t m)
{
    check_case("host %u / %u, model %u / %u, kind %d, %u taps", host_rate, n, model_rate, m, (int)kind, taps);
    nt_schedule_request request = request_of(host_rate, n, kind, taps);
    nt_schedule made = compute(&request, model_rate, m);
    conversion c = new_conversion(kind, taps, host_rate, model_rate, m), any = c;
    any.m = 1;
    check_fields(&made, &c, model_rate, m);
    extremes most = follow(&c, n);
    CHECK_EQUAL(made.delay, most.delay);
    CHECK_EQUAL(made.arrivals, most.arrivals);
    if (period_of(&any, n) < PERIOD_MAX)
        CHECK_EQUAL(made.resampling, follow(&any, n).delay);
}

/* The whole grid is too large to follow; a few blocks of every pair of rates and every kind, drawn the same
 * way in every run, are not. */
static void test_grid(void)
{
    for (int h = 0; h < RATE_COUNT; h++) {
        for (int r = 0; r < RATE_COUNT; r++) {
            for (int draw = 0; draw < 90 && blocks_tried < BUDGET; draw++) {
                nt_resampler_kind kind = (nt_resampler_kind)(draw % 3);
                uint32_t taps = draw % 2 ? 32 : 8 + 2 * random_below(61);
                uint32_t n = BLOCKS[random_below(BLOCK_COUNT)],
                         m = draw % 10 == 3 ? 0 : BLOCKS[random_below(BLOCK_COUNT)];
                conversion c = new_conversion(kind, taps, RATES[h], RATES[r], m);
                if (period_of(&c, n) <= PERIOD_MAX)
                    test_fixed_block(kind, taps, RATES[h], n, RATES[r], m);
            }
        }
    }
    check_case("budget");
    CHECK(blocks_tried < BUDGET); /* else some rates were left out */
}

/* `test_schedule full` follows all of it, for a full period each: some seconds. */
static void test_whole_grid(void)
{
    static const nt_resampler_kind kinds[] = {NT_LINEAR, NT_HERMITE, NT_SINC};
    uint32_t combinations = 0;
    for (int h = 0; h < RATE_COUNT; h++)
        for (int r = 0; r < RATE_COUNT; r++)
            for (int n = 0; n < BLOCK_COUNT; n++)
                for (int m = 0; m < BLOCK_COUNT; m++)
                    for (int kind = 0; kind < 3; kind++, combinations++)
                        test_fixed_block(kinds[kind], 32, RATES[h], BLOCKS[n], RATES[r], BLOCKS[m]);
    printf("%u combinations, each followed for its whole period: the delay is D\n", combinations);
}

static void test_varying_block(nt_resampler_kind kind, uint32_t host_rate, uint32_t n, uint32_t model_rate,
                               uint32_t m)
{
    check_case("host %u / up to %u, model %u / %u, kind %d", host_rate, n, model_rate, m, (int)kind);
    nt_schedule_request request = request_of(host_rate, n, kind, 32);
    request.host_block_varies = true;
    nt_schedule made = compute(&request, model_rate, m);
    conversion c = new_conversion(kind, 32, host_rate, model_rate, m);
    check_fields(&made, &c, model_rate, m);
    CHECK_EQUAL(follow(&c, 1).delay, made.delay);
    int64_t frames = 0;
    for (int i = 0; i < 20000; i++) {
        int64_t before = arrived_after(&c, frames);
        frames += random_below(8) == 0 ? n : 1 + random_below(n);
        CHECK(frames - returned_after(&c, frames) <= made.delay);
        CHECK(arrived_after(&c, frames) - before <= made.arrivals);
    }
}

static void test_varying_blocks(void)
{
    static const uint32_t cases[][4] = {
        {48000, 512, 44100, 100}, {44100, 2048, 48000, 64}, {96000, 100, 44100, 32},
        {48000, 441, 48000, 512}, {44100, 128, 96000, 480}, {48000, 64, 16000, 1024},
        {192000, 1024, 11025, 1}, {44100, 480, 44100, 0},   {48000, 1000, 44100, 0},
        {8000, 16, 192000, 1000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int kind = NT_LINEAR; kind <= NT_SINC; kind++)
            test_varying_block((nt_resampler_kind)kind, cases[i][0], cases[i][1], cases[i][2], cases[i][3]);
}

/* From the table of the design, which a program of a few lines in another language confirms. */
static void test_known_values(void)
{
    static const struct {
        uint32_t host_rate, host_block, model_rate, model_block, delay[3];
    } known[] = {
        {48000, 2048, 44100, 2048, {2216, 2231, 2260}},   {48000, 512, 44100, 2048, {2226, 2231, 2260}},
        {96000, 512, 44100, 2048, {4456, 4459, 4524}},    {44100, 441, 44100, 512, {511, 511, 511}},
        {48000, 2048, 44100, 512, {544, 559, 588}},       {48000, 1024, 44100, 512, {551, 559, 588}},
        {768000, 4096, 767999, 4096, {4097, 4099, 4128}}, {767999, 4096, 768000, 4096, {4096, 4098, 4127}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        for (int kind = NT_LINEAR; kind <= NT_SINC; kind++) {
            check_case("known %zu, kind %d", i, kind);
            nt_schedule_request request =
                request_of(known[i].host_rate, known[i].host_block, (nt_resampler_kind)kind, 32);
            CHECK_EQUAL(compute(&request, known[i].model_rate, known[i].model_block).delay,
                        known[i].delay[kind]);
        }
    }
}

static nt_schedule choose(nt_schedule_request request, const uint32_t *rates, uint32_t rate_count,
                          const uint32_t *blocks, uint32_t block_count)
{
    request.model_rates = rates;
    request.model_rate_count = rate_count;
    request.model_blocks = blocks;
    request.model_block_count = block_count;
    nt_schedule made;
    memset(&made, 0xa5, sizeof made);
    CHECK_EQUAL(nt_schedule_choose(&made, &request), NT_OK);
    return made;
}

static void test_choice_of_rate(void)
{
    static const uint32_t all[] = {22050, 96000, 48000, 44100, 88200},
                          above[] = {192000, 88200, 32000, 96000}, below[] = {16000, 44100, 22050};
    check_case("choice of a rate");
    nt_schedule_request request = request_of(48000, 512, NT_SINC, 32);
    CHECK_EQUAL(choose(request, all, 5, NULL, 0).model_rate, 48000);
    CHECK_EQUAL(choose(request, above, 4, NULL, 0).model_rate, 88200);
    CHECK_EQUAL(choose(request, below, 3, NULL, 0).model_rate, 44100);
    CHECK_EQUAL(choose(request, NULL, 0, NULL, 0).model_rate, 48000);
    CHECK_EQUAL(choose(request, below, 0, NULL, 0).model_rate, 48000);
    CHECK_EQUAL(choose(request, NULL, 0, NULL, 0).model_block, 0);
    CHECK_EQUAL(choose(request, NULL, 0, NULL, 0).delay, 0);
}

/* Without resampling the delay is m - gcd(m, n). */
static void test_choice_of_block(void)
{
    static const uint32_t divisors[] = {64, 256, 512, 128}, odd[] = {2048, 1000, 300, 4096},
                          zero[] = {512, 0};
    static const uint32_t rates[] = {44100};
    check_case("choice of a block");
    nt_schedule_request request = request_of(48000, 512, NT_LINEAR, 0);
    CHECK_EQUAL(choose(request, NULL, 0, divisors, 4).model_block, 512); /* all delay 0: the largest */
    CHECK_EQUAL(choose(request, NULL, 0, divisors, 2).model_block, 256);
    CHECK_EQUAL(choose(request, NULL, 0, odd, 4).model_block, 300); /* 1536, 992, 296, 3584 */
    CHECK_EQUAL(choose(request, NULL, 0, odd, 2).model_block, 1000);
    nt_schedule made = choose(request, rates, 1, odd, 4);
    CHECK_EQUAL(made.model_rate, 44100);
    CHECK_EQUAL(made.model_block, 300);
    request.model_blocks = zero;
    request.model_block_count = 2;
    CHECK_EQUAL(nt_schedule_choose(&made, &request), NT_ERROR_BLOCK);
}

static nt_status try_to_compute(uint32_t host_rate, uint32_t host_block, nt_resampler_kind kind,
                                uint32_t taps, uint32_t model_rate, uint32_t model_block)
{
    nt_schedule_request request = request_of(host_rate, host_block, kind, taps);
    nt_schedule made;
    return nt_schedule_compute(&made, &request, model_rate, model_block);
}

static void test_errors(void)
{
    check_case("errors");
    static const uint32_t bad_rates[] = {0, NT_RATE_MIN - 1, NT_RATE_MAX + 1}, no_rates[] = {0};
    for (int i = 0; i < 3; i++) {
        CHECK_EQUAL(try_to_compute(bad_rates[i], 512, NT_SINC, 32, 44100, 512), NT_ERROR_RATE);
        CHECK_EQUAL(try_to_compute(48000, 512, NT_SINC, 32, bad_rates[i], 512), NT_ERROR_RATE);
    }
    CHECK_EQUAL(try_to_compute(48000, 0, NT_SINC, 32, 44100, 512), NT_ERROR_BLOCK);
    CHECK_EQUAL(try_to_compute(48000, NT_BLOCK_MAX + 1, NT_SINC, 32, 44100, 512), NT_ERROR_BLOCK);
    CHECK_EQUAL(try_to_compute(48000, 512, NT_SINC, 32, 44100, NT_BLOCK_MAX + 1), NT_ERROR_BLOCK);
    CHECK_EQUAL(try_to_compute(48000, 512, NT_SINC, 33, 44100, 512), NT_ERROR_TAPS);
    CHECK_EQUAL(try_to_compute(48000, 512, (nt_resampler_kind)9, 32, 44100, 512), NT_ERROR_KIND);
    CHECK_EQUAL(try_to_compute(NT_RATE_MAX, NT_BLOCK_MAX, NT_SINC, 128, NT_RATE_MIN, NT_BLOCK_MAX), NT_OK);
    CHECK_EQUAL(try_to_compute(NT_RATE_MIN, NT_BLOCK_MAX, NT_SINC, 128, NT_RATE_MAX, NT_BLOCK_MAX), NT_OK);
    nt_schedule_request request = request_of(48000, 512, NT_SINC, 32);
    nt_schedule made;
    CHECK_EQUAL(nt_schedule_compute(NULL, &request, 48000, 0), NT_ERROR_ARGUMENT);
    CHECK_EQUAL(nt_schedule_compute(&made, NULL, 48000, 0), NT_ERROR_ARGUMENT);
    CHECK_EQUAL(nt_schedule_choose(NULL, &request), NT_ERROR_ARGUMENT);
    CHECK_EQUAL(nt_schedule_choose(&made, NULL), NT_ERROR_ARGUMENT);
    request.model_rates = no_rates;
    request.model_rate_count = 1;
    CHECK_EQUAL(nt_schedule_choose(&made, &request), NT_ERROR_RATE);
}

static void test_status_words(void)
{
    check_case("nt_strerror");
    for (int status = NT_ERROR_SESSION; status <= NT_OK; status++) {
        const char *words = nt_strerror((nt_status)status);
        CHECK(words != NULL && strlen(words) > 5);
        CHECK(strcmp(words, nt_strerror((nt_status)-1000)) != 0);
    }
}

int main(int argument_count, char **arguments)
{
    if (argument_count > 1 && strcmp(arguments[1], "full") == 0) {
        test_whole_grid();
        return 0;
    }
    test_known_values();
    test_grid();
    test_varying_blocks();
    test_choice_of_rate();
    test_choice_of_block();
    test_errors();
    test_status_words();
    return 0;
}
