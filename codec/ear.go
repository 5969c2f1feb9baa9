package codec

import (
	"sync"
	"time"

	"undertone/transport/cell"
)

// quiet is how long a speaker may bring no frame until he counts as gone. A guess
// at what he says is long silence by then, and his decoder is free for the next.
const quiet = time.Second

// ear is what only Ear touches.
type ear struct {
	live     bool
	speakers []speaker
	patience int       // quiet, in slots
	at       int       // the next frame of the echo
	pcm      []float32 // one slot of all
	one      []float32 // one slot of one speaker
	mix      mixer
	stretch  stretcher
	frame    Frame // the frame of the loop to decode
}

// newEar returns an ear that hears up to as many as there are decoders.
func newEar(i cell.Interval, decoders []Decoder) ear {
	n := i.Samples()
	e := ear{
		speakers: make([]speaker, len(decoders)),
		patience: int(i.Slots(quiet)), //nolint:gosec // at most 50
		pcm:      make([]float32, n),
		one:      make([]float32, n),
		mix:      newMixer(n),
		stretch:  newStretcher(n),
	}
	for k, d := range decoders {
		e.speakers[k].dec = d
	}
	return e
}

// hear fills pcm with one slot of all speakers. Each decoder runs once, and its
// sound is mixed in, be it silence: nothing here tells how many speak.
func (e *ear) hear(frames, next []*Frame, loop *echo) {
	e.mix.clear()
	for k := range e.speakers {
		f, after := at(frames, k), at(next, k)
		// Each is somewhere else in the loop, so that their costs do not add up
		// to one sound's.
		loop.get(e.at+k*echoDepth/MaxSpeakers, &e.frame)
		e.speakers[k].play(e.next(k, f), f, after, &e.frame, e.one)
		e.mix.add(e.one)
	}
	e.at = (e.at + 1) % echoDepth
	e.mix.read(e.pcm)
}

// at returns the frame of speaker k, if there is one.
func at(frames []*Frame, k int) *Frame {
	if k < len(frames) {
		return frames[k]
	}
	return nil
}

// next is the only place that decides the state of a speaker.
func (e *ear) next(k int, f *Frame) speakerState {
	s := &e.speakers[k]
	if f != nil {
		s.missed = 0
	} else {
		s.missed = min(s.missed+1, e.patience+1)
	}
	switch was := s.state.heard(); {
	case f != nil && was:
		return speakerHere
	case f != nil && !was:
		return speakerComes
	case was && e.live && s.missed <= e.patience:
		return speakerHere
	case was:
		return speakerGoes
	}
	return speakerAway
}

// A speaker is one of those who can be heard at once.
//
//	       a frame                 the next slot
//	away ----------------> comes ------------------> here
//	  ^                     |  ^                      |
//	  |                     |  | a frame              | quiet for a second,
//	  |   nothing           v  |                      | or the call is over
//	  +-------------------- goes <--------------------+
//
// Comes and goes last one slot each: who comes is preceded by a reset of his
// decoder and fades in, who goes fades out. From comes to goes it is the call
// that is over. A frame that is missing changes nothing: it is
// recovered or concealed.
type speaker struct {
	state  speakerState
	dec    Decoder
	missed int // slots since the last frame
}

type speakerState uint8

const (
	speakerAway speakerState = iota
	speakerComes
	speakerHere
	speakerGoes
)

// heard reports whether there is a voice that goes on.
func (s speakerState) heard() bool { return s == speakerComes || s == speakerHere }

// play fills pcm with one slot of a speaker who is in the given state: the
// sound of f, and silence if he is away. If f is nil it is what the frame after
// it tells of it, or else a guess. Who is away has his decoder given what the
// loop says instead: it runs once, whatever comes.
func (s *speaker) play(state speakerState, f, after, loop *Frame, pcm []float32) {
	s.state = state
	switch {
	case state == speakerComes:
		s.dec.Reset()
		s.dec.Decode(f, pcm)
		fadeIn(pcm)
	case state == speakerGoes:
		// The voice is cut where it stands: let it run on and fade.
		s.dec.Conceal(pcm)
		fadeOut(pcm)
	case state == speakerAway:
		s.dec.Decode(loop, pcm)
		clear(pcm)
	case f == nil && after != nil:
		s.dec.Recover(after, pcm)
	case f == nil:
		s.dec.Conceal(pcm)
	default:
		s.dec.Decode(f, pcm)
	}
}

// echoDepth is how many frames an echo holds: enough that what decodes them
// hears as good as a whole loop of speech, 1.3 seconds at least.
const echoDepth = 64

// An echo holds the newest frames of the recorded loop, for decoders that have
// nobody to hear. The mouth fills it whenever it speaks the loop; in a call it
// stands, and goes round.
type echo struct {
	mu     sync.Mutex
	frames [echoDepth]Frame
	size   int
	next   int
}

// put adds a frame and forgets the oldest.
func (e *echo) put(f *Frame) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.frames[e.next] = *f
	e.next = (e.next + 1) % echoDepth
	e.size = min(e.size+1, echoDepth)
}

// get copies the frame at k, going round, to f; there must have been one.
func (e *echo) get(k int, f *Frame) {
	e.mu.Lock()
	defer e.mu.Unlock()
	*f = e.frames[k%e.size]
}
