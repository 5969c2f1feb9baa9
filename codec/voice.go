package codec

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"undertone/transport/cell"
)

// A Sound is the microphone and the speaker as Voice sees them. None of its
// methods blocks. Each of Read and Write is called once in every slot, in a
// call or not, so that a call shows in neither.
type Sound interface {
	// Live opens the devices for a call and closes them after it. While they
	// are closed Read gives silence and what is written is dropped.
	Live(on bool)
	// Read fills pcm with the newest slot of sound from the microphone.
	Read(pcm []float32)
	// Write queues one slot of sound for the speaker. In a call it is a little
	// longer or shorter now and then, and the next one comes as much later.
	Write(pcm []float32)
}

// VoiceConfig is what a Voice is made of. All fields are required.
type VoiceConfig struct {
	Interval cell.Interval
	Encoder  Encoder
	// Decoders are one for each that can be heard at once, MaxSpeakers at most.
	// All run in every slot, so their number is fixed by the mode, not by a
	// call.
	Decoders []Decoder
	Sound    Sound
	// Loop is recorded speech at SampleRate, at least one slot long. It feeds
	// the encoder whenever the microphone does not.
	Loop []float32
}

// silenceWarmUp is how many slots of silence are encoded before the frame of
// silence is taken, so that it holds nothing of how an encoder starts.
const silenceWarmUp = 8

// A Voice is the media chain of one client: it takes sound to frames and
// frames to sound, once each in every slot.
//
// Idle does the same work as a call (invariant 3): the cost of Opus depends on
// the sound, so a microphone in an empty room, or no sound at all, would show.
// Each slot is one Read, one run of the encoder, one run of every decoder, one
// search for where the sound could be stretched, one Write:
//
//	            encoder hears   frame given       a decoder hears     speaker gets
//	idle        the loop        the loop's        the loop's frames   silence
//	in a call   the microphone  the microphone's  his frame           all of them, mixed
//	 lost       (the same)      (the same)        nothing: conceals   the guess
//	 came after (the same)      (the same)        the one after it    what that one tells
//	 not there  (the same)      (the same)        the loop's frames   nothing of it
//	 muted      the loop        prepared silence  (the same)          (the same)
//
// Muted, the loop is encoded for its cost only, and the peer is sent a frame of
// silence that was encoded when the Voice was made.
//
// The mouth goes through these states, each speaker in the ear through his own
// (speaker):
//
//	         live                  muted (one slot that fades out)
//	idle ----------> talking -----------------------------------> muted
//	  ^               |  ^ ^--------------------------------------- ^ |
//	  |               |  |       not muted (resets, fades in)      | |
//	  |   silence for |  | sound                                   | |
//	  |   calmTime    v  | (resets, fades in)            muted     | |
//	  |              hushed ---------------------------------------+ |
//	  |   not live    |                                              |
//	  +---------------+----------------------------------------------+
//
// Who is muted and has been silent is hushed when he is muted no more, and who comes
// into a call in silence is hushed from the first slot on.
//
// Whatever starts is preceded by a reset of its codec, so that nothing of the
// loop is heard, and fades in over 5 ms; whatever ends fades out. The fade-in
// of the ear falls into the delay of the codec, so no word loses its start.
//
// Mouth and Ear may run on two goroutines, each on one at a time. SetMuted may
// be called from anywhere. Nothing here allocates, blocks or knows the time.
type Voice struct {
	mouth mouth
	ear   ear
	muted atomic.Bool

	echo  echo
	sound Sound

	// The fields below are guarded by mu.
	mu    sync.Mutex
	users int // how many of mouth and ear are live
}

// mouth is what only Mouth touches.
type mouth struct {
	state   mouthState
	enc     Encoder
	loop    []float32
	at      int       // the next sample of the loop
	mic     []float32 // one slot
	calm    int       // how many samples there was nothing to hear, up to calmTime
	silence Frame
}

const (
	// faintest is the faintest sample that is a sound: 80 dB below full scale, which no
	// room with a microphone in it is.
	faintest = 1e-4
	// calmTime is for how many samples nothing is heard before somebody is hushed: 0.2 s.
	// The last word has left the encoder by then, and no pause between words is as long
	// and as empty.
	calmTime = SampleRate / 5
)

type mouthState uint8

const (
	mouthIdle mouthState = iota
	mouthTalking
	mouthMuted
	mouthHushed
)

// NewVoice checks c and returns a Voice that is idle.
func NewVoice(c VoiceConfig) (*Voice, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	v := &Voice{
		mouth: mouth{enc: c.Encoder, loop: c.Loop, mic: make([]float32, c.Interval.Samples())},
		ear:   newEar(c.Interval, c.Decoders),
		sound: c.Sound,
	}
	for range silenceWarmUp {
		v.mouth.enc.Encode(v.mouth.mic, &v.mouth.silence)
	}
	v.mouth.enc.Reset()
	v.echo.put(&v.mouth.silence)
	return v, nil
}

func (c *VoiceConfig) validate() error {
	if c.Encoder == nil || c.Sound == nil || slices.Contains(c.Decoders, nil) {
		return errors.New("voice: encoder, decoders and sound are all required")
	}
	if n := len(c.Decoders); n < 1 || n > MaxSpeakers {
		return fmt.Errorf("voice: %d decoders instead of one to %d", n, MaxSpeakers)
	}
	if n := c.Interval.Samples(); n <= 0 || len(c.Loop) < n {
		return errors.New("voice: the recorded loop is shorter than a slot")
	}
	return nil
}

// SetMuted stops or lets pass what the microphone hears, from the next slot on.
func (v *Voice) SetMuted(on bool) { v.muted.Store(on) }

// Muted reports whether the microphone is muted.
func (v *Voice) Muted() bool { return v.muted.Load() }

// Mouth writes the frame of slot n to f. Live says that it will be sent to a
// peer; if it is not, f holds a frame of the recorded loop.
func (v *Voice) Mouth(_ cell.Slot, live bool, f *Frame) {
	m := &v.mouth
	was := m.state
	if was == mouthIdle && live {
		v.open()
	}
	v.sound.Read(m.mic)
	m.listen()
	m.state = m.next(live, v.muted.Load())
	switch {
	case m.state == mouthTalking:
		if was != mouthTalking {
			m.enc.Reset()
			fadeIn(m.mic)
		}
		m.enc.Encode(m.mic, f)
	case m.state == mouthMuted && was == mouthTalking:
		fadeOut(m.mic)
		m.enc.Encode(m.mic, f)
	default:
		v.murmur(f)
		if m.state != mouthIdle {
			*f = m.silence
		}
	}
	if was != mouthIdle && m.state == mouthIdle {
		v.close()
	}
}

// next is the only place that decides the state of the mouth.
func (m *mouth) next(live, muted bool) mouthState {
	switch {
	case !live:
		return mouthIdle
	case muted:
		return mouthMuted
	case m.calm >= calmTime:
		return mouthHushed
	}
	return mouthTalking
}

// listen takes in whether there is anything to hear in this slot.
func (m *mouth) listen() {
	for _, x := range m.mic {
		if x > faintest || x < -faintest {
			m.calm = 0
			return
		}
	}
	m.calm = min(m.calm+len(m.mic), calmTime)
}

// murmur encodes the next slot of the recorded loop into f and keeps it for
// the ear.
func (v *Voice) murmur(f *Frame) {
	m := &v.mouth
	for n := 0; n < len(m.mic); {
		k := copy(m.mic[n:], m.loop[m.at:])
		n += k
		m.at = (m.at + k) % len(m.loop)
	}
	m.enc.Encode(m.mic, f)
	v.echo.put(f)
}

// Ear plays slot n: frames[k] is what speaker k says in it, nil if nothing of
// him came in time. Who is beyond the end of frames, or beyond the decoders, is
// not heard. Next is the same for the slot after, as far as that is there already:
// a frame that was lost is recovered from it. If live is not set there is no
// call: frames are ignored and nothing is heard. None of it is kept.
//
// The slot is to be played for more samples longer than it is, or shorter if more
// is negative; Ear returns for how many it was. See stretcher for how near that is.
func (v *Voice) Ear(_ cell.Slot, live bool, frames, next []*Frame, more int) int {
	e := &v.ear
	was := e.live
	e.live = live
	if live && !was {
		v.open()
	}
	if !live {
		frames, next, more = nil, nil, 0
	}
	e.hear(frames, next, &v.echo)
	out := e.stretch.play(e.pcm, more)
	v.sound.Write(out)
	if was && !live {
		v.close()
	}
	return len(out) - len(e.pcm)
}

// open makes the devices live when the first of mouth and ear is.
func (v *Voice) open() { v.use(1) }

// close ends it when the last of them is not.
func (v *Voice) close() { v.use(-1) }

func (v *Voice) use(by int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	was := v.users > 0
	v.users += by
	if now := v.users > 0; now != was {
		v.sound.Live(now)
	}
}
