package mix

import (
	"context"
	"crypto/sha256"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
)

// seeded returns offsets that are the same in every run.
func seeded() func(time.Duration) time.Duration {
	r := rand.New(rand.NewPCG(1, 2))
	return func(below time.Duration) time.Duration { return time.Duration(r.Int64N(int64(below))) }
}

// A packet is what an observer of the server sees.
type packet struct {
	at time.Duration // since the start
	to string
}

// A got cell is what a user found in his download.
type got struct {
	slot cell.Slot
	kind cell.Kind
	text string
	ok   bool
}

// A rig is an Engine in a bubble, its users, and an observer. What its users
// heard is touched by the engine until end.
type rig struct {
	t     *testing.T
	e     *Engine
	n     cell.Slot // the next slot to send for
	begin time.Time
	quit  context.CancelFunc
	ended chan struct{}
	trace []packet
	all   []*phone
}

func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	cfg.Offset = seeded()
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, e: e, begin: time.Now(), n: e.clock.At(time.Now()) + 1, ended: make(chan struct{})}
}

// start runs a rig with users a, b, c, …
func start(t *testing.T, cfg Config, users int) *rig {
	t.Helper()
	r := newRig(t, cfg)
	for i := range users {
		r.join(string(rune('a' + i)))
	}
	r.run()
	return r
}

func (r *rig) run() {
	ctx, quit := context.WithCancel(r.t.Context())
	r.quit = quit
	go func() {
		defer close(r.ended)
		r.e.Run(ctx)
	}()
}

// end stops the Engine and returns what the observer saw.
func (r *rig) end() []packet {
	r.quit()
	<-r.ended
	return r.trace
}

// A phone is a user's end of a link.
type phone struct {
	r      *rig
	name   string
	handle key.Handle
	seat   *Seat
	up     *seal.Sealer
	down   *seal.Opener
	heard  []got
	hurt   atomic.Pointer[func(k int)] // called within Send, with the number of the cell
}

func (r *rig) join(name string) *phone {
	r.t.Helper()
	sum := sha256.Sum256([]byte(name))
	link, err := key.NewSecret(sum[:])
	if err != nil {
		r.t.Fatal(err)
	}
	up, down := seal.LinkKeys(&link)
	p := &phone{r: r, name: name, handle: key.Handle(sum[:16]), up: seal.NewSealer(&up, 0), down: seal.NewOpener(&down)}
	if p.seat, err = r.e.Join(half.Member{Handle: p.handle, Link: &link}, p); err != nil {
		r.t.Fatal(err)
	}
	r.all = append(r.all, p)
	return p
}

// Send is the Engine's.
func (p *phone) Send(b []byte) {
	p.r.trace = append(p.r.trace, packet{time.Since(p.r.begin), p.name})
	now := p.r.e.clock.At(time.Now())
	var body cell.Body
	n, head, ok := p.down.Open((*cell.Cell)(b), now, &body)
	p.heard = append(p.heard, got{n, head.Kind, text(head.Kind, &body), ok})
	if hurt := p.hurt.Load(); hurt != nil {
		(*hurt)(len(p.heard))
	}
}

func (p *phone) hurtBy(f func(k int)) { p.hurt.Store(&f) }

func text(k cell.Kind, b *cell.Body) string {
	from := 0
	if k == cell.Letter {
		from = cell.AddressSize
	}
	to := from
	for to < len(b) && b[to] != 0 {
		to++
	}
	return string(b[from:to])
}

// A script says what a user sends in slot k of a test.
type script func(k int, p *phone) (cell.Kind, cell.Body)

func idle(int, *phone) (cell.Kind, cell.Body) { return cell.Cover, cell.Body{} }

func voice(s string) (b cell.Body) { copy(b[:], s); return b }

func (p *phone) letter(to *phone, s string) (b cell.Body) {
	seal.SetLetterAddress(&b, to.handle)
	copy(b[cell.AddressSize:], s)
	return b
}

// play runs so many slots. Everybody's cells come 1 ms before their slot.
func (r *rig) play(slots int, s script) {
	for k := range slots {
		time.Sleep(time.Until(r.e.clock.Start(r.n).Add(-time.Millisecond)))
		for _, p := range r.all {
			kind, body := s(k, p)
			var c cell.Cell
			p.up.Seal(&c, r.n, seal.Head{Kind: kind}, &body)
			p.seat.Receive(c[:], time.Now())
		}
		r.n++
	}
}

// calling is a call between the first two users: ring, answer, speech, clear.
func calling(k int, p *phone) (cell.Kind, cell.Body) {
	a, b := p.r.all[0], p.r.all[1]
	switch {
	case p == a && k < 5:
		return cell.Ring, a.letter(b, "knock")
	case p == b && k >= 5 && k < 10:
		return cell.Ring, b.letter(a, "answer")
	case p != a && p != b || k < 10 || k > 80:
		return cell.Cover, cell.Body{}
	case k == 80:
		return cell.Control, cell.Body{1}
	}
	return cell.Stream, voice("voice of " + p.name)
}

// count returns how many cells with the text a user got.
func (p *phone) count(s string) (n int) {
	for _, g := range p.heard {
		if g.text == s {
			n++
		}
	}
	return n
}
