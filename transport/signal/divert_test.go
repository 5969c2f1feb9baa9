package signal

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"undertone/transport/throttle"
)

// A taker is whom connections are handed to that are no TLS.
type taker struct {
	mu      sync.Mutex
	conns   []net.Conn
	settled []func()
}

func (k *taker) take(c net.Conn, settled func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.conns, k.settled = append(k.conns, c), append(k.settled, settled)
}

// newDiverted starts a server that hands over what is no TLS.
func newDiverted(t *testing.T, gate Gate, l Limits) (*world, *taker) {
	t.Helper()
	w, k := newWorld(t, gate), new(taker)
	w.stop()
	w.guard = NewGuard(l)
	w.guard.Divert(k.take)
	w.stop = w.serve(w.root, time.Now(), NewHandler(Config{Server: w.uri, Gate: gate}))
	return w, k
}

// A connection that is no TLS goes elsewhere, with all that it says and without the
// times of HTTP, and TLS goes on beside it.
func TestDivert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, k := newDiverted(t, gateFunc(open), Limits{})
		defer w.close()
		conns := w.connect(w.host(), 1, 0)
		defer conns.close()
		const first, second = "\x00\x05first", "\x00\x06second"
		if _, err := io.WriteString(conns[0], first); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if len(k.conns) != 1 {
			t.Fatalf("%d connections were handed over", len(k.conns))
		}
		k.settled[0]()
		time.Sleep(2 * responseTime) // Longer than HTTP lets anybody wait.
		if _, err := io.WriteString(conns[0], second); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(first+second))
		if _, err := io.ReadFull(k.conns[0], got); err != nil || string(got) != first+second {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := io.WriteString(k.conns[0], "back"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conns[0], got[:4]); err != nil || string(got[:4]) != "back" {
			t.Errorf("%q, %v", got[:4], err)
		}
		if err := w.online(w.host()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if n := w.guard.places(); n != 0 {
			t.Errorf("%d places are taken", n)
		}
		_ = k.conns[0].Close()
		if !isCut(t, conns[0]) {
			t.Error("it stays open")
		}
	})
}

// places returns how many places are taken, and how many of them by early ones.
func (g *Guard) places() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, h := range []*hall{g.friends, g.others} {
		if h.open != h.early.Len() {
			return -1 // Nobody is at the gate when a test asks.
		}
	}
	return g.friends.open + g.others.open
}

// Those who were handed over hold a place until it is known whose they are, count
// for their address, and are cut for others like everybody who is early.
func TestDivertedHoldPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const places, perAddress = 6, 4
		w, k := newDiverted(t, gateFunc(open), Limits{Open: places, OpenPerAddress: perAddress})
		defer w.close()
		eve := w.host()
		crowd := w.connect(eve, perAddress+3, 0)
		defer crowd.close()
		for _, c := range crowd {
			_, _ = c.Write([]byte{0, 1, 1}) // Some are cut already.
		}
		time.Sleep(oneWay * 2)
		synctest.Wait()
		if len(k.conns) != perAddress || w.guard.places() != perAddress {
			t.Errorf("%d were handed over, and %d hold places", len(k.conns), w.guard.places())
		}
		k.settled[0]()
		k.settled[0]()         // As if that could happen.
		_ = k.conns[1].Close() // One that was nobody's.
		_ = k.conns[1].Close()
		if n := w.guard.places(); n != perAddress-2 {
			t.Errorf("%d places are taken", n)
		}
		more := append(w.connect(w.host(), perAddress, 0), w.connect(w.host(), perAddress, 0)...)
		defer more.close()
		time.Sleep(patience)
		if err := w.online(w.host()); err != nil {
			t.Errorf("those who say nothing keep others out: %v", err)
		}
		if _, err := k.conns[2].Write([]byte("x")); !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the oldest was not cut: %v", err)
		}
		if _, err := k.conns[0].Write([]byte("x")); err != nil {
			t.Errorf("who is somebody's was cut: %v", err)
		}
		for _, c := range k.conns {
			_ = c.Close()
		}
	})
}

// Without anybody who takes them they are cut as nonsense is.
func TestNobodyTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newGuarded(t, gateFunc(open), Limits{Address: throttle.Rate{Burst: 10, PerSecond: 10}})
		defer w.close()
		conns := w.connect(w.host(), 1, 0)
		defer conns.close()
		_, _ = io.WriteString(conns[0], "\x00\x05first")
		_ = conns[0].SetReadDeadline(time.Now().Add(time.Second))
		if got, err := io.ReadAll(conns[0]); err != nil || strings.Contains(string(got), "HTTP") {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// FuzzDivert gives a guest whatever a stranger may begin with: it goes one way or
// the other, whole, and when all is closed no place is taken.
func FuzzDivert(f *testing.F) {
	f.Add([]byte("\x16\x03\x01\x07\x00\x01"), true)
	f.Add([]byte("\x00\x14\x00\x01\x00\x00\x21\x12\xa4\x42transaction!"), true)
	f.Add([]byte("\x13"), true)
	f.Add([]byte("\x14"), true)
	f.Add([]byte("\x00\x00"), false)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, b []byte, takes bool) {
		g, k := NewGuard(Limits{}), new(taker)
		if takes {
			g.Divert(k.take)
		}
		near, far := net.Pipe()
		c := g.admit(near, time.Now())
		if c == nil {
			t.Fatal("the first is one too many")
		}
		go func() {
			_, _ = far.Write(b)
			_ = far.Close()
		}()
		got, err := io.ReadAll(c)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		var elsewhere []byte
		for _, d := range k.conns {
			rest, err := io.ReadAll(d)
			if err != nil {
				t.Fatal(err)
			}
			elsewhere = append(elsewhere, rest...)
			_ = d.Close()
		}
		want, wantElsewhere := b, []byte(nil)
		if takes && len(b) > 0 && b[0] < firstTLS {
			want, wantElsewhere = nil, b
		}
		if !bytes.Equal(got, want) || !bytes.Equal(elsewhere, wantElsewhere) || len(k.conns) > 1 {
			t.Errorf("%q for TLS, and %q in %d other connections", got, elsewhere, len(k.conns))
		}
		if n := g.places(); n != 0 {
			t.Errorf("%d places are taken", n)
		}
	})
}
