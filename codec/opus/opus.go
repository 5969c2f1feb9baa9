// Package opus is the codec.Encoder and codec.Decoder of Undertone: libopus
// through github.com/hraban/opus and, for the decoder, a few lines of C of our
// own, at a hard constant rate of 96 bytes a slot.
//
// Nothing that leaves the encoder may depend on the sound: no variable rate, no
// discontinuous transmission, no packet of another length (invariant 6). So
// every frame has 96 bytes and the rate follows from the interval alone:
//
//	interval  samples  bit rate      bandwidth  packets in the frame
//	20 ms     960      38.4 kbit/s   20 kHz     one hybrid of 20 ms, 96 bytes
//	40 ms     1920     19.2 kbit/s    8 kHz     one SILK of 40 ms, 96 bytes
//	100 ms    4800      7.7 kbit/s    4 kHz     SILK of 60 ms, 57 bytes, then of 40 ms, 39 bytes
//
// A single Opus packet of 100 ms would hold five frames of 20 ms, each with a
// head and a budget of its own. Two packets of the longest frames that SILK has
// say more in the same bytes: ESTOI 0.88 instead of 0.84 on the bundled speech
// at complexity 5, and take a third less time.
//
// # Loss
//
// At 20 ms each frame also holds a coarse copy of the voice in the one before it
// (libopus calls it in-band FEC), from which Decoder.Recover makes a lost frame;
// elsewhere the decoder guesses. Speech has this ESTOI when frames are lost at
// random, with libopus 1.3.1 and what is in use marked:
//
//	                                        0 %    1 %    3 %    5 %    10 %
//	20 ms   copy, recovered from it      *  0.986  0.985  0.980  0.979  0.970
//	        the same, guessed               0.986  0.982  0.963  0.952  0.914
//	        no copy, guessed                0.987  0.984  0.968  0.960  0.930
//	        copy by a second encoder        0.978  0.975  0.962  0.953  0.926
//	40 ms   no copy, guessed             *  0.978  0.970  0.961  0.954  0.914
//	        copy, recovered from it         0.776  0.776  0.775  0.770  0.743
//	        copy by a second encoder        0.955  0.948  0.943  0.937  0.897
//	100 ms  no copy, guessed             *  0.888  0.877  0.866  0.865  0.807
//
// So the copy pays at 20 ms, where there are bits for it: it costs 0.001. To use
// it the ear must wait for the next slot, which it does only when cells are
// being lost (codec.Jitter). The less loss libopus is told to expect, the coarser
// and smaller it makes the copy, and 1 % is best: 10 % costs 0.015 and gives no
// more. At 40 ms it does not pay: told to expect less than 20 %, libopus makes
// none at this rate; told to expect that, it gives up the wide band, and what it
// leaves to the voice itself is too little. A second encoder with a
// quarter of the bytes, whose frame travels one slot later, costs more than it
// gives, at 40 ms and at 20. At 100 ms there are no bits, and waiting would take
// 100 ms. In STOI 40 ms has 0.988, 0.979, 0.975, 0.971 and 0.933, so that 5 % of
// loss take 0.02 of it.
//
// Where packets come again libopus goes on as they say, and the sound jumps: a tone of
// 300 Hz by up to two and a half times what it has from sample to sample. So the guess
// runs on for 5 ms and fades into what was said (seam). After that no step is larger
// than those without loss. It takes 0.001 of the ESTOI at 40 ms and nothing elsewhere.
//
// Recordings of people give the same order. The measurement, also at other rates
// and for packets of 60 ms, is TestLostFrames of app/internal/quality:
//
//	go test ./app/internal/quality -run TestLostFrames -v -args -loss.tried all
//
// # Time
//
// How much libopus thinks before it writes a slot, what that takes of one core, and what comes of it, as
// ESTOI without loss:
//
//	complexity   20 ms              40 ms               100 ms
//	0            0.16 ms  0.970     0.23 ms  0.943      0.26 ms  0.868
//	1            0.14     0.974     0.19     0.955      0.31     0.867
//	2            0.31     0.973     0.42     0.959      0.45     0.877
//	3            0.38     0.979     0.39     0.964      0.53     0.883
//	4, 5         0.43     0.986 *   0.47     0.978 *    0.55     0.883
//	6, 7         0.64     0.987     0.72     0.980      0.90     0.888 *
//	8 to 10      0.80     0.989     1.03     0.982      1.25     0.887
//
// At 20 and 40 ms what 5 takes, 2.1 % and 1.2 % of a core, is well spent and more
// buys little. At 100 ms, where speech is worst and a slot is long, 6 takes 0.9 %
// instead of 0.6 %. Decoding takes 0.03, 0.06 and 0.1 ms, guessing and recovering
// the like. BenchmarkComplexity of app/internal/quality measures it.
//
// Encoder and Decoder are total. What libopus refuses becomes silence on the
// way out and concealment on the way in. Each is used by one goroutine at a
// time and allocates nothing once made.
package opus

import "undertone/codec"

// Delay is the algorithmic delay of encoder and decoder together, in samples:
// sound that goes in at sample n comes out at sample n+Delay, 6.5 ms later.
// libopus looks 2.5 ms ahead for its transform and delays the voice by 4 ms so
// that its two halves agree. Measured on speech it is 310 samples at 20 and
// 40 ms and 315 at 100 ms. So the first word is whole, and the last is whole
// after one more slot.
const Delay = 312

// warmUp is how many slots of silence are encoded before the frame of silence is
// taken, so that it no longer depends on the start.
const warmUp = 8

var (
	_ codec.Encoder = (*Encoder)(nil)
	_ codec.Decoder = (*Decoder)(nil)
)
