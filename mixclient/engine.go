package mixclient

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"undertone/codec"
	"undertone/mixclient/call"
	"undertone/mixclient/contact"
	"undertone/mixclient/core"
	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/rtc"
)

// Media is the sound of a call, and of none: the engine calls both methods once
// in every slot, from one goroutine. codec.Voice is one.
type Media interface {
	// Mouth encodes the sound of slot n into f. If live is false there is no
	// call, and f must hold something that costs as much.
	Mouth(n cell.Slot, live bool, f *codec.Frame)
	// Ear plays what all speakers say in slot n; the frame of a speaker of whom
	// nothing came is nil, and may be concealed. Next is what they say in the slot
	// after, of whom it is there already. If live is false there is no call.
	// It is asked to play the slot for so many samples longer, or shorter if more is
	// negative, and returns for how many it did.
	Ear(n cell.Slot, live bool, frames, next []*codec.Frame, more int) int
}

// Config says who the user is and how he reaches his server.
type Config struct {
	// Self is the user's identity, Name what he calls himself.
	Self *key.Identity
	Name string
	// Intro is the user's introduction secret.
	Intro key.Secret
	// Mode and Interval are the set's, and Pin is the hash of its root key, which
	// members of an sMIX sign with what they say of themselves.
	Mode     cell.Mode
	Interval cell.Interval
	Pin      [32]byte
	// TellBusy tells callers why they get no answer.
	TellBusy bool
	// Contacts are the user's contacts.
	Contacts []*contact.Contact
	// Media is the sound.
	Media Media
	// Dialer opens links.
	Dialer Dialer
}

func (c *Config) validate() error {
	switch {
	case c.Self == nil:
		return errors.New("mixclient: no identity")
	case c.Media == nil:
		return errors.New("mixclient: no media")
	case c.Dialer == nil:
		return errors.New("mixclient: no dialer")
	case c.Interval.Samples() == 0:
		return fmt.Errorf("mixclient: interval %v", time.Duration(c.Interval))
	}
	return nil
}

// Times of the engine.
const (
	// schedulerLead and maxLead bound how long before a tick its cell is prepared;
	// see lead.
	schedulerLead = 5 * time.Millisecond
	maxLead       = 8 * time.Millisecond
	// silentFor is how long a line may bring no cell until it counts as lost.
	silentFor = time.Second
	// firstCell is how long a new line may take to bring its first cell.
	firstCell = 5 * time.Second
	// hangUpFor bounds how long a hang-up may take, and leftOutFor how long a server
	// takes to announce an epoch without who asks to be left out.
	hangUpFor  = 3 * time.Second
	leftOutFor = 6 * time.Second
	// inboxDepth is how many messages may wait to be opened: five seconds of 20 ms,
	// as long as the cover lasts, or 20 slots of a set of a hundred.
	inboxDepth = 256
	// aheadSlots is how far apart the slots of a link are that are sealed at
	// the same time: cover for five seconds of 20 ms, with room to spare.
	aheadSlots = 512
)

// An Engine is one client. Run must be called once; all other methods may be
// called from any goroutine.
type Engine struct {
	// Set at creation, read only.
	cfg      Config
	commands chan func()
	arrivals chan arrival
	dialed   chan dialed
	stopped  chan struct{} // closed when Run returns
	queue    *queue

	// Touched by Run's goroutine only.
	core    *core.Core
	jitter  *codec.Jitter
	line    *line // nil when offline
	closing sync.WaitGroup
	dialing bool
	tries   int  // attempts since the last line that lasted
	was     bool // there was a line
	slot    cell.Slot
	seen    time.Time // when the slot was current
	earSlot cell.Slot
	earAt   time.Time
	earLong time.Duration // how long what was played at earAt lasts
	ear     *time.Timer
	retry   *time.Timer
	silence *time.Timer // set to when the line would have been silent for too long
	waiting bool        // nothing was heard yet in the present call
	news    []Event     // what happened in this turn
	fatal   error
	played  Played
	voice   codec.Frame
	frames  []codec.Frame  // what each speaker says in the slot that is played
	heard   []*codec.Frame // points into frames, or nil
	coming  []codec.Frame  // what each says in the slot after, if it is there
	ahead   []*codec.Frame // points into coming, or nil
	in      core.Heard
	batch   []byte

	shared shared
}

// An arrival is a message that came over a line.
type arrival struct {
	line    *line
	at      time.Time
	size    int
	message [rtc.MaxMessage]byte
}

// New returns an engine that is offline.
func New(cfg Config) (*Engine, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c, err := core.New(core.Config{Self: cfg.Self, Name: cfg.Name, Intro: cfg.Intro, Interval: cfg.Interval, Groups: groups(cfg.Mode), TellBusy: cfg.TellBusy})
	if err != nil {
		return nil, err
	}
	for _, x := range cfg.Contacts {
		c.Add(x)
	}
	now := time.Now()
	return &Engine{
		cfg:      cfg,
		commands: make(chan func()),
		arrivals: make(chan arrival, inboxDepth),
		dialed:   make(chan dialed),
		stopped:  make(chan struct{}),
		queue:    newQueue(),
		core:     c,
		jitter:   codec.NewJitter(cfg.Interval, Speakers(cfg.Mode)),
		frames:   make([]codec.Frame, Speakers(cfg.Mode)),
		heard:    make([]*codec.Frame, Speakers(cfg.Mode)),
		coming:   make([]codec.Frame, Speakers(cfg.Mode)),
		ahead:    make([]*codec.Frame, Speakers(cfg.Mode)),
		in:       core.Heard{Voices: make([]core.Voice, 0, half.MaxGroup)},
		slot:     cfg.Interval.At(now),
		seen:     now,
	}, nil
}

// Run goes online and stays online until ctx ends, and then returns nil. It
// returns an error only if the server refuses the user before he ever was
// online, for a reason that only a person can mend.
func (e *Engine) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer close(e.stopped)
	e.ear = time.NewTimer(time.Hour)
	e.retry = time.NewTimer(0)
	e.silence = time.NewTimer(time.Hour)
	defer e.ear.Stop()
	defer e.retry.Stop()
	defer e.silence.Stop()
	defer func() {
		cancel()
		e.hangUpLine(nil)
		e.publish()
		e.closing.Wait()
		if e.dialing {
			if d := <-e.dialed; d.link != nil {
				d.link.Close()
			}
		}
		e.queue.close()
	}()
	for ctx.Err() == nil && e.fatal == nil {
		e.turn(ctx)
	}
	return e.fatal
}

// turn waits for whatever comes next, and does it.
func (e *Engine) turn(ctx context.Context) {
	var wake <-chan cell.Slot
	var ended <-chan struct{}
	if e.line != nil {
		wake, ended = e.line.pacer.Wake(), e.line.link.Done()
	}
	select {
	case n := <-wake:
		e.mouth(n)
	case a := <-e.arrivals:
		e.down(&a)
	case <-e.ear.C:
		e.hear()
	case <-e.silence.C:
		e.listen(time.Now())
	case f := <-e.commands:
		f()
	case d := <-e.dialed:
		e.connected(ctx, d)
	case <-e.retry.C:
		e.dial(ctx)
	case <-ended:
		e.hangUpLine(e.line.link.Err())
	case <-ctx.Done():
	}
	e.publish()
}

// mouth prepares the batch of slot n, and lays in cover.
func (e *Engine) mouth(n cell.Slot) {
	p := e.line.pacer
	e.cfg.Media.Mouth(n, e.core.Live(), &e.voice)
	e.core.Up(e.batch, n, (*[cell.VoiceSize]byte)(&e.voice))
	p.Stage(n, e.batch)
	if stale, ok := e.core.Half().Stale(); ok {
		// From the newest down: package smix says why.
		next, _ := p.Want()
		for m := next - 1; m >= max(stale, n+1); m-- {
			e.cover(m)
		}
	}
	for {
		n, ok := p.Want()
		if !ok {
			return
		}
		e.cover(n)
	}
}

// cover makes the cover of slot n.
func (e *Engine) cover(n cell.Slot) {
	e.core.Cover(e.batch, n)
	e.line.pacer.Cover(n, e.batch)
}

// down reads a message and keeps its voices until they are due.
func (e *Engine) down(a *arrival) {
	if a.line != e.line {
		return // Of a line that is gone.
	}
	h, about := &e.in, e.slotAt(a.at)
	if !e.core.Down(a.message[:a.size], about, h) {
		return
	}
	if far := e.cfg.Interval.Slots(maxJump); h.Slot > about+far || about > h.Slot+far {
		return // No honest server's clock jumps.
	}
	e.line.heard(h, a.at)
	e.slot, e.seen = h.Slot, a.at
	if h.Final {
		e.jitter.Arrived(h.Slot, a.at)
	}
	for i := range h.Voices {
		if v := &h.Voices[i]; v.Speaker < len(e.frames) {
			e.jitter.Put(h.Slot, v.Speaker, (*codec.Frame)(&v.Frame))
		}
	}
	if !e.line.on {
		e.line.on, e.was = true, true
		e.tell(Event{Kind: Online, At: a.at, OverTCP: e.line.tcp})
		e.earSlot = h.Slot
		e.silence.Reset(silentFor)
	}
	e.setEar()
}

// hear plays the slot that is due.
func (e *Engine) hear() {
	now := time.Now()
	more := 0
	if e.line != nil && e.line.on {
		e.catchUp(now)
		e.earSlot = e.jitter.Back(e.earSlot)
		more = e.jitter.Stretch(e.earSlot)
	} else {
		e.core.Offline(e.slotAt(now))
	}
	live := e.core.Live()
	e.count(live, e.take(), now)
	by := e.cfg.Media.Ear(e.earSlot, live, e.heard, e.ahead, more)
	e.jitter.Stretched(by)
	e.earSlot++
	e.earAt, e.earLong = now, e.cfg.Interval.Duration()+codec.Duration(by)
	e.setEar()
}

// take takes what all speakers say in the slot that is due, and reports whether
// there was anything. What they say in the one after is looked at, too.
func (e *Engine) take() (some bool) {
	for k := range e.frames {
		e.heard[k], e.ahead[k] = nil, nil
		if e.jitter.Take(e.earSlot, k, &e.frames[k]) {
			e.heard[k], some = &e.frames[k], true
		}
		if e.jitter.Peek(e.earSlot+1, k, &e.coming[k]) {
			e.ahead[k] = &e.coming[k]
		}
	}
	return some
}

// count keeps the numbers of a call, and tells of its first voice.
func (e *Engine) count(live, heard bool, now time.Time) {
	switch {
	case !live:
	case !heard:
		if !e.waiting {
			e.played.Concealed++
		}
	default:
		e.played.Heard++
		if e.waiting {
			e.waiting = false
			e.tell(Event{Kind: VoiceHeard, At: now})
		}
	}
}

// catchUp skips slots that were due long ago, after a stall: to play them now
// would only make everything after them late.
func (e *Engine) catchUp(now time.Time) {
	due, ok := e.jitter.Due(e.earSlot)
	if !ok {
		return
	}
	if late := now.Sub(due); late > 2*e.cfg.Interval.Duration() {
		e.earSlot += cell.Slot(late / e.cfg.Interval.Duration()) //nolint:gosec // positive
	}
}

// setEar sets the timer to when the next slot is to be heard. Without a line
// the ear goes on at its own pace: a call may survive.
func (e *Engine) setEar() {
	at := e.earAt.Add(e.earLong)
	if e.line != nil && e.line.on {
		if due, ok := e.jitter.Due(e.earSlot); ok {
			at = due
		}
	}
	e.ear.Reset(time.Until(at))
}

// slotAt returns about which slot it is, by the server's clock.
func (e *Engine) slotAt(at time.Time) cell.Slot {
	if at.Before(e.seen) {
		return e.slot
	}
	return e.slot + cell.Slot(at.Sub(e.seen)/e.cfg.Interval.Duration()) //nolint:gosec // positive
}

// tell keeps an event until the state that it has led to can be read.
func (e *Engine) tell(ev Event) { e.news = append(e.news, ev) }

// publish passes on what others may read, and then what happened: whoever hears of an
// event finds what it has led to.
func (e *Engine) publish() {
	for _, ev := range e.core.Events() {
		if ev.Kind == core.Call && ev.Call.Kind == call.Connected {
			e.waiting = true
		}
		e.tell(Event{Kind: FromCore, At: time.Now(), Core: ev})
	}
	if h := e.core.Half(); h != nil {
		for _, a := range h.Alarms() {
			e.tell(Event{Kind: Alarmed, At: time.Now(), Alarm: a})
		}
	}
	e.shared.store(e)
	for _, ev := range e.news {
		e.queue.put(ev)
	}
	clear(e.news)
	e.news = e.news[:0]
}
