/* nt_schedule against its own definition, followed block by block. */
#include "fuzz_core.h"

#include "brute_force.h"
#include "check.h"
#include "neutone/nt_schedule.h"

enum { MOST_BLOCKS = 4, LONGEST_PERIOD = 3000 };

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The delay that nobody would dispute. False if the pattern repeats too late to be followed. */
static bool find_delay(const nt_schedule_request *request, const nt_schedule *made, int64_t *delay)
{
    conversion c = new_conversion(request->kind, request->taps, request->host_rate, made->model_rate, made->model_block);
    int64_t n = request->host_block_varies ? 1 : request->host_block;
    int64_t blocks = start_of(&c, n) + period_of(&c, n) + 1;
    if (blocks > LONGEST_PERIOD)
        return false;
    *delay = 0;
    for (int64_t k = 0; k <= blocks; k++)
        *delay = larger(*delay, k * n - returned_after(&c, k * n));
    return true;
}

static void check_schedule(const nt_schedule_request *request, const nt_schedule *made)
{
    int64_t delay;
    CHECK_EQUAL(made->lookahead_in,
                documented_lookahead(request->kind, request->taps, request->host_rate, made->model_rate));
    CHECK_EQUAL(made->lookahead_out,
                documented_lookahead(request->kind, request->taps, made->model_rate, request->host_rate));
    CHECK_EQUAL(made->delay, (int64_t)made->resampling + made->buffering);
    CHECK(made->session_block > 0);
    if (find_delay(request, made, &delay))
        CHECK_EQUAL(made->delay, delay);
}

/* Whether a rate may be chosen: the host's own, else the nearest above, else the nearest below. */
static void check_rate(const nt_schedule_request *request, uint32_t rate)
{
    bool is_listed = request->model_rate_count == 0 && rate == request->host_rate;
    for (uint32_t i = 0; i < request->model_rate_count; i++) {
        uint32_t other = request->model_rates[i];
        is_listed |= other == rate;
        CHECK(rate == request->host_rate || other != request->host_rate);
        if (rate < request->host_rate)
            CHECK(other <= rate);
        else
            CHECK(other >= rate || other < request->host_rate);
    }
    CHECK(is_listed);
}

static void compute_silly(fuzz_input *input, nt_schedule_request request)
{
    nt_schedule made;
    request.host_rate = read_silly(input);
    request.host_block = read_silly(input);
    request.kind = (nt_resampler_kind)read_below(input, 5);
    request.taps = read_silly(input);
    uint32_t rate = read_silly(input), block = read_silly(input);
    nt_status status = nt_schedule_compute(&made, &request, rate, block);
    bool is_valid = request.host_rate >= NT_RATE_MIN && request.host_rate <= NT_RATE_MAX && rate >= NT_RATE_MIN &&
                    rate <= NT_RATE_MAX && request.host_block > 0 && request.host_block <= NT_BLOCK_MAX &&
                    block <= NT_BLOCK_MAX && request.kind <= NT_SINC &&
                    (request.kind != NT_SINC ||
                     (request.taps >= NT_TAPS_MIN && request.taps <= NT_TAPS_MAX && request.taps % 2 == 0));
    CHECK_EQUAL(status == NT_OK, is_valid);
    if (status == NT_OK)
        check_schedule(&request, &made);
}

void fuzz_schedule(fuzz_input *input)
{
    uint32_t rates[MOST_BLOCKS], blocks[MOST_BLOCKS];
    nt_schedule_request request = {
        .host_rate = read_rate(input),
        .host_block = read_between(input, 1, 2048),
        .host_block_varies = read_below(input, 2),
        .kind = (nt_resampler_kind)read_below(input, 3),
        .taps = 2 * read_between(input, NT_TAPS_MIN / 2, NT_TAPS_MAX / 2),
        .model_rates = rates,
        .model_rate_count = read_below(input, MOST_BLOCKS + 1),
        .model_blocks = blocks,
        .model_block_count = read_below(input, MOST_BLOCKS + 1),
    };
    for (uint32_t i = 0; i < request.model_rate_count; i++)
        rates[i] = read_rate(input);
    for (uint32_t i = 0; i < request.model_block_count; i++)
        blocks[i] = read_between(input, 1, 4096);
    check_case("host %u / %u%s, kind %d, %u taps", request.host_rate, request.host_block,
               request.host_block_varies ? " varying" : "", (int)request.kind, request.taps);

    nt_schedule chosen;
    CHECK_EQUAL(nt_schedule_choose(&chosen, &request), NT_OK);
    check_schedule(&request, &chosen);
    check_rate(&request, chosen.model_rate);
    for (uint32_t i = 0; i < request.model_block_count; i++) {
        nt_schedule other;
        CHECK_EQUAL(nt_schedule_compute(&other, &request, chosen.model_rate, blocks[i]), NT_OK);
        check_schedule(&request, &other);
        CHECK(other.delay > chosen.delay || (other.delay == chosen.delay && blocks[i] <= chosen.model_block));
    }
    compute_silly(input, request);
}
