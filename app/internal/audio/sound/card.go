package sound

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"undertone/codec"
)

// A Config says what a Card is.
type Config struct {
	Choice // the directions that it opens when live

	// Program and its arguments that run Main; this program with Command when
	// it is empty.
	Program []string
	// Env is added to the helper's environment.
	Env []string
	// Silence is for how long a helper may show no sign of life. 0 is 1 s.
	Silence time.Duration
}

// defaultSilence is shorter than what a person takes for the end of a call, and
// longer than a busy machine leaves a process without its turn.
const defaultSilence = time.Second

func (c Config) complete() (Config, error) {
	if c.Silence == 0 {
		c.Silence = defaultSilence
	}
	if len(c.Program) == 0 {
		exe, err := os.Executable()
		if err != nil {
			return c, fmt.Errorf("cannot start the sound helper: %w", err)
		}
		c.Program = []string{exe, Command}
	}
	return c, nil
}

// A Card is the parent's end of a sound helper. It keeps one running from Open
// to Close, and plays and records through it while live.
type Card struct {
	config Config
	memory *Memory
	file   *os.File

	live    atomic.Uint32           // a bit for each half that is live
	session atomic.Pointer[session] // nil while no stream is open
	trouble atomic.Pointer[error]   // what is wrong, or nil
	stats   counters
	// What is known of the devices, from the last look at them; nil before any.
	micCaution, speakerCaution atomic.Pointer[Caution]

	wake  chan struct{} // one deep: live has changed
	lists chan chan<- listed
	quit  chan struct{}
	done  chan struct{} // closed when the supervisor has ended
	once  sync.Once
}

type counters struct {
	helpers atomic.Uint64
	process atomic.Int64
	// The faults of the streams before the present ones.
	captureFaults, playbackFaults atomic.Uint64
}

type listed struct {
	devices []Device
	err     error
}

const (
	micBit = 1 << iota
	speakerBit
)

// Open starts a helper. It does not wait for it: what goes wrong with sound
// shows in Trouble, and mends itself when it can.
func Open(c Config) (*Card, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	m, file, err := newMemory()
	if err != nil {
		return nil, err
	}
	card := &Card{
		config: c, memory: m, file: file,
		wake:  make(chan struct{}, 1),
		lists: make(chan chan<- listed),
		quit:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	go card.supervise()
	return card, nil
}

// Mic returns the half that hears. It is silent when Config.Mic is not set.
func (c *Card) Mic() *Mic { return &Mic{half: half{c, micBit}, idle: newIdler(), also: newIdler()} }

// Speaker returns the half that speaks. Each is asked for once: Read and Write
// belong to one goroutine each.
func (c *Card) Speaker() *Speaker { return &Speaker{half: half{c, speakerBit}, idle: newIdler()} }

// Trouble returns what is wrong with the sound now, for a person, or nil.
func (c *Card) Trouble() error {
	if p := c.trouble.Load(); p != nil {
		return *p
	}
	return nil
}

// Playing tells whether the streams are open and sound goes through.
func (c *Card) Playing() bool { return c.session.Load() != nil }

// Stats says how a Card is doing.
type Stats struct {
	Helpers uint64 // helpers started so far
	Process int    // the process id of the present one, or 0
	// How often, since Open, the sound broke off while live: a ring ran dry or
	// skipped, or the device said that it had to wait.
	CaptureFaults, PlaybackFaults uint64
	// How much faster than 1 the two directions run now, in millionths.
	CapturePPM, PlaybackPPM int
}

// Stats returns how the card is doing.
func (c *Card) Stats() Stats {
	s := Stats{
		Helpers:        c.stats.helpers.Load(),
		Process:        int(c.stats.process.Load()),
		CaptureFaults:  c.stats.captureFaults.Load(),
		PlaybackFaults: c.stats.playbackFaults.Load(),
	}
	if now := c.session.Load(); now != nil {
		in, out := now.faults()
		s.CaptureFaults += in
		s.PlaybackFaults += out
		s.CapturePPM, s.PlaybackPPM = now.in.drift.Stats().PPM, now.out.drift.Stats().PPM
	}
	return s
}

// setSession changes what the slots see, and keeps the faults of what was before.
func (c *Card) setSession(s *session) {
	if old := c.session.Swap(s); old != nil {
		in, out := old.faults()
		c.stats.captureFaults.Add(in)
		c.stats.playbackFaults.Add(out)
	}
}

// Devices asks the helper for the devices there are.
func (c *Card) Devices(ctx context.Context) ([]Device, error) {
	reply := make(chan listed, 1)
	select {
	case c.lists <- reply:
	case <-ctx.Done():
		return nil, c.because(ctx.Err())
	case <-c.done:
		return nil, os.ErrClosed
	}
	select {
	case l := <-reply:
		return l.devices, l.err
	case <-ctx.Done():
		return nil, c.because(ctx.Err())
	case <-c.done:
		return nil, os.ErrClosed
	}
}

func (c *Card) because(err error) error {
	return errors.Join(fmt.Errorf("the sound helper does not answer: %w", err), c.Trouble())
}

// Devices lists the devices there are, with a helper started for it.
func Devices(ctx context.Context, config Config) ([]Device, error) {
	c, err := Open(config)
	if err != nil {
		return nil, err
	}
	defer c.Close() //nolint:errcheck // always nil
	return c.Devices(ctx)
}

// Close ends the helper and returns when it has ended.
func (c *Card) Close() error {
	c.once.Do(func() { close(c.quit) })
	<-c.done
	return nil
}

// half is what Mic and Speaker have in common.
type half struct {
	card *Card
	bit  uint32
}

// Live opens the card's streams, or closes them when neither half is live.
func (h half) Live(on bool) {
	if on {
		h.card.live.Or(h.bit)
	} else {
		h.card.live.And(^h.bit)
	}
	select {
	case h.card.wake <- struct{}{}:
	default:
	}
}

// Trouble returns what is wrong with the card.
func (h half) Trouble() error { return h.card.Trouble() }

// Close closes the card, which both halves share.
func (h half) Close() error { return h.card.Close() }

// now returns the open session, if this half is live.
func (h half) now() *session {
	if h.card.live.Load()&h.bit == 0 {
		return nil
	}
	return h.card.session.Load()
}

// An idler does what a slot of a call does, for nothing: a slot must cost the
// same in a call and out of it.
type idler struct {
	drift *codec.Drift
	buf   [chunk]float32
}

func newIdler() *idler { return &idler{drift: codec.NewDrift(captureCushion, driftRoom)} }

func (i *idler) work(n int) {
	for ; n > 0; n -= chunk {
		k := min(n, chunk)
		i.drift.Write(i.buf[:k])
		i.drift.Read(i.buf[:k])
	}
}

// A Mic is a card's microphone.
type Mic struct {
	half
	idle, also *idler // for what is heard, and what was played then
	meter      meter
	spare      [longest]float32
}

// Faults returns how often what is heard broke off; see Stats.
func (m *Mic) Faults() uint64 { return m.card.Stats().CaptureFaults }

// Read fills pcm, a slot at most, with what was heard, silence when there is
// nothing.
func (m *Mic) Read(pcm []float32) { m.ReadBoth(pcm, m.spare[:len(pcm)]) }

// ReadBoth fills pcm with what was heard, and played, which is as long, with the
// very samples that the card played at that time. Both are resampled alike, so the
// way from the one to the other is always as long as the card makes it.
func (m *Mic) ReadBoth(pcm, played []float32) {
	at := monotonic()
	if s := m.now(); s != nil && s.choice.Mic {
		s.in.read(pcm, played, at)
	} else {
		m.idle.work(len(pcm))
		m.also.work(len(pcm))
		clear(pcm)
		clear(played)
	}
	m.meter.measure(pcm)
}

// A Speaker is a card's loudspeaker.
type Speaker struct {
	half
	idle  *idler
	meter meter
}

// Faults returns how often what is played broke off; see Stats.
func (s *Speaker) Faults() uint64 { return s.card.Stats().PlaybackFaults }

// Write plays pcm, or drops it when nothing is open.
func (s *Speaker) Write(pcm []float32) {
	s.meter.measure(pcm)
	at := monotonic()
	if now := s.now(); now != nil && now.choice.Speaker {
		now.out.write(pcm, at)
		return
	}
	s.idle.work(len(pcm))
}
