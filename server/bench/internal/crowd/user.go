package crowd

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"time"

	"undertone/server/bench/internal/socket"
)

// Times of users.
const (
	// dialFor bounds an attempt to come online.
	dialFor = 30 * time.Second
	// firstFor is how long after that the first message may take.
	firstFor = 10 * time.Second
	// retryAfter is how long a user waits after an attempt that led to nothing, at
	// least and at most.
	retryAfter, retryMost = 500 * time.Millisecond, 1500 * time.Millisecond
	// restart is how long a program takes that was killed until it dials again.
	restart = time.Second
)

// An order is what happens to a user.
type order uint8

const (
	leave order = iota // he takes leave
	kill               // his program dies, and is started again
	move               // he comes to have another address
)

// A user is somebody with a line, who wants another one when it is lost.
//
//	        heard             silence, end of the line, kill
//	dialing ─────▶ online ─────────────────────────────────▶ dialing
//	   │              └── leave, end of the crowd ──▶ gone
//	   └───────────────── end of the crowd ─────────▶ gone
type user struct {
	crowd  *Crowd
	who    int
	orders chan order
}

// address returns the user's own address of loopback: not the first network of
// 127.0.0.0/8, in which the servers are.
func address(who int) netip.Addr {
	const perByte = 250
	return netip.AddrFrom4([4]byte{127, byte(1 + who/(perByte*perByte)%perByte), byte(1 + who/perByte%perByte), byte(1 + who%perByte)})
}

// live is a user's life, until ctx ends or he takes leave. arrived is called when he
// is online for the first time.
func (u *user) live(ctx context.Context, arrived func()) {
	var away time.Time // since when he is, if he was online
	for ctx.Err() == nil {
		v := u.come(ctx)
		if v == nil {
			u.crowd.tally.failed.Add(1)
			pause(ctx, retryAfter+rand.N(retryMost-retryAfter)) //nolint:gosec // spreads users, hides nothing
			continue
		}
		if away.IsZero() {
			arrived()
		} else {
			u.crowd.window.Load().Back.Add(time.Since(away))
		}
		why := u.stay(ctx, v)
		away = time.Now()
		if why == lost {
			away = away.Add(-silentFor) // So long he has waited in vain.
		}
		u.depart(v, why)
		switch why {
		case took:
			return
		case killed:
			pause(ctx, restart)
		case lost, ended:
		}
	}
}

// come brings the user online and waits for the first message. It returns nil if that
// leads to nothing.
func (u *user) come(ctx context.Context) *visit {
	c := u.crowd
	select {
	case c.dialing <- struct{}{}:
		defer func() { <-c.dialing }()
	case <-ctx.Done():
		return nil
	}
	v := newVisit(c)
	s, err := socket.Open(address(u.who), v.see)
	if err != nil {
		c.note(err)
		return nil
	}
	v.socket = s
	dial, cancel := context.WithTimeout(ctx, dialFor)
	defer cancel()
	if v.line, err = c.cfg.Service.Dial(dial, u.who, s, v.hear); err != nil {
		if ctx.Err() == nil {
			c.note(err)
		}
		return nil
	}
	if !c.begin(ctx, v) {
		v.line.Close()
		return nil
	}
	c.enter(v)
	return v
}

// An end is why a user is not online any more.
type end uint8

const (
	lost   end = iota // nothing came any more
	ended             // the line has ended by itself
	killed            // his program died
	took              // he took leave, or the crowd ends
)

// stay waits until the user is not online any more.
func (u *user) stay(ctx context.Context, v *visit) end {
	t := &u.crowd.tally
	for {
		select {
		case <-v.gone:
			t.silent.Add(1)
			return lost
		case <-v.line.Done():
			t.ended.Add(1)
			return ended
		case <-ctx.Done():
			return took
		case o := <-u.orders:
			switch o {
			case leave:
				t.left.Add(1)
				return took
			case kill:
				t.killed.Add(1)
				v.socket.Cut()
				return killed
			case move:
				t.moved.Add(1)
				if err := v.socket.Move(); err != nil {
					u.crowd.note(err)
				}
			}
		}
	}
}

// depart ends a visit. The line of who has to come back at once, as far as he knows,
// is closed meanwhile.
func (u *user) depart(v *visit, why end) {
	u.crowd.pace.end(v)
	u.crowd.exit(v)
	if why == took {
		v.line.Close()
		return
	}
	u.crowd.closing.Go(v.line.Close)
}

// pause waits.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
