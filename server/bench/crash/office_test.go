package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"undertone/server/bench/internal/ours"
	"undertone/server/internal/registry"
	"undertone/server/node"
	"undertone/transport/key"
	"undertone/transport/rtc"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

const (
	// joinFor is how long somebody who joins waits for an answer.
	joinFor = 20 * time.Second
	// pauseMost is how long somebody at a desk waits between two things, at most.
	pauseMost = 200 * time.Millisecond
	// inviteHolds is longer than any test.
	inviteHolds = 24 * time.Hour
	// redeemed is how many of the open invites are used at the end, at most, and
	// redeemers how many at the same time.
	redeemed, redeemers = 100, 8
)

// A state is what the office knows of an invite.
//
//	      somebody joins with it       the server has let him in
//	open ───────────────────────▶ tried ──────────────────────▶ joined
//	                               │ ▲
//	                               └─┘ no answer: he may be in or not, and tries again
type state uint8

const (
	open state = iota
	tried
	joined
)

func (s state) String() string { return [...]string{"open", "tried", "joined"}[s] }

// A ticket is one invite, and who joins with it.
type ticket struct {
	row    registry.Invite
	invite uri.Invite
	who    *key.Identity

	// Guarded by the office's mu.
	state state
	taken bool // somebody joins with it at this moment
	times int  // he has tried
}

// An office invites people, of whom every second joins, at several desks at once and
// without a pause when the server is killed. It keeps account of what it was told: an
// invite is there when the command that made it has returned, and a user when the server
// has answered him.
type office struct {
	server *ours.Server
	offer  string // of everybody who joins: nobody opens his link
	end    context.CancelFunc
	desks  sync.WaitGroup

	// open is held to read by who is at work, and to write by who closes all desks for
	// a moment.
	open sync.RWMutex

	mu       sync.Mutex // guards what follows
	tickets  []*ticket
	failures []error
}

// newOffice opens an office with so many desks.
func newOffice(t *testing.T, s *ours.Server, desks int) *office {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	o := &office{server: s, offer: newOffer(t), end: cancel}
	for range desks {
		o.desks.Go(func() {
			for ctx.Err() == nil {
				o.open.RLock()
				o.work()
				o.open.RUnlock()
				wait(rand.N(pauseMost))
			}
		})
	}
	return o
}

// newOffer returns an offer that is good, of a link that nobody opens.
func newOffer(t *testing.T) (offer string) {
	t.Helper()
	enough := errors.New("that is all")
	_, err := rtc.Dial(t.Context(), rtc.DialConfig{}, func(_ context.Context, o string) (string, error) {
		offer = o
		return "", enough
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	return offer
}

// close closes all desks.
func (o *office) close() {
	o.end()
	o.desks.Wait()
}

func (o *office) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failures = append(o.failures, err)
}

// work makes an invite, with which somebody joins or does not, and has somebody try
// again who got no answer.
func (o *office) work() {
	t, err := o.invite()
	if err != nil {
		o.fail(err)
		return
	}
	if rand.IntN(2) == 0 && o.take(t, open) {
		o.join(t)
	}
	if again := o.unanswered(); again != nil {
		o.join(again)
	}
}

// invite makes an invite, as the operator's command does.
func (o *office) invite() (*ticket, error) {
	t := &ticket{}
	var err error
	if t.who, err = key.NewIdentity(); err != nil {
		return nil, err
	}
	ctx := context.Background()
	err = o.server.WithFolder(ctx, func(f *node.Folder) (err error) {
		t.invite, t.row, err = f.CreateInvite(ctx, "somebody", inviteHolds, o.server.Host())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("no invite could be made: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tickets = append(o.tickets, t)
	return t, nil
}

// take reports whether a ticket is free and in some state; then it is the caller's until
// he has joined with it.
func (o *office) take(t *ticket, in state) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return t.take(in)
}

// take does the work of the office's; mu is held.
func (t *ticket) take(in state) bool {
	if t.taken || t.state != in {
		return false
	}
	t.taken, t.state = true, tried
	t.times++
	return true
}

// unanswered takes a ticket of somebody who got no answer, if there is one.
func (o *office) unanswered() *ticket {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, t := range o.tickets {
		if t.take(tried) {
			return t
		}
	}
	return nil
}

// join has somebody join. That the server is not there, or has too much to do, is no
// answer; any other refusal is a failure, since the invite is his.
func (o *office) join(t *ticket) {
	ctx, cancel := context.WithTimeout(context.Background(), joinFor)
	defer cancel()
	client := signal.Client{Server: t.invite.Server, Identity: t.who, Token: t.invite.Token}
	_, err := client.Online(ctx, o.offer)
	o.mu.Lock()
	defer o.mu.Unlock()
	t.taken = false
	switch {
	case err == nil:
		t.state = joined
	case errors.Is(err, signal.ErrUnreachable), errors.Is(err, signal.ErrBusy), ctx.Err() != nil:
	default:
		o.failures = append(o.failures, fmt.Errorf("invite %s lets nobody in: %w", t.row.ID, err))
	}
}

// check compares the registry with the account, while all desks are closed: whoever was
// let in is a user, by an invite that is used; an invite that nobody has shown is open;
// and of who got no answer either both is so or neither.
func (o *office) check(t *testing.T) {
	t.Helper()
	o.open.Lock()
	defer o.open.Unlock()
	users, invites := map[key.Handle]registry.User{}, map[string]registry.State{}
	ctx := context.Background()
	err := o.server.WithFolder(ctx, func(f *node.Folder) error {
		all, err := f.Registry.Users(ctx)
		if err != nil {
			return err
		}
		for _, u := range all {
			users[u.Handle()] = u
		}
		rows, err := f.Registry.Invites(ctx)
		for _, i := range rows {
			invites[i.ID] = i.State(time.Now())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, x := range o.tickets {
		account := x.who.Account()
		u, in := users[account.Handle()]
		in = in && u.Account == account && !u.Disabled
		now := invites[x.row.ID] // Empty if it is not there at all.
		out := !in && now == registry.InviteOpen
		in = in && now == registry.InviteUsed
		if x.state == open && !out || x.state == joined && !in || !in && !out {
			t.Errorf("invite %s was %s after %d tries, and in the registry it is %q, and its user %+v", x.row.ID, x.state, x.times, now, u)
		}
	}
	for _, err := range o.failures {
		t.Error(err)
	}
	o.failures = nil
}

// redeemOpen has people join with open invites, and returns how many it were.
func (o *office) redeemOpen(t *testing.T) (taken int) {
	t.Helper()
	var all sync.WaitGroup
	places := make(chan struct{}, redeemers)
	for _, x := range o.tickets {
		if taken == redeemed || !o.take(x, open) {
			continue
		}
		taken++
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			o.join(x)
			o.mu.Lock()
			defer o.mu.Unlock()
			if x.state != joined {
				t.Errorf("an invite that was open all the time lets nobody in: %s", x.row.ID)
			}
		})
	}
	all.Wait()
	if taken == 0 {
		t.Error("no invite was left open")
	}
	o.check(t)
	return taken
}

// String tells what the office has done.
func (o *office) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var in, out, again int
	for _, x := range o.tickets {
		switch {
		case x.state != joined:
			out++
		case x.times > 1:
			again++
			in++
		default:
			in++
		}
	}
	return fmt.Sprintf("%d invites, %d people have joined, %d of them after no answer at first; %d invites are not used", len(o.tickets), in, again, out)
}
