// The callbacks run on the sound system's own threads, in C, so that neither
// Go's scheduler nor its garbage collector can make them late. They do nothing
// but copy to and from the rings: no lock, no system call (the clock is read in
// user space), no allocation.

#include "stream.h"

#include <portaudio.h>
#ifdef __linux__
#include <pa_linux_alsa.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct ut_stream {
	PaStream *pa;
	struct ut_memory *memory;
	int channels;
	int is_input;
	float last;  // the last sample played
	int running; // samples came from the ring in the last callback
	uint64_t holds; // ns: what the device has to play after a callback
};

// How fast the last sample fades when the ring runs dry, per sample: to a
// thousandth in 5 ms, so that there is no click.
#define UT_FADE 0.9716f

// What nobody hears is nothing: numbers that fade for long become so small that
// processors take far longer for them.
#define UT_NOTHING 1e-9f

static float fade(float v)
{
	v *= UT_FADE;
	return v > UT_NOTHING || v < -UT_NOTHING ? v : 0;
}

static uint64_t load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static void store(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }

static uint64_t now(void)
{
	struct timespec t;
	if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// moved says that a callback for so many frames has moved the count there, now.
static void moved(struct ut_line *line, uint64_t count, unsigned long frames)
{
	store(&line->each, frames);
	store(&line->when, 0);
	store(&line->count, count);
	store(&line->when, now());
}

static void fault(struct ut_line *line) { store(&line->faults, load(&line->faults) + 1); }

// capture appends to the ring. It never waits for the reader: the parent sees
// by the count that it was overtaken, and skips.
static void capture(struct ut_stream *s, const float *in, unsigned long frames)
{
	struct ut_memory *m = s->memory;
	uint64_t at = load(&m->captured.count);
	for (unsigned long i = 0; i < frames; i++) {
		float sum = 0;
		for (int c = 0; in != NULL && c < s->channels; c++)
			sum += in[i * s->channels + c];
		m->capture[(at + i) % UT_RING] = sum / s->channels;
	}
	moved(&m->captured, at + frames, frames);
}

// play takes from the ring what is there and fades into silence after it.
static void play(struct ut_stream *s, float *out, unsigned long frames)
{
	struct ut_memory *m = s->memory;
	uint64_t at = load(&m->played.count);
	uint64_t there = load(&m->queued.count) - at;
	unsigned long n = there < frames ? there : frames;
	for (unsigned long i = 0; i < frames; i++) {
		s->last = i < n ? m->playback[(at + i) % UT_RING] : fade(s->last);
		for (int c = 0; c < s->channels; c++)
			out[i * s->channels + c] = s->last;
	}
	if (n < frames && s->running)
		fault(&m->played);
	s->running = n == frames;
	moved(&m->played, at + n, frames);
}

// late counts a callback before which the device had nothing more to play. A sound
// server does not always say so: ALSA's way to PulseAudio never does.
static int late(struct ut_stream *s)
{
	struct ut_line *line = &s->memory->played;
	if (now() - load(&line->when) <= s->holds)
		return 0;
	store(&line->late, load(&line->late) + 1);
	return 1;
}

static int callback(const void *in, void *out, unsigned long frames, const PaStreamCallbackTimeInfo *time,
                    PaStreamCallbackFlags flags, void *user)
{
	struct ut_stream *s = user;
	(void)time;
	struct ut_memory *m = s->memory;
	if (s->is_input) {
		if (flags & (paInputOverflow | paInputUnderflow))
			fault(&m->captured);
		capture(s, in, frames);
	} else {
		// Before the first sound nobody hears that the device had to wait.
		if (s->running && (late(s) || flags & (paOutputOverflow | paOutputUnderflow)))
			fault(&m->played);
		play(s, out, frames);
	}
	return paContinue;
}

int ut_open(struct ut_stream **result, struct ut_memory *m, int device, int channels,
            int is_input, double rate, double latency, unsigned long frames)
{
	struct ut_stream *s = calloc(1, sizeof *s);
	if (s == NULL)
		return paInsufficientMemory;
	s->memory = m;
	s->channels = channels;
	s->is_input = is_input;

	PaStreamParameters p = {
		.device = device,
		.channelCount = channels,
		.sampleFormat = paFloat32,
		.suggestedLatency = latency,
	};
#ifdef __linux__
	// ALSA's buffer is the latency and a period. Two of these are as good as four,
	// and half the waking up.
	PaAlsa_SetNumPeriods(2);
#endif
	int err = Pa_OpenStream(&s->pa, is_input ? &p : NULL, is_input ? NULL : &p, rate, frames,
	                        paNoFlag, callback, s);
	if (err == paNoError) {
		// Not every system knows what it holds. None holds less than two callbacks.
		double holds = Pa_GetStreamInfo(s->pa)->outputLatency, least = 2 * frames / rate;
		s->holds = (uint64_t)((holds > least ? holds : least) * 1e9);
		err = Pa_StartStream(s->pa);
		if (err != paNoError)
			Pa_CloseStream(s->pa);
	}
	if (err != paNoError) {
		free(s);
		return err;
	}
	*result = s;
	return paNoError;
}

double ut_latency(struct ut_stream *s)
{
	const PaStreamInfo *info = Pa_GetStreamInfo(s->pa);
	if (info == NULL)
		return 0;
	return s->is_input ? info->inputLatency : info->outputLatency;
}

int ut_active(struct ut_stream *s) { return Pa_IsStreamActive(s->pa) == 1; }

void ut_close(struct ut_stream *s)
{
	Pa_AbortStream(s->pa);
	Pa_CloseStream(s->pa);
	free(s);
}
