package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"undertone/server/internal/mix"
	"undertone/server/internal/mix/half"
	"undertone/server/internal/registry"
	"undertone/server/internal/session"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/rtc"
	"undertone/transport/signal"
	"undertone/transport/throttle"
)

// A gate lets users online: it is the signal.Gate of a node. Each user whom it
// let in has a goroutine here that ends his seat with his link, and his link
// with his seat.
type gate struct {
	registry *registry.Registry
	links    *rtc.Listener
	engine   *mix.Engine
	interval cell.Interval
	up, down half.Shape // what a link has to carry in a slot
	accounts *throttle.Table[key.Handle]
	guests   sync.WaitGroup
	// throttled counts those who came too often.
	throttled atomic.Uint64
}

// accountRate is how often one user may come online, from wherever. To let one in
// costs as much as a second of his cells; who loses his line tries again with
// growing distances, three times in ten seconds.
var accountRate = throttle.Rate{Burst: 10, PerSecond: 0.5}

// remembered is for how many users at least it is known when they came last.
const remembered = 16 << 10

// minDepth is how many messages may wait for a link at least: it bridges a
// writer that is a little late.
const minDepth = 2

// refusals translates the registry's words into those of the signalling.
var refusals = []struct{ from, to error }{
	{registry.ErrUserUnknown, signal.ErrUserUnknown},
	{registry.ErrUserDisabled, signal.ErrUserDisabled},
	{registry.ErrInviteUnknown, signal.ErrInviteUnknown},
	{registry.ErrInviteUsed, signal.ErrInviteUsed},
	{registry.ErrInviteExpired, signal.ErrInviteExpired},
	{registry.ErrInviteRevoked, signal.ErrInviteRevoked},
	{rtc.ErrOffer, signal.ErrMalformed},
	{rtc.ErrBusy, signal.ErrBusy},
	{errTooOften, signal.ErrBusy},
	{session.ErrFull, signal.ErrServerFull},
	{mix.ErrStopped, signal.ErrBusy},
	{mix.ErrRecord, signal.ErrMalformed},
}

// errTooOften is for who comes online again and again.
var errTooOften = errors.New("the user comes online too often")

func refusal(err error) error {
	for _, r := range refusals {
		if errors.Is(err, r.from) {
			return r.to
		}
	}
	return err
}

// Admit lets a user online, or says why not. An invite is used up even if what
// comes after it fails, since the user is in the registry then and can try
// again.
func (g *gate) Admit(ctx context.Context, r signal.Request) (string, error) {
	defer r.Link.Wipe()
	if _, err := g.registry.Redeem(ctx, r.Token, r.Account, time.Now()); err != nil {
		return "", refusal(err)
	}
	handle := r.Account.Handle()
	// Both before there is a link, which is what costs.
	if !g.accounts.Allow(handle, time.Now()) {
		g.throttled.Add(1)
		return "", refusal(errTooOften)
	}
	if !g.engine.HasRoom(handle) {
		return "", refusal(session.ErrFull)
	}
	var seat atomic.Pointer[mix.Seat]
	answer, link, err := g.links.Accept(ctx, r.Offer, rtc.Handlers{
		Reached: r.Reached,
		Depth:   max(minDepth, g.down.Messages),
		Window:  rtc.Window(g.interval.Duration(), g.down.Parts*g.down.Bytes()),
		Rate:    rtc.Rate(g.interval.Duration(), g.up.Parts*g.up.Messages, g.down.Parts*g.down.Messages),
		Receive: func(b []byte, at time.Time) {
			// The client has no answer before there is a seat; so who sends
			// cells earlier than that is somebody else.
			if s := seat.Load(); s != nil {
				s.Receive(b, at)
			}
		},
	})
	if err != nil {
		return "", refusal(err)
	}
	s, err := g.engine.Join(half.Member{Handle: handle, Link: &r.Link, Record: r.Record}, link)
	if err != nil {
		g.guests.Go(link.Close)
		return "", refusal(err)
	}
	seat.Store(s)
	g.guests.Go(func() { attend(link, s) })
	// Whoever disabled the user while this went on has found no seat to take.
	if err := g.check(ctx, handle); err != nil {
		return "", err
	}
	return answer, nil
}

// attend ends a seat with its link, or the link with its seat.
func attend(link *rtc.Link, s *mix.Seat) {
	select {
	case <-link.Done():
	case <-s.Done():
	}
	s.Leave()
	link.Close()
}

// check takes the seat of a user who may not be online, and says why that is.
func (g *gate) check(ctx context.Context, h key.Handle) error {
	u, err := g.registry.User(ctx, h)
	switch {
	case err == nil && !u.Disabled:
		return nil
	case err == nil:
		err = registry.ErrUserDisabled
	case !errors.Is(err, registry.ErrUserUnknown):
		return fmt.Errorf("look a user up: %w", err)
	}
	g.engine.Remove(h)
	return refusal(err)
}

// wait returns when nobody is left. The engine must have ended before.
func (g *gate) wait() { g.guests.Wait() }
