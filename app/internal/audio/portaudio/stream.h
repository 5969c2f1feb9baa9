// The memory that the sound helper shares with its parent, and the streams
// that fill and drain it. The layout is the one of Go's sound.Memory; a
// constant expression in stream.go checks that the two agree.

#ifndef UNDERTONE_STREAM_H
#define UNDERTONE_STREAM_H

#include <stdint.h>

#define UT_RING 32768 // samples in each ring, a power of two: 683 ms

// One cache line per writer, so that the two sides never share one.
struct ut_line {
	_Alignas(64) uint64_t count; // samples since the memory was made
	uint64_t faults;             // overflows or underflows
	uint64_t when;               // the time of the newest callback, in ns of CLOCK_MONOTONIC
	uint64_t each;               // samples that it was for
	uint64_t late;               // callbacks that came when the device had run dry
};

struct ut_memory {
	struct ut_line captured; // written by the capture callback
	struct ut_line played;   // written by the playback callback
	struct ut_line queued;   // written by the parent
	float capture[UT_RING];
	float playback[UT_RING];
};

struct ut_stream;

// ut_open opens one direction of a device, mono or with every channel alike,
// and starts it. Latency is a wish, in seconds. It returns a PaError.
int ut_open(struct ut_stream **s, struct ut_memory *m, int device, int channels,
            int is_input, double rate, double latency, unsigned long frames);

// ut_latency is what the device says of its latency, in seconds.
double ut_latency(struct ut_stream *s);

// ut_active tells whether the stream's callbacks still come: they end for good
// when the device or the sound server goes.
int ut_active(struct ut_stream *s);

// ut_close stops at once, without playing what is queued.
void ut_close(struct ut_stream *s);

#endif
