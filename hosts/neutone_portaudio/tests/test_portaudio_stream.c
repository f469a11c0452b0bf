/* The PortAudio host's callback: channels mapped both ways, what counts as lost, and silence behind a closed gate. */
#include "stream.h"

#include "check.h"

enum { FRAMES = 8 };

/* Adds 1 to the first channel, 2 to the second, ..., so that the output shows which channel it went through. */
static void process(void *context, const float *const *in, float *const *out, uint32_t channels, uint32_t frames)
{
    ++*(int *)context;
    for (uint32_t c = 0; c < channels; c++)
        for (uint32_t i = 0; i < frames; i++)
            out[c][i] = in[c][i] + (float)(c + 1);
}

static int calls;

static nt_portaudio *make(uint32_t channels, uint32_t in_channels, uint32_t out_channels)
{
    calls = 0;
    nt_callback callback = {&calls, process, NULL, NULL};
    nt_portaudio *host = nt_portaudio_create(&callback, channels);
    CHECK(host != NULL);
    CHECK(nt_portaudio_attach(host, in_channels, out_channels, FRAMES));
    nt_portaudio_open(host);
    return host;
}

static nt_portaudio_notes notes_of(const nt_portaudio *host)
{
    nt_portaudio_notes notes;
    nt_portaudio_read_notes(host, &notes);
    return notes;
}

static void test_channels(void)
{
    const uint32_t widths[] = {1, 2, 3};
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++)
            for (int c = 0; c < 3; c++) {
                uint32_t engine = widths[a], in_channels = widths[b], out_channels = widths[c];
                check_case("engine %u, in %u, out %u", engine, in_channels, out_channels);
                nt_portaudio *host = make(engine, in_channels, out_channels);
                float in[FRAMES * 3], out[FRAMES * 3];
                for (uint32_t i = 0; i < FRAMES * in_channels; i++)
                    in[i] = 100.0f * (float)i;
                CHECK_EQUAL(nt_portaudio_process(in, out, FRAMES, NULL, 0, host), 0);
                for (uint32_t i = 0; i < FRAMES; i++)
                    for (uint32_t o = 0; o < out_channels; o++) {
                        uint32_t through = o % engine;
                        float expected = in[i * in_channels + through % in_channels] + (float)(through + 1);
                        CHECK_NEAR(out[i * out_channels + o], expected, 0);
                    }
                nt_portaudio_destroy(host);
            }
}

static void test_what_is_not_there_is_silence(void)
{
    nt_portaudio *host = make(1, 2, 2);
    float in[4 * FRAMES], out[4 * FRAMES];
    for (int i = 0; i < 4 * FRAMES; i++)
        in[i] = out[i] = 9.0f;
    CHECK_EQUAL(nt_portaudio_process(NULL, out, FRAMES, NULL, 0, host), 0);
    CHECK_NEAR(out[0], 1.0, 0);
    CHECK_EQUAL(nt_portaudio_process(in, out, FRAMES + 1, NULL, 0, host), 0); /* longer than the largest block */
    CHECK_NEAR(out[2 * FRAMES + 1], 0.0, 0);
    CHECK_NEAR(out[2 * FRAMES + 2], 9.0, 0);
    nt_portaudio_close(host);
    CHECK(nt_portaudio_idle(host));
    CHECK_EQUAL(nt_portaudio_process(in, out, FRAMES, NULL, 0, host), 0);
    CHECK_NEAR(out[0], 0.0, 0);
    CHECK_EQUAL(calls, 1);
    nt_portaudio_destroy(host);
}

static void test_notes(void)
{
    nt_portaudio *host = make(1, 1, 1);
    float in[FRAMES] = {0}, out[FRAMES];
    const unsigned long flags[] = {0, 1, 2, 4, 8, 16 /* priming: nothing is lost */};
    for (int i = 0; i < 6; i++)
        nt_portaudio_process(in, out, FRAMES, NULL, flags[i], host);
    CHECK_EQUAL(notes_of(host).blocks, 6);
    CHECK_EQUAL(notes_of(host).xruns, 4);
    CHECK(!notes_of(host).finished);
    nt_portaudio_on_finished(host);
    CHECK(notes_of(host).finished);
    CHECK(nt_portaudio_attach(host, 2, 1, 2 * FRAMES));
    CHECK_EQUAL(notes_of(host).blocks + notes_of(host).xruns, 0);
    CHECK(!notes_of(host).finished);
    nt_portaudio_destroy(host);
}

int main(void)
{
    test_channels();
    test_what_is_not_there_is_silence();
    test_notes();
    return 0;
}
