#include "neutone/nt_schedule.h"

#include <stddef.h>

#include "resample/nt_ratio.h"

static uint64_t modulo(int64_t value, uint64_t modulus)
{
    int64_t rest = value % (int64_t)modulus;
    return (uint64_t)(rest < 0 ? rest + (int64_t)modulus : rest);
}

/* D of the header, for a host block that counts as n in the gcd. */
static uint64_t least_delay(nt_ratio ratio, uint64_t n, uint64_t m, uint64_t a, uint64_t b)
{
    uint64_t period = (uint64_t)ratio.M * m;
    uint64_t g = nt_gcd(n * ratio.L, period);
    uint64_t largest_rest = period - g + modulo((int64_t)ratio.M - 1 - (int64_t)(a * ratio.L), g);
    /* b is 0 only if nothing is resampled; then M = 1 and the numerator is largest_rest. */
    return a + (largest_rest + b * ratio.M + 1 - ratio.M) / ratio.L;
}

nt_status nt_schedule_compute(nt_schedule *schedule, const nt_schedule_request *request, uint32_t model_rate,
                              uint32_t model_block)
{
    if (!schedule || !request)
        return NT_ERROR_ARGUMENT;
    if (request->host_block == 0 || request->host_block > NT_BLOCK_MAX || model_block > NT_BLOCK_MAX)
        return NT_ERROR_BLOCK;
    nt_schedule made = {.host_rate = request->host_rate,
                        .host_block = request->host_block,
                        .host_block_varies = request->host_block_varies,
                        .kind = request->kind,
                        .taps = request->taps,
                        .model_rate = model_rate,
                        .model_block = model_block};
    nt_status status =
        nt_resampler_lookahead(request->kind, request->taps, request->host_rate, model_rate, &made.lookahead_in);
    if (status == NT_OK)
        status =
            nt_resampler_lookahead(request->kind, request->taps, model_rate, request->host_rate, &made.lookahead_out);
    if (status != NT_OK)
        return status;

    nt_ratio ratio = nt_ratio_of(request->host_rate, model_rate);
    uint64_t n = request->host_block_varies ? 1 : request->host_block;
    made.arrivals = (uint32_t)(((uint64_t)request->host_block * ratio.L + ratio.M - 1) / ratio.M);
    made.session_block = model_block ? model_block : made.arrivals;
    made.resampling = (uint32_t)least_delay(ratio, n, 1, made.lookahead_in, made.lookahead_out);
    made.delay = model_block
                     ? (uint32_t)least_delay(ratio, n, model_block, made.lookahead_in, made.lookahead_out)
                     : made.resampling;
    made.buffering = made.delay - made.resampling;
    *schedule = made;
    return NT_OK;
}

static uint32_t best_rate(const nt_schedule_request *request)
{
    uint32_t host = request->host_rate, above = 0, below = 0;
    if (!request->model_rates || request->model_rate_count == 0)
        return host;
    for (uint32_t i = 0; i < request->model_rate_count; i++) {
        uint32_t rate = request->model_rates[i];
        if (rate >= host && (above == 0 || rate < above))
            above = rate;
        if (rate < host && rate > below)
            below = rate;
    }
    return above ? above : below;
}

nt_status nt_schedule_choose(nt_schedule *schedule, const nt_schedule_request *request)
{
    if (!schedule || !request)
        return NT_ERROR_ARGUMENT;
    uint32_t rate = best_rate(request);
    if (!request->model_blocks || request->model_block_count == 0)
        return nt_schedule_compute(schedule, request, rate, 0);
    nt_schedule best = {0};
    for (uint32_t i = 0; i < request->model_block_count; i++) {
        if (request->model_blocks[i] == 0)
            return NT_ERROR_BLOCK;
        nt_schedule candidate;
        nt_status status = nt_schedule_compute(&candidate, request, rate, request->model_blocks[i]);
        if (status != NT_OK)
            return status;
        if (best.model_block == 0 || candidate.delay < best.delay ||
            (candidate.delay == best.delay && candidate.model_block > best.model_block))
            best = candidate;
    }
    *schedule = best;
    return NT_OK;
}

nt_status nt_schedule_check(const nt_schedule *schedule)
{
    if (!schedule)
        return NT_ERROR_ARGUMENT;
    nt_schedule_request request = {.host_rate = schedule->host_rate,
                                   .host_block = schedule->host_block,
                                   .host_block_varies = schedule->host_block_varies,
                                   .kind = schedule->kind,
                                   .taps = schedule->taps};
    nt_schedule again;
    nt_status status = nt_schedule_compute(&again, &request, schedule->model_rate, schedule->model_block);
    if (status != NT_OK)
        return status;
    bool agrees = schedule->session_block == again.session_block && schedule->lookahead_in == again.lookahead_in &&
                  schedule->lookahead_out == again.lookahead_out && schedule->arrivals == again.arrivals &&
                  schedule->resampling == again.resampling && schedule->buffering == again.buffering &&
                  schedule->delay == again.delay;
    return agrees ? NT_OK : NT_ERROR_ARGUMENT;
}
