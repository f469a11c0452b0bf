/* nt_resampler: how many frames come out, the same bits however the input is cut, and finite ones. */
#include "fuzz_core.h"

#include "allocation.h"
#include "brute_force.h"
#include "check.h"
#include "neutone/nt_resampler.h"

enum { MOST_INPUT = 1200, MOST_OUTPUT = 6000 };

static nt_resampler_config read_config(fuzz_input *input)
{
    return (nt_resampler_config){
        .kind = (nt_resampler_kind)read_below(input, 3),
        .taps = 2 * read_between(input, NT_TAPS_MIN / 2, NT_TAPS_MAX / 2),
        .rate_in = read_rate(input),
        .rate_out = read_rate(input),
        .channels = read_between(input, 1, 5),
        .lookahead = read_below(input, 2) ? read_below(input, 300) : 0,
    };
}

static void create_silly(fuzz_input *input)
{
    nt_resampler_config config = read_config(input);
    switch (read_below(input, 7)) {
    case 0:
        config.kind = (nt_resampler_kind)read_below(input, 8);
        break;
    case 1:
        config.taps = read_silly(input);
        break;
    case 2:
        config.rate_in = read_silly(input);
        break;
    case 3:
        config.rate_out = read_silly(input);
        break;
    case 4:
        config.channels = read_silly(input);
        break;
    default:
        config.lookahead = read_below(input, 2) ? UINT32_MAX - read_below(input, 20) : read_silly(input);
    }
    check_case("%u to %u Hz, kind %u, %u taps, %u channels, look-ahead %u", config.rate_in, config.rate_out,
               (unsigned)config.kind, config.taps, config.channels, config.lookahead);
    nt_resampler *made;
    allocation_begin(read_below(input, 8));
    nt_status status = nt_resampler_create(&made, &config);
    CHECK(allocation_end() == 0 || status != NT_OK);
    CHECK((status == NT_OK) == (made != NULL));
    if (made) { /* one frame, so that memory that is smaller than it should be shows */
        float *in = new_floats(config.channels), *out = new_floats(config.channels);
        uint32_t used, generated;
        nt_resampler_process(made, (nt_span){in, 1, 1}, (nt_span){out, 1, 1}, &used, &generated);
        CHECK_EQUAL(used, 1);
        CHECK_EQUAL(generated, config.lookahead == 0 && config.rate_in == config.rate_out);
        free(in);
        free(out);
    }
    nt_resampler_destroy(made);
}

/* All of `in`, in pieces read from the input, or at once without one. Returns how many frames came out. */
static uint32_t convert(nt_resampler *resampler, const float *in, uint32_t in_frames, float *out, uint32_t out_frames,
                        fuzz_input *input)
{
    uint32_t taken = 0, made = 0;
    for (;;) {
        uint32_t give = in_frames - taken, room = out_frames - made, used, generated;
        if (input && has_more(input)) {
            uint32_t most_in = read_below(input, 400), most_out = read_below(input, 400);
            give = give < most_in ? give : most_in;
            room = room < most_out ? room : most_out;
        } else {
            input = NULL;
        }
        nt_span source = {(float *)in + taken, (ptrdiff_t)in_frames, give}, target = {out + made, (ptrdiff_t)out_frames, room};
        nt_resampler_process(resampler, source, target, &used, &generated);
        CHECK(used <= give && generated <= room);
        taken += used;
        made += generated;
        if (!input && used == 0 && generated == 0)
            break;
    }
    CHECK(taken == in_frames || made == out_frames);
    return made;
}

void fuzz_resampler(fuzz_input *input)
{
    if (read_below(input, 8) == 0) {
        create_silly(input);
        return;
    }
    nt_resampler_config config = read_config(input);
    uint32_t frames = read_between(input, 1, MOST_INPUT), documented;
    check_case("%u to %u Hz, kind %d, %u taps, %u channels, look-ahead %u", config.rate_in, config.rate_out,
               (int)config.kind, config.taps, config.channels, config.lookahead);
    CHECK_EQUAL(nt_resampler_lookahead(config.kind, config.taps, config.rate_in, config.rate_out, &documented), NT_OK);
    CHECK_EQUAL(documented, documented_lookahead(config.kind, config.taps, config.rate_in, config.rate_out));

    uint64_t g = common_divisor(config.rate_in, config.rate_out);
    int64_t L = (int64_t)(config.rate_out / g), M = (int64_t)(config.rate_in / g);
    int64_t lookahead = config.lookahead > documented ? config.lookahead : documented;
    while (frames > 1 && ceiling_or_zero((int64_t)frames * L, M) > MOST_OUTPUT)
        frames /= 2;
    uint32_t expected = (uint32_t)ceiling_or_zero(((int64_t)frames - lookahead) * L, M);
    uint32_t room = expected + 7;

    float *in = new_floats((size_t)config.channels * frames);
    float *whole = new_floats((size_t)config.channels * room), *pieces = new_floats((size_t)config.channels * room);
    bool is_moderate = true;
    random_state = 1 + read_byte(input);
    for (size_t i = 0; i < (size_t)config.channels * frames; i++) {
        in[i] = i < 16 ? read_sample(input) : random_sample();
        is_moderate &= fabsf(in[i]) <= 1.0f;
    }
    nt_resampler *resampler;
    CHECK_EQUAL(nt_resampler_create(&resampler, &config), NT_OK);
    CHECK_EQUAL(convert(resampler, in, frames, whole, room, NULL), expected);
    nt_resampler_reset(resampler);
    CHECK_EQUAL(convert(resampler, in, frames, pieces, room, input), expected);
    CHECK_SAME_FLOATS(pieces, whole, (size_t)config.channels * room);
    for (size_t i = 0; is_moderate && i < (size_t)config.channels * room; i++)
        CHECK(fabsf(whole[i]) <= 8.0f);
    nt_resampler_destroy(resampler);
    free(in);
    free(whole);
    free(pieces);
}
