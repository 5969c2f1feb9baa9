package e2e

import (
	"bytes"
	"container/heap"
	"crypto/sha256"
	"math/rand/v2"
	"slices"
	"testing"

	mouth "undertone/mixclient/half"
	client "undertone/mixclient/smix"
	"undertone/server/internal/mix/half"
	"undertone/server/internal/mix/smix"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/superpose"
)

// An orchestra is the server's half of the sMIX and some clients', as plain
// functions, over a network that delays and loses. Time is a number of
// milliseconds that an event queue counts up; everything is in one goroutine.
//
// The times are those of the real thing: the last part of the uploads comes a
// margin before the cut-off, the downloads leave a window after it, and both have
// a second part half an interval after the first.
type orchestra struct {
	t        *testing.T
	set      *smix.Set
	interval cell.Interval
	channels int
	delay    int // milliseconds, one way
	loss     float64
	rng      *rand.Rand
	now      int
	events   events
	order    int
	players  []*player
	batch    map[cell.Slot][]upload // by seat, what came for a slot
	in       []half.In
	slot     cell.Slot
	hold     cell.Slot // how many slots of batches are kept
	complete map[cell.Slot]bool
	sums     map[cell.Slot][]byte // the first body of a slot, without a feedback

	tap     func(p *player, n cell.Slot, parts [][]byte) // sees what is sent, and may change it
	rewrite func(p *player, m []byte)                    // changes what is received
	both    bool                                         // rewrite changes both copies, not only the first
}

const (
	orchestraWindow = 12 // from the cut-off to the downloads
	orchestraMargin = 6
	orchestraLead   = 5
)

var orchestraPin = sha256.Sum256([]byte("the server"))

type event struct {
	at, order int
	do        func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }

// Push implements heap.Interface.
func (e *events) Push(x any) { *e = append(*e, x.(event)) }

// Pop implements heap.Interface.
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

// A player is a client: his half, and a pacer that sends one batch in each slot.
type player struct {
	o       *orchestra
	id      *key.Identity
	seat    int
	half    *client.Half
	cover   map[cell.Slot][]byte
	voice   map[cell.Slot][]byte
	covered cell.Slot
	sent    cell.Slot
	gone    bool // his machine is off
	stalled bool // all but the pacer stands still
	deaf    bool // nothing comes to him
	cut     bool // and nothing comes from him
	offline bool // not joined
	talksTo *player
	heard   map[cell.Slot]key.Handle // who was heard, by slot
	alarms  []mouth.Alarm
}

func newOrchestra(t *testing.T, members, channels, delay int, loss float64) *orchestra {
	t.Helper()
	return newOrchestraAt(t, cell.Interval40, members, channels, delay, loss)
}

// newOrchestraAt is one of another interval.
func newOrchestraAt(t *testing.T, i cell.Interval, members, channels, delay int, loss float64) *orchestra {
	t.Helper()
	o := &orchestra{
		t: t, interval: i, channels: channels, delay: delay, loss: loss,
		rng:   rand.New(rand.NewPCG(1, 2)), //nolint:gosec // a test
		batch: map[cell.Slot][]upload{}, complete: map[cell.Slot]bool{}, sums: map[cell.Slot][]byte{},
		slot: 1_790_000_000 * cell.Slot(1000/i.Milliseconds()), //nolint:gosec // positive
		in:   make([]half.In, members),
	}
	set, err := smix.New(smix.Config{Interval: o.interval, Channels: channels, Seats: members, Pin: orchestraPin})
	if err != nil {
		t.Fatal(err)
	}
	o.set, o.hold = set, superpose.Slots(i, 5000)
	for i := range members {
		o.players = append(o.players, &player{o: o, id: identity(t), seat: i, offline: true})
	}
	o.at(0, o.pass)
	return o
}

func (o *orchestra) at(ms int, do func()) {
	o.order++
	heap.Push(&o.events, event{o.now + ms, o.order, do})
}

// run lets so many milliseconds pass.
func (o *orchestra) run(ms int) {
	end := o.now + ms
	for len(o.events) > 0 && o.events[0].at <= end {
		e := heap.Pop(&o.events).(event)
		o.now = e.at
		e.do()
	}
	o.now = end
}

// until runs until something is so.
func (o *orchestra) until(ms int, what string, ok func() bool) int {
	o.t.Helper()
	begin := o.now
	for o.now < begin+ms {
		if ok() {
			return o.now - begin
		}
		o.run(o.interval.Milliseconds())
	}
	o.t.Fatalf("not %s after %d ms", what, ms)
	return 0
}

// join brings a player online.
func (o *orchestra) join(p *player) {
	pass, err := client.NewPassport(p.id, orchestraPin)
	if err != nil {
		o.t.Fatal(err)
	}
	e, err := o.set.Admit(half.Member{Handle: p.handle(), Record: pass.Record})
	if err != nil {
		o.t.Fatal(err)
	}
	o.set.Join(p.seat, e)
	if p.half, err = client.New(pass, client.Config{Interval: o.interval, Channels: o.channels}); err != nil {
		o.t.Fatal(err)
	}
	p.half.Keys(o.keyring(p))
	p.cover, p.voice, p.heard = map[cell.Slot][]byte{}, map[cell.Slot][]byte{}, map[cell.Slot]key.Handle{}
	p.offline, p.covered, p.sent = false, 0, 0
	first := o.slot + 3 + cell.Slot(2*o.delay/o.interval.Milliseconds())
	p.wake(first)
}

func (o *orchestra) keyring(p *player) *mouth.Keyring {
	k := &mouth.Keyring{}
	for _, q := range o.players {
		if q != p {
			a, b := p.handle(), q.handle()
			if bytes.Compare(a[:], b[:]) > 0 {
				a, b = b, a
			}
			h := sha256.Sum256(append(a[:], b[:]...))
			pair, _ := key.NewSecret(h[:])
			k.Peers = append(k.Peers, mouth.Peer{Handle: q.handle(), Pair: &pair})
		}
	}
	return k
}

func (o *orchestra) joinAll() {
	for _, p := range o.players {
		o.join(p)
	}
}

// start returns the time, from now, at which slot n starts.
func (o *orchestra) start(n cell.Slot) int {
	ms := o.interval.Milliseconds()
	return int(n-o.slot)*ms - o.now%ms
}

// pass is the server's slot.
func (o *orchestra) pass() {
	o.slot++
	n := o.slot
	got := o.batch[n]
	for i := range o.in {
		o.in[i] = half.In{Early: 5}
		if len(got) > i && got[i].whole() {
			o.in[i].Batch, o.in[i].Present = slices.Concat(got[i]...), true
		}
	}
	delete(o.batch, n)
	o.set.Slot(n, o.in)
	shape := o.set.Down()
	for _, p := range o.players {
		if p.offline || p.gone {
			continue
		}
		for part := range shape.Parts {
			for k := range shape.Messages {
				var dst [cell.MaxMessage]byte
				m := o.set.Out(p.seat, part, k, dst[:])
				if part == 0 && k == 0 {
					h, _ := superpose.ParseDown(m)
					o.complete[n] = o.complete[n] || h.Flags&superpose.Complete != 0
					if h.Flags&superpose.Complete != 0 {
						o.sums[n] = bytes.Clone(superpose.Body(m))
					}
				}
				m = bytes.Clone(m)
				if o.rewrite != nil && (part == 0 || o.both) {
					o.rewrite(p, m)
				}
				o.send(orchestraWindow+part*o.interval.Milliseconds()/2, func() { p.down(m) })
			}
		}
	}
	o.at(o.interval.Milliseconds(), o.pass)
}

// send has the network deliver something, or lose it. Messages are copied by who
// delivers, so do must hold on to a copy made now.
func (o *orchestra) send(ms int, do func()) {
	if o.rng.Float64() >= o.loss {
		o.at(ms+o.delay, do)
	}
}

func (p *player) handle() key.Handle { return p.id.Account().Handle() }

// wake prepares slot n, and all after it.
func (p *player) wake(n cell.Slot) {
	ms := p.o.interval.Milliseconds()
	tick := p.o.start(n) - orchestraMargin - ms/2 - p.o.delay
	p.o.at(tick-orchestraLead, func() {
		if p.gone || p.offline {
			return
		}
		if !p.stalled {
			p.prepare(n)
		}
		p.wake(n + 1)
	})
	p.o.at(tick, func() { p.tick(n) })
}

// prepare does what the engine does before a tick, in the same order: the batch of
// the slot, what must be made anew, and what has to be made in advance.
func (p *player) prepare(n cell.Slot) {
	s := &mouth.Say{}
	p.half.Wants(p.talksTo != nil)
	if p.talksTo != nil {
		s = &mouth.Say{Kind: cell.Stream, To: p.talksTo.handle()}
	}
	p.stage(p.voice, n, s)
	if stale, ok := p.half.Stale(); ok {
		for m := p.covered - 1; m >= max(stale, n+1); m-- {
			p.stage(p.cover, m, &mouth.Say{})
		}
	}
	p.covered = max(p.covered, n)
	for ; p.covered < n+p.o.hold; p.covered++ {
		p.stage(p.cover, p.covered, &mouth.Say{})
	}
}

func (p *player) stage(to map[cell.Slot][]byte, n cell.Slot, s *mouth.Say) {
	b := make([]byte, p.half.Shape().Bytes())
	p.half.Up(b, n, s)
	to[n] = b
}

// tick sends the batch of slot n: what was said, or what was made in advance.
func (p *player) tick(n cell.Slot) {
	if p.gone || p.offline {
		return
	}
	b := p.voice[n]
	if b == nil {
		b = p.cover[n]
	}
	delete(p.voice, n)
	delete(p.cover, n)
	if b == nil || n <= p.sent {
		return
	}
	p.sent = n
	shape := p.half.Shape()
	size := shape.Messages * shape.Size
	if p.o.tap != nil {
		p.o.tap(p, n, [][]byte{b[:size], b[size:]})
	}
	for part := range shape.Parts {
		one := b[part*size : (part+1)*size]
		for k := range shape.Messages {
			m := one[k*shape.Size : (k+1)*shape.Size]
			p.o.send(part*p.o.interval.Milliseconds()/2, func() { p.o.arrive(p, n, k, m, shape) })
		}
	}
}

// arrive keeps an upload until its slot: there if every message of it is.
func (o *orchestra) arrive(p *player, n cell.Slot, k int, m []byte, shape mouth.Shape) {
	if n <= o.slot || p.cut {
		return
	}
	if o.batch[n] == nil {
		o.batch[n] = make([]upload, len(o.players))
	}
	u := &o.batch[n][p.seat]
	if *u == nil {
		*u = make(upload, shape.Messages)
	}
	(*u)[k] = m
}

// An upload is the messages of a slot that came, of whatever part.
type upload [][]byte

func (u upload) whole() bool {
	return u != nil && !slices.ContainsFunc(u, func(m []byte) bool { return m == nil })
}

// down reads what came.
func (p *player) down(m []byte) {
	if p.gone || p.offline || p.stalled || p.deaf || p.cut {
		return
	}
	if _, ok := p.half.Down(m, p.o.slot, p); !ok {
		p.o.t.Errorf("player %d did not take a message", p.seat)
	}
	p.alarms = append(p.alarms, p.half.Alarms()...)
}

// Hear implements half.Ear.
func (p *player) Hear(f *mouth.Found) {
	if f.Kind == cell.Stream {
		p.heard[f.Slot] = f.From
	}
}

func (o *orchestra) allInside() bool {
	for _, p := range o.players {
		if !p.offline && !p.gone && p.half.Status().Members != o.online() {
			return false
		}
	}
	return true
}

func (o *orchestra) online() (n int) {
	for _, p := range o.players {
		if !p.offline && !p.gone {
			n++
		}
	}
	return n
}
