/* Streams that cannot be made: values beyond every limit, and memory that runs out, must give a status. */
#include "fuzz_core.h"

#include "allocation.h"
#include "stream_fixture.h"

static void spoil(fuzz_input *input, nt_stream_config *config)
{
    switch (read_below(input, 16)) {
    case 0:
        config->schedule.host_rate = read_silly(input);
        break;
    case 1:
        config->schedule.host_block = read_silly(input);
        break;
    case 2:
        config->schedule.kind = (nt_resampler_kind)read_silly(input);
        break;
    case 3:
        config->schedule.taps = read_silly(input);
        break;
    case 4:
        config->host_channels = read_silly(input);
        break;
    case 5:
        config->model_delay = read_silly(input);
        break;
    case 6:
        config->delay = read_below(input, 2) ? (int64_t)read_silly(input) : -(int64_t)read_silly(input);
        break;
    case 7:
        config->backlog = read_silly(input);
        break;
    case 8:
        config->late = (nt_late)read_silly(input);
        break;
    case 9:
        config->exchange.in_channels = read_silly(input);
        break;
    case 10:
        config->exchange.out_channels = read_silly(input);
        break;
    case 11:
        config->exchange.parameters = read_silly(input);
        break;
    case 12:
        config->exchange.look_behind = read_silly(input);
        break;
    case 13:
        config->session.run = NULL;
        break;
    case 14:
        config->exchange.audio_in = NULL;
        break;
    default:
        config->exchange.audio_out = NULL;
    }
}

/* One block through a stream that was made, to see that its memory is as large as it should be. Only if what was spoilt
 * leaves the geometry alone: the session's memory is that of the configuration before. */
static void run_block(fixture *f, const nt_stream_config *config)
{
    uint32_t frames = config->schedule.host_block;
    float *audio = new_noise((size_t)config->host_channels * frames);
    CHECK_EQUAL(process_planar(f, audio, (ptrdiff_t)frames, NULL, 0, audio, (ptrdiff_t)frames, frames), NT_OK);
    for (size_t i = 0; i < (size_t)config->host_channels * frames; i++)
        CHECK(isfinite(audio[i]));
    free(audio);
}

static bool has_same_geometry(const nt_stream_config *a, const nt_stream_config *b)
{
    const nt_schedule *of_a = &a->schedule, *of_b = &b->schedule;
    return of_a->host_rate == of_b->host_rate && of_a->host_block == of_b->host_block && of_a->kind == of_b->kind &&
           of_a->taps == of_b->taps && a->host_channels == b->host_channels && a->exchange.in_channels == b->exchange.in_channels &&
           a->exchange.out_channels == b->exchange.out_channels && a->exchange.parameters == b->exchange.parameters &&
           a->exchange.look_behind == b->exchange.look_behind && b->delay >= (int64_t)b->schedule.delay;
}

void fuzz_stream_config(fuzz_input *input)
{
    fixture f = {.made_of = {.host_rate = read_rate(input),
                             .host_block = read_between(input, 1, 256),
                             .model_rate = read_rate(input),
                             .model_block = read_below(input, 2) ? read_between(input, 1, 256) : 0,
                             .kind = (nt_resampler_kind)read_below(input, 3),
                             .taps = 32,
                             .parameters = read_below(input, 3)}};
    f.schedule = schedule_of(&f.made_of);
    case_of("a spoilt configuration", &f.made_of);
    make_session(&f.session, &f.made_of, f.schedule.session_block);
    nt_stream_config config = config_of(&f), spoilt = config;
    for (uint32_t times = read_below(input, 3); times; times--)
        spoil(input, &spoilt);
    allocation_begin(read_below(input, 32));
    nt_status status = nt_stream_create(&f.stream, &spoilt);
    uint32_t failures = allocation_end();
    CHECK(failures == 0 || status == NT_ERROR_MEMORY);
    CHECK((status == NT_OK) == (f.stream != NULL));
    if (status == NT_OK && (spoilt.delay == NT_LEAST_DELAY || has_same_geometry(&config, &spoilt)) &&
        memcmp(&config.session, &spoilt.session, sizeof config.session) == 0 &&
        memcmp(&config.exchange, &spoilt.exchange, sizeof config.exchange) == 0 &&
        spoilt.schedule.host_block == config.schedule.host_block &&
        spoilt.schedule.host_rate == config.schedule.host_rate && spoilt.host_channels == config.host_channels)
        run_block(&f, &spoilt);
    close_fixture(&f);
}
