// Package relay is an active attacker on one user's line: a UDP relay between a client
// and its server, which drops, delays, doubles and swaps datagrams both ways, as chance
// will have it. It knows nothing of what is in them.
//
//	client ──▶ front ──▶ fate ──▶ back ──▶ server
//	       ◀──       ◀── fate ◀──      ◀──
//
// It is for package drive, which puts it between a client and a server that are both on
// this computer, in a process of its own. Only the newest client is served.
package relay

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"undertone/transport/cell"
)

// An Attack is what is done to the datagrams.
type Attack string

// The attacks.
const (
	None      Attack = ""
	Drop      Attack = "drop"
	Delay     Attack = "delay"
	Duplicate Attack = "duplicate"
	Swap      Attack = "swap"
	All       Attack = "all" // one of the others each time
)

// Attacks are all but none.
func Attacks() []Attack { return []Attack{Drop, Delay, Duplicate, Swap, All} }

// Parse reads the name of an attack.
func Parse(s string) (Attack, error) {
	all := Attacks()
	if a := Attack(s); a == None || slices.Contains(all, a) {
		return a, nil
	}
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = string(a)
	}
	return None, fmt.Errorf("there is no attack %q; choose one of %s", s, strings.Join(names, ", "))
}

// share is how many of a hundred datagrams are attacked: enough to be heard, and so few
// that the line is not lost.
const share = 5

// A fate says when the copies of a datagram go on. It is pure, and not for several
// goroutines.
type fate struct {
	how      Attack
	interval time.Duration
	random   *rand.Rand
}

func newFate(how Attack, i cell.Interval, seed uint64) *fate {
	return &fate{how: how, interval: i.Duration(), random: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // hides nothing
}

// next returns how much later each copy of the next datagram goes on.
func (f *fate) next() []time.Duration {
	if f.how == None || f.random.IntN(100) >= share {
		return []time.Duration{0}
	}
	how := f.how
	if how == All {
		single := Attacks()[:len(Attacks())-1]
		how = single[f.random.IntN(len(single))]
	}
	switch how {
	case Drop:
		return nil
	case Delay:
		return []time.Duration{f.interval/4 + time.Duration(f.random.Int64N(int64(2*f.interval)))}
	case Duplicate:
		return []time.Duration{0, time.Duration(f.random.Int64N(int64(f.interval)))}
	case Swap:
		return []time.Duration{f.interval * 4 / 3} // After the next one.
	case None, All:
	}
	return []time.Duration{0}
}

// A Relay is one between a client and a server.
type Relay struct {
	front, back *net.UDPConn
	client      atomic.Pointer[netip.AddrPort]
	passed      atomic.Int64
	attacked    atomic.Int64
	done        sync.WaitGroup
}

// New returns a relay to a server, which works until it is closed.
func New(server netip.AddrPort, how Attack, i cell.Interval, seed uint64) (*Relay, error) {
	local := net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0))
	front, err := net.ListenUDP("udp", local)
	if err != nil {
		return nil, err
	}
	back, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return nil, errors.Join(err, front.Close())
	}
	r := &Relay{front: front, back: back}
	r.done.Go(func() { r.up(newFate(how, i, seed)) })
	r.done.Go(func() { r.down(newFate(how, i, seed+1)) })
	return r, nil
}

// Addr is where the client sends to.
func (r *Relay) Addr() netip.AddrPort {
	return r.front.LocalAddr().(*net.UDPAddr).AddrPort() //nolint:forcetypeassert // of every UDP socket
}

// Passed returns how many datagrams have come, and how many were attacked.
func (r *Relay) Passed() (all, attacked int64) { return r.passed.Load(), r.attacked.Load() }

// Close ends the relay; what is still held back is lost.
func (r *Relay) Close() error {
	err := errors.Join(r.front.Close(), r.back.Close())
	r.done.Wait()
	return err
}

// most is longer than any datagram of a line.
const most = 2048

func (r *Relay) up(f *fate) {
	r.carry(f, func(b []byte) (int, error) {
		n, from, err := r.front.ReadFromUDPAddrPort(b)
		if err == nil {
			r.client.Store(&from)
		}
		return n, err
	}, func(b []byte) { _, _ = r.back.Write(b) })
}

func (r *Relay) down(f *fate) {
	r.carry(f, r.back.Read, func(b []byte) {
		if to := r.client.Load(); to != nil {
			_, _ = r.front.WriteToUDPAddrPort(b, *to)
		}
	})
}

// carry passes datagrams on until the socket is closed. What cannot be passed on is
// lost, as on any line.
func (r *Relay) carry(f *fate, read func([]byte) (int, error), write func([]byte)) {
	const retries = 100 // A single error may say that a server is not there yet.
	b := make([]byte, most)
	for failed := 0; ; {
		n, err := read(b)
		if failed++; errors.Is(err, net.ErrClosed) || err != nil && failed > retries {
			return
		}
		if err != nil {
			continue
		}
		failed = 0
		r.passed.Add(1)
		copies := f.next()
		if len(copies) != 1 || copies[0] != 0 {
			r.attacked.Add(1)
		}
		for _, late := range copies {
			if late == 0 {
				write(b[:n])
				continue
			}
			held := slices.Clone(b[:n])
			time.AfterFunc(late, func() { write(held) })
		}
	}
}
