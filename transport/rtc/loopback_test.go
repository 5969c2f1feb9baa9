package rtc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"undertone/transport/cell"
)

// deadline bounds what takes milliseconds on a machine that is not busy.
const deadline = 20 * time.Second

// realLink is a link over sockets of the operating system.
type realLink struct {
	client, server *Link
	up, down       chan []byte // what arrived at the server and at the client
}

func dialReal(t *testing.T, s *Listener, conn net.PacketConn, h Handlers) *realLink {
	t.Helper()
	return dialRealBy(t, s, DialConfig{Conn: conn}, h)
}

func dialRealBy(t *testing.T, s *Listener, cfg DialConfig, h Handlers) *realLink {
	t.Helper()
	r := &realLink{up: make(chan []byte, 100), down: make(chan []byte, 100)}
	h.Receive = func(b []byte, _ time.Time) { r.up <- bytes.Clone(b) }
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	var err error
	cfg.Receive = func(b []byte, _ time.Time) { r.down <- bytes.Clone(b) }
	r.client, err = Dial(ctx, cfg, func(ctx context.Context, offer string) (answer string, err error) {
		answer, r.server, err = s.Accept(ctx, offer, h)
		return answer, err
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.server.Opened():
	case <-time.After(deadline):
		t.Fatal("the server's side did not open")
	}
	return r
}

// exchange sends one cell each way and checks that both arrive.
func (r *realLink) exchange(t *testing.T, mark string) {
	t.Helper()
	var up, down cell.Cell
	copy(up[:], "up "+mark)
	copy(down[:], "down "+mark)
	r.client.Send(up[:])
	r.server.Send(down[:])
	for want, got := range map[*cell.Cell]chan []byte{&up: r.up, &down: r.down} {
		select {
		case b := <-got:
			if !bytes.Equal(b, want[:]) {
				t.Errorf("got %q, not %q", b[:20], want[:20])
			}
		case <-time.After(deadline):
			t.Fatalf("no cell arrived: client %v, server %v", r.client.Err(), r.server.Err())
		}
	}
}

// TestLoopback runs several clients on one server port, over each kind of
// socket, and checks that nothing is left when they have closed.
func TestLoopback(t *testing.T) {
	for name, test := range map[string]struct {
		listen  string
		reached string
	}{
		"IPv4":               {"127.0.0.1:0", ""},
		"IPv6":               {"[::1]:0", ""},
		"any address":        {":0", ""},
		"any IPv4 address":   {"0.0.0.0:0", ""},
		"reached over IPv4":  {":0", "127.0.0.1"},
		"reached over IPv6":  {":0", "::1"},
		"reached as 4-in-6":  {":0", "::ffff:127.0.0.1"},
		"reached impossibly": {"0.0.0.0:0", "::1"},
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			s, err := NewListener(ListenConfig{Address: test.listen})
			if err != nil {
				t.Fatal(err)
			}
			var h Handlers
			if test.reached != "" {
				h.Reached = netip.MustParseAddr(test.reached)
			}
			var links []*realLink
			for range 3 {
				links = append(links, dialReal(t, s, nil, h))
			}
			for i, r := range links {
				r.exchange(t, fmt.Sprint("first ", i))
			}
			links[0].client.Close()
			waitReal(t, links[0].server)
			for i, r := range links[1:] {
				r.exchange(t, fmt.Sprint("second ", i))
			}
			links[1].server.Close()
			waitReal(t, links[1].client)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			waitReal(t, links[2].client)
			for _, r := range links {
				r.client.Close()
			}
		})
	}
}

func waitReal(t *testing.T, l *Link) {
	t.Helper()
	select {
	case <-l.Done():
	case <-time.After(deadline):
		t.Fatal("the link lives on")
	}
}

// TestPublicAddress puts a server behind a mapping of addresses: only the
// configured one may be in the answer, and it must work.
func TestPublicAddress(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	public := netip.MustParseAddr("127.0.0.1")
	s, err := NewListener(ListenConfig{Address: "0.0.0.0:0", Public: []netip.Addr{public}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	r := dialReal(t, s, nil, Handlers{Reached: netip.MustParseAddr("192.0.2.7")})
	r.exchange(t, "public")
	r.client.Close()

	answer := answerOf(t, s)
	want := fmt.Sprintf("udp 2130706431 127.0.0.1 %d typ host", s.Addr().Port())
	if strings.Count(answer, "a=candidate") != 1 || !strings.Contains(answer, want) {
		t.Errorf("answer:\n%s", answer)
	}
}

// answerOf returns an answer of s to somebody who does not go on.
func answerOf(t *testing.T, s *Listener) (answer string) {
	t.Helper()
	stop := errors.New("enough")
	_, err := Dial(t.Context(), DialConfig{}, func(ctx context.Context, offer string) (string, error) {
		var l *Link
		var err error
		if answer, l, err = s.Accept(ctx, offer, Handlers{}); err != nil {
			return "", err
		}
		l.Close()
		return "", stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	return answer
}

// TestTap checks that a tap sees every datagram of its client, with the sizes
// that the simulated network shows, and no datagram of another client.
func TestTap(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s, err := NewListener(ListenConfig{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var mu sync.Mutex
	seen := map[bool]map[int]int{true: {}, false: {}}
	before := time.Now()
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		t.Fatal(err)
	}
	tapped := dialReal(t, s, Tap(conn, func(at time.Time, sent bool, size int) {
		if at.Before(before) || time.Since(at) > deadline {
			t.Errorf("datagram at %v", at)
		}
		mu.Lock()
		defer mu.Unlock()
		seen[sent][size]++
	}), Handlers{})
	other := dialReal(t, s, nil, Handlers{})
	const cells = 20
	for i := range cells {
		tapped.exchange(t, fmt.Sprint(i))
		other.exchange(t, fmt.Sprint(i))
	}
	tapped.client.Close()
	other.client.Close()
	mu.Lock()
	defer mu.Unlock()
	for sent, sizes := range seen {
		if sizes[cellDatagram] != cells {
			t.Errorf("sent %v: %d datagrams with a cell, not %d: %v", sent, sizes[cellDatagram], cells, sizes)
		}
	}
}

func TestListenErrors(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	if _, err := NewListener(ListenConfig{Address: "nonsense"}); err == nil {
		t.Error("listens at nonsense")
	}
	s, err := NewListener(ListenConfig{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if _, err := NewListener(ListenConfig{Address: s.Addr().String()}); err == nil {
		t.Error("listens at a port in use")
	}
	if _, _, err := s.Accept(t.Context(), "v=0\r\n", Handlers{}); !errors.Is(err, ErrOffer) {
		t.Errorf("malformed offer: %v", err)
	}
	for _, answer := range []string{"", "v=0\r\n", strings.Repeat("a", maxSDP+1)} {
		_, err := Dial(t.Context(), DialConfig{}, func(context.Context, string) (string, error) { return answer, nil })
		if !errors.Is(err, ErrAnswer) {
			t.Errorf("malformed answer: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Dial(ctx, DialConfig{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
