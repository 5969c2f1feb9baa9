package attack

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"undertone/server/node"
	"undertone/transport/cell"
	"undertone/transport/rtc"
	"undertone/transport/signal"
	"undertone/transport/simnet"
	"undertone/transport/uri"
)

// near adds a machine that reaches the server at once, as the strongest attacker
// does.
func (w *world) near() *simnet.Host { return w.star.User(simnet.Path{}, simnet.Path{}) }

// A mob is a crowd of connections that do not do what they should.
type mob struct {
	conns []net.Conn
	asked int
	gone  int // refused by the system, since too many were waiting
}

// connect makes connections that say something and then nothing.
func (m *mob) connect(w *world, from *simnet.Host, times int, say string) {
	w.t.Helper()
	for range times {
		m.asked++
		c, err := from.DialContext(w.t.Context(), "tcp", w.node.Server().Host)
		if err != nil {
			m.gone++
			continue
		}
		_, _ = c.Write([]byte(say)) // It may be cut already.
		m.conns = append(m.conns, c)
	}
}

// closed counts what the server has closed of itself, and closes the rest.
func (m *mob) closed(t *testing.T) (n int) {
	t.Helper()
	for _, c := range m.conns {
		if err := c.SetReadDeadline(time.Now()); err != nil {
			t.Fatal(err)
		}
		// It may have sent an alert, or a refusal, before.
		if _, err := io.Copy(io.Discard, c); !errors.Is(err, os.ErrDeadlineExceeded) {
			n++
		}
		_ = c.Close()
	}
	return n + m.gone
}

// hello is how TLS begins.
const hello = "\x16\x03\x01\x07\x00\x01"

// A flood of connections from one address costs nobody else anything.
func TestFloodFromOneAddress(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		eve := w.near()
		var m mob
		m.connect(w, eve, 1000, hello)
		newcomer := w.join(idle)
		m.connect(w, eve, 200, "")
		time.Sleep(8 * time.Second)
		note(t, "connection of a flood from one address", m.asked, m.closed(t))
		guard, _ := w.strangers()
		if n := int(guard.Throttled) + m.gone; n < m.asked-128-100 {
			t.Errorf("%d of %d were cut at once: %+v", n, m.asked, guard)
		}
		newcomer.leave()
		c.end(0)
	})
}

// A flood from many addresses may keep newcomers out, but not who was there
// before, and costs the calls nothing.
func TestFloodFromManyAddresses(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		home := w.host()
		dave, token := w.identity(), w.invite()
		client := w.client(dave, token)
		client.Dial = home.DialContext
		if _, err := client.Online(t.Context(), w.offer()); err != nil {
			t.Fatal(err)
		}
		var m mob
		back := 0
		for n := range 60 {
			m.connect(w, w.near(), 20, []string{"", hello, "GET / HTTP/1.1\r\n\r\n"}[n%3])
			if n%20 == 19 {
				if _, err := client.Online(t.Context(), w.offer()); err == nil {
					back++
				}
			}
		}
		if back != 3 {
			t.Errorf("who was online before came back %d times of 3", back)
		}
		time.Sleep(8 * time.Second)
		note(t, "connection of a flood from many addresses", m.asked, m.closed(t))
		// 400 at once, and then 200 a second; the system drops some before the server.
		if guard, _ := w.strangers(); guard.Connections > 800 {
			t.Errorf("%d of %d were let in: %+v", guard.Connections, m.asked, guard)
		}
		c.end(0)
	})
}

// A flood of requests that are right but for who makes them is refused one by one,
// and costs the calls nothing.
func TestFloodOfRequests(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		const asks = 40
		errs := make([]error, asks)
		eve, offer := w.host(), w.offer()
		var wg sync.WaitGroup
		for n := range asks {
			client := w.client(w.identity(), uri.Token{1, byte(n)})
			client.Dial = eve.DialContext
			wg.Go(func() { _, errs[n] = client.Online(t.Context(), offer) })
		}
		wg.Wait()
		note(t, "request of a flood", asks, refused(signal.ErrInviteUnknown, errs...))
		if s := w.status(); s.Refused != asks {
			t.Errorf("%+v", s)
		}
		c.end(0)
	})
}

// Members who ask for links and do not open them hold a place for ten seconds.
func TestHalfOpenLinks(t *testing.T) {
	const gang = 12
	inWorld(t, cell.TMIX, gang+2, func(t *testing.T, w *world) {
		c := w.call()
		before := w.status().Unopened
		for range gang {
			w.member()
		}
		_, links := w.strangers()
		if w.status().Online != gang+2 || links.Pending != gang {
			t.Errorf("%+v, %+v", w.status(), links)
		}
		_, err := w.client(w.identity(), w.invite()).Online(t.Context(), w.offer())
		if n := refused(signal.ErrServerFull, err); n != 1 {
			t.Errorf("the server is not full: %v", err)
		}
		time.Sleep(11 * time.Second)
		note(t, "link that is asked for and not opened", gang, int(w.status().Unopened-before))
		_, links = w.strangers()
		if w.status().Online != 2 || links.Pending != 0 {
			t.Errorf("%+v, %+v", w.status(), links)
		}
		w.join(idle).leave() // There is room again.
		c.end(0)
	})
}

// Connections that pretend to be links over TCP, of any kind and from everywhere,
// are cut off, and cost the calls nothing.
func TestFloodOverTCP(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		random := rand.New(rand.NewPCG(5, 6))
		var m mob
		for n := range 60 {
			say := []string{"\x00", "\x00\x00", "\x05\xdd", "\x13\xff"}[n%4]
			if n%3 == 0 {
				b := junk(random)
				say = string(binary.BigEndian.AppendUint16(nil, uint16(len(b)))) + string(b)
			}
			m.connect(w, w.near(), 20, say)
			time.Sleep(interval.Duration())
		}
		time.Sleep(8 * time.Second)
		note(t, "connection that pretends to be a link over TCP", m.asked, m.closed(t))
		if _, links := w.strangers(); links.Streams != 0 || links.Stalled != 0 {
			t.Errorf("%+v", links)
		}
		w.join(idle).leave()
		c.end(0)
	})
}

// Datagrams of any kind from who is on no link lead to nothing.
func TestFloodOfDatagrams(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		random := rand.New(rand.NewPCG(1, 2))
		var gang []net.PacketConn
		for range 20 {
			gang = append(gang, w.socket(w.near()))
		}
		_, before := w.strangers()
		sent := 0
		for range 50 {
			for range 100 {
				w.send(gang[random.IntN(len(gang))], junk(random))
				sent++
			}
			time.Sleep(interval.Duration() / 4)
		}
		time.Sleep(time.Second)
		_, after := w.strangers()
		for _, s := range gang {
			_ = s.Close()
		}
		note(t, "datagram of a flood", sent, int(after.Unclaimed-before.Unclaimed))
		c.end(0)
	})
}

// A member who floods his own link with records that are encrypted as they should be
// is cut to what a link may carry, loses it for the gaps that this leaves, and costs the
// call of others nothing.
func TestFloodOverOwnLink(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		eve := w.join(idle)
		time.Sleep(time.Second)
		eve.quiet()
		_, before := w.strangers()
		const length = 2 * time.Second
		sent := 0
		for end := time.Now().Add(length); time.Now().Before(end); time.Sleep(time.Millisecond) {
			eve.Send([]byte("no cell")) // Cells of hers would be late, and counted with those of the call.
			sent++
		}
		_, after := w.strangers()
		flooded := int(after.Flooded - before.Flooded)
		if flooded == 0 || eve.Err() == nil {
			t.Errorf("%d were too many, and the link: %v", flooded, eve.Err())
		}
		// The two of the call send the same in each second, which is not much.
		rate, honest := rtc.Rate(interval.Duration(), 1, 1), 2*2*int(time.Second/interval.Duration())
		seconds := int(length / time.Second)
		taken := int(after.Datagrams-before.Datagrams) - flooded - seconds*honest
		beyond := sent - (seconds+1)*rate
		note(t, "record of a flood over the own link, beyond its rate", beyond, min(beyond, sent-taken))
		c.end(0)
		eve.Close()
	})
}

// junk is a datagram that looks a little like something.
func junk(random *rand.Rand) []byte {
	b := make([]byte, 1+random.IntN(1300))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	switch random.IntN(3) {
	case 0: // STUN, with a name that is none.
		copy(b, "\x00\x01\x00\x08\x21\x12\xa4\x42transaction!\x00\x06\x00\x04")
		if len(b) > 28 {
			b = b[:28]
		}
	case 1: // The beginning of DTLS.
		copy(b, "\x16\xfe\xff\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x01")
	}
	return b
}

// A crash under attack is found in time: all of this, at once.
func TestEverythingAtOnce(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		random := rand.New(rand.NewPCG(3, 4))
		eve := w.socket(w.near())
		defer eve.Close()
		var m mob
		host := w.near()
		_, before := w.strangers()
		sent := 0
		for n := range 40 {
			m.connect(w, host, 10, hello[:n%len(hello)])
			for range 25 {
				w.send(eve, junk(random))
				sent++
			}
			if n%10 == 0 {
				w.member()
			}
			time.Sleep(interval.Duration())
		}
		time.Sleep(12 * time.Second)
		_, after := w.strangers()
		note(t, "connection in the middle of everything", m.asked, m.closed(t))
		note(t, "datagram in the middle of everything", sent, int(after.Unclaimed-before.Unclaimed))
		if s := w.status(); s.Online != 2 || s.Places != node.DefaultSettings().MaxUsers {
			t.Errorf("%+v", s)
		}
		c.end(0)
	})
}
