package rtc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"undertone/transport/cell"
	"undertone/transport/simnet"
)

// deadPath lets no datagram through, but connections.
var deadPath = simnet.Path{Delay: 20 * time.Millisecond, Loss: 1}

// A twoWayRig is a rig whose server takes streams too, and whose user knows.
type twoWayRig struct {
	*rig
	front   net.Listener
	taking  sync.WaitGroup
	settled atomic.Int64
	dialed  atomic.Int64
	took    time.Duration // until the link was there, or was not
}

// frontPort is where the server takes streams.
const frontPort = 7443

// openTwoWay returns a rig whose link may have failed to open. prepare may change
// how it opens.
func openTwoWay(t *testing.T, line simnet.Path, prepare func(r *twoWayRig, cfg *DialConfig)) (*twoWayRig, error) {
	t.Helper()
	r := &twoWayRig{rig: &rig{star: simnet.New(simnet.Config{Seed: 1})}}
	conn, err := r.star.Server().ListenUDP(3478)
	if err != nil {
		t.Fatal(err)
	}
	if r.front, err = r.star.Server().ListenStream(frontPort); err != nil {
		t.Fatal(err)
	}
	if r.listener, err = NewListener(ListenConfig{Conn: conn, StreamPort: frontPort}); err != nil {
		t.Fatal(err)
	}
	r.taking.Go(func() { r.take(r.front) })
	r.user = r.star.User(line, line)
	cfg := DialConfig{Receive: r.down.receive, Stream: r.connect}
	if cfg.Conn, err = r.user.ListenUDP(0); err != nil {
		t.Fatal(err)
	}
	prepare(r, &cfg)
	start := time.Now()
	r.client, err = Dial(t.Context(), cfg, func(ctx context.Context, offer string) (answer string, err error) {
		answer, r.server, err = r.listener.Accept(ctx, offer, Handlers{Receive: r.up.receive})
		return answer, err
	})
	r.took = time.Since(start)
	if err == nil {
		<-r.server.Opened()
	}
	return r, err
}

// asUsual prepares nothing.
func asUsual(*twoWayRig, *DialConfig) {}

func newTwoWay(t *testing.T, line simnet.Path, prepare func(r *twoWayRig, cfg *DialConfig)) *twoWayRig {
	t.Helper()
	r, err := openTwoWay(t, line, prepare)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// take has the listener adopt whatever connects.
func (r *twoWayRig) take(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		r.listener.Adopt(c, func() { r.settled.Add(1) })
	}
}

func (r *twoWayRig) connect(ctx context.Context) (net.Conn, error) {
	r.dialed.Add(1)
	return r.user.DialContext(ctx, "tcp", fmt.Sprintf("server:%d", frontPort))
}

func (r *twoWayRig) close() {
	_ = r.front.Close()
	r.taking.Wait()
	r.rig.close()
}

// sizes returns what crossed the wire since then, over UDP and in streams.
func (r *twoWayRig) sizes(since time.Time) (udp, streams map[int]int) {
	udp, streams = map[int]int{}, map[int]int{}
	for _, p := range r.star.Since(since) {
		if p.Stream {
			streams[p.Size]++
		} else {
			udp[p.Size]++
		}
	}
	return udp, streams
}

// Where no UDP comes through, a client is there over TCP soon after it was clear
// that none does, and carries on over TCP alone: each cell in a frame and a write of
// its own, and besides them what there is over UDP.
func TestFallback(t *testing.T) {
	for name, least := range map[string]time.Duration{"UDP first": udpTime, "no UDP": -1} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newTwoWay(t, deadPath, func(_ *twoWayRig, cfg *DialConfig) { cfg.UDPTime = min(least, 0) })
				defer r.close()
				if !r.client.OverTCP() || r.dialed.Load() != 1 || r.settled.Load() != 1 {
					t.Errorf("over TCP: %v, by %d connections", r.client.OverTCP(), r.dialed.Load())
				}
				if r.took < least || r.took > max(least, 0)+time.Second {
					t.Errorf("it took %v", r.took)
				}
				r.user.SetPaths(shortPath, shortPath) // UDP is back, and of no interest.
				start := time.Now()
				const count = 200
				r.run(schedule{interval: 40 * time.Millisecond, count: count})
				if r.up.count() != count || r.down.count() != count {
					t.Errorf("%d and %d of %d cells arrived", r.up.count(), r.down.count(), count)
				}
				udp, streams := r.sizes(start)
				if len(udp) > 0 || streams[frameHeader+cellDatagram] != 2*count {
					t.Errorf("over UDP: %v; over TCP: %v", udp, streams)
				}
				for size := range streams {
					if !expected(size-frameHeader, 0) {
						t.Errorf("frames of %d bytes", size)
					}
				}
				if s := r.listener.Stats(); s.Streams != 1 || s.Stalled != 0 || s.Forged != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// Nobody connects who has UDP, even if it is slow and loses much.
func TestNoFallbackWithUDP(t *testing.T) {
	for _, line := range []simnet.Path{{}, {Delay: 300 * time.Millisecond, Loss: 0.02}} {
		bubble(t, func(t *testing.T) {
			r := newTwoWay(t, line, asUsual)
			defer r.close()
			time.Sleep(udpTime)
			if r.dialed.Load() != 0 || r.client.OverTCP() {
				t.Error("it connects over TCP")
			}
			if _, streams := r.sizes(time.Time{}); len(streams) > 0 {
				t.Errorf("over TCP: %v", streams)
			}
		})
	}
}

// UDP that answers while the client connects is what the client takes.
func TestUDPInTheLastMoment(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newTwoWay(t, deadPath, func(r *twoWayRig, cfg *DialConfig) {
			cfg.Stream = func(ctx context.Context) (net.Conn, error) {
				r.user.SetPaths(shortPath, shortPath)
				conn, err := r.connect(ctx)
				time.Sleep(time.Second)
				return conn, err
			}
		})
		defer r.close()
		if r.client.OverTCP() || r.dialed.Load() != 1 {
			t.Errorf("over TCP: %v, by %d connections", r.client.OverTCP(), r.dialed.Load())
		}
		time.Sleep(time.Second)
		if s := r.listener.Stats(); s.Streams != 0 {
			t.Errorf("the connection is still there: %+v", s)
		}
	})
}

// Where neither gets through, it is said of both, in time.
func TestNeitherWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		refused := errors.New("connection refused")
		r, err := openTwoWay(t, deadPath, func(_ *twoWayRig, cfg *DialConfig) {
			cfg.Stream = func(context.Context) (net.Conn, error) { return nil, refused }
		})
		defer r.close()
		if !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrLost) || !errors.Is(err, refused) {
			t.Error(err)
		}
		if r.took > openTimeout+time.Second {
			t.Errorf("it took %v", r.took)
		}
	})
}

// A server that takes no streams, as older ones do not, is not bothered with one,
// not even by a client that would rather have it.
func TestServerWithoutStreams(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newTwoWay(t, shortPath, func(r *twoWayRig, cfg *DialConfig) {
			r.listener.streamPort, cfg.UDPTime = 0, -1
		})
		defer r.close()
		if r.client.OverTCP() || r.dialed.Load() != 0 {
			t.Error("it connects over TCP")
		}
	})
}

// traceOverTCP is trace for a user without UDP.
func traceOverTCP(t *testing.T, s schedule) (packets []simnet.Packet) {
	t.Helper()
	bubble(t, func(t *testing.T) {
		r := newTwoWay(t, deadPath, asUsual)
		defer r.close()
		start := r.run(s)
		packets = r.star.Since(start.Add(-time.Second))
		if r.up.count() != s.count || r.down.count() != s.count {
			t.Errorf("only %d and %d of %d cells arrived", r.up.count(), r.down.count(), s.count)
		}
	})
	return packets
}

// TestTraceEqualityOverTCP: what is in the cells shows over TCP neither in when
// something is written nor in how long it is; and what would show is seen.
func TestTraceEqualityOverTCP(t *testing.T) {
	const count = 300
	base := schedule{interval: 40 * time.Millisecond, count: count}
	first := traceOverTCP(t, base)
	if len(first) < 2*count || slices.ContainsFunc(first, func(p simnet.Packet) bool { return !p.Stream }) {
		t.Fatalf("%d packets were seen, not all of them in streams", len(first))
	}
	s := base
	s.fill = func(n int, b []byte) {
		for i := range b {
			b[i] = byte(n / 100 * 255)
		}
	}
	if d := simnet.Diff(first, traceOverTCP(t, s)); d != "" {
		t.Errorf("what is in cells shows: %s", d)
	}
	for name, s := range map[string]schedule{
		"an extra byte": {interval: base.interval, count: count, longer: map[int]int{count / 2: 1}},
		"1 ms":          {interval: base.interval, count: count, late: map[int]time.Duration{count / 2: time.Millisecond}},
	} {
		if simnet.Diff(first, traceOverTCP(t, s)) == "" {
			t.Errorf("%s: not seen", name)
		}
	}
}

// Batches go over TCP as over UDP, and none of a batch is lost for its size.
func TestBatchesOverTCP(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const batch, batches = 13, 50
		r := newTwoWay(t, deadPath, func(_ *twoWayRig, cfg *DialConfig) { cfg.Depth = batch })
		defer r.close()
		for n := range batch * batches {
			if n%batch == 0 {
				time.Sleep(cell.Interval100.Duration())
			}
			b := make([]byte, MaxMessage)
			b[0], b[1], b[2], b[3] = 0, 0, byte(n>>8), byte(n)
			r.client.Send(b)
		}
		time.Sleep(time.Second)
		if r.up.count() != batch*batches {
			t.Errorf("%d of %d arrived: %+v, %+v", r.up.count(), batch*batches, r.client.Stats(), r.listener.Stats())
		}
	})
}

// Strangers who connect are cut off, for whatever they do, within seconds, and cost
// a link nothing.
func TestStrangersAtTheFront(t *testing.T) {
	check := string(framed("\x00\x01\x00\x08\x21\x12\xa4\x42transaction!\x00\x06\x00\x04eve:"))
	for name, test := range map[string]struct {
		says  string
		slow  bool // a byte in half a second
		holds time.Duration
	}{
		"silence":                {"", false, streamTime},
		"half a length":          {"\x00", false, streamTime},
		"half a frame":           {check[:9], false, streamTime},
		"a check, by the byte":   {check, true, streamTime},
		"checks of nobody":       {strings.Repeat(check, earlyFrames), false, streamTime},
		"a check too many":       {strings.Repeat(check, earlyFrames+1), false, 0},
		"a flood of checks":      {strings.Repeat(check, 5000), false, 0},
		"a frame without end":    {"\xff\xff", false, 0},
		"a frame that is long":   {string(framed(strings.Repeat("\x00", maxFrame+1))), false, 0},
		"an empty frame":         {"\x00\x00", false, 0},
		"data without a check":   {string(framed("\x17\xfe\xfd\x00\x01")), false, 0},
		"a check, and then data": {check + string(framed("\x16\xfe\xff\x00\x00")), false, 0},
		"another language":       {"GET / HTTP/1.1\r\n\r\n", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newTwoWay(t, deadPath, asUsual)
				defer r.close()
				eve, err := r.star.User(simnet.Path{}, simnet.Path{}).DialContext(t.Context(), "tcp", fmt.Sprintf("server:%d", frontPort))
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				var talk sync.WaitGroup
				talk.Go(func() {
					for b := []byte(test.says); len(b) > 0; {
						n := len(b)
						if test.slow {
							n = 1
							time.Sleep(time.Second / 2)
						}
						if _, err := eve.Write(b[:n]); err != nil {
							return
						}
						b = b[n:]
					}
				})
				got, err := io.ReadAll(eve)
				if took := time.Since(start); took != test.holds || len(got) > 0 {
					t.Errorf("cut off after %v, not %v, with %q: %v", took, test.holds, got, err)
				}
				_ = eve.Close()
				talk.Wait()
				const count = 50
				r.run(schedule{interval: 40 * time.Millisecond, count: count})
				if r.up.count() != count || r.down.count() != count || r.settled.Load() != 1 {
					t.Errorf("%d and %d of %d cells arrived, on %d streams", r.up.count(), r.down.count(), count, r.settled.Load())
				}
				if s := r.listener.Stats(); s.Streams != 1 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// A deafSocket is one of the system through which nothing comes or goes.
type deafSocket struct{ net.PacketConn }

func (deafSocket) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), nil }

// TestLoopbackOverTCP runs clients without UDP on connections of the system, beside
// one with UDP, and checks that nothing is left when they have closed.
func TestLoopbackOverTCP(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			s, err := NewListener(ListenConfig{Address: net.JoinHostPort(host, "0"), StreamPort: frontPort})
			if err != nil {
				t.Fatal(err)
			}
			front, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
			if err != nil {
				t.Fatal(err)
			}
			r := &twoWayRig{rig: &rig{listener: s}, front: front}
			r.taking.Go(func() { r.take(front) })
			connect := func(ctx context.Context) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", front.Addr().String())
			}
			var links []*realLink
			for n := range 3 {
				cfg := DialConfig{Stream: connect}
				if n > 0 {
					conn, err := net.ListenPacket("udp", net.JoinHostPort(host, "0"))
					if err != nil {
						t.Fatal(err)
					}
					cfg.Conn, cfg.UDPTime = deafSocket{conn}, 20*time.Millisecond
				}
				links = append(links, dialRealBy(t, s, cfg, Handlers{}))
				if got := links[n].client.OverTCP(); got != (n > 0) {
					t.Errorf("client %d is over TCP: %v", n, got)
				}
			}
			for i, l := range links {
				l.exchange(t, fmt.Sprint("first ", i))
			}
			links[1].client.Close()
			waitReal(t, links[1].server)
			links[0].exchange(t, "second 0")
			links[2].exchange(t, "second 2")
			links[2].server.Close()
			waitReal(t, links[2].client)
			_ = front.Close()
			r.taking.Wait()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			for _, l := range links {
				l.client.Close()
			}
		})
	}
}

// The candidates of both ways are those that RFC 8839 and RFC 6544 describe, and
// those of TCP come only where they are asked for.
func TestCandidatesOfBothWays(t *testing.T) {
	l, err := NewListener(ListenConfig{Address: "127.0.0.1:0", StreamPort: 443})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for offer, want := range map[string][]string{
		documentedOffer: {"1 1 udp 2130706431 127.0.0.1"},
		documentedOffer + "a=candidate:" + activeCandidate + "\r\n": {
			"1 1 udp 2130706431 127.0.0.1", "2 1 tcp 1520435199 127.0.0.1 443 typ host tcptype passive",
		},
	} {
		answer, _, err := l.Accept(t.Context(), offer, Handlers{})
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(answer, "a=candidate:"); n != len(want) {
			t.Errorf("%d candidates in\n%s", n, answer)
		}
		for _, c := range want {
			if !strings.Contains(answer, "a=candidate:"+c) {
				t.Errorf("there is no %q in\n%s", c, answer)
			}
		}
	}
	for value, want := range map[string]bool{
		activeCandidate: true,
		"1 1 TCP 1 192.0.2.1 9 typ host tcptype active generation 0":           true,
		"1 1 tcp 1 x.local 9 typ host generation 0 tcptype active":             true,
		"1 1 tcp 1 192.0.2.1 9 typ srflx raddr 0.0.0.0 rport 0 tcptype active": true,
		"1 1 tcp 1 192.0.2.1 9 typ host tcptype passive":                       false,
		"1 2 tcp 1 192.0.2.1 9 typ host tcptype active":                        false,
		"1 1 udp 1 192.0.2.1 9 typ host tcptype active":                        false,
		"1 1 tcp 1 192.0.2.1 9 typ host generation tcptype":                    false,
		"1 1 tcp 1 192.0.2.1 9 typ host":                                       false,
		"":                                                                     false,
	} {
		if got := hasTCPType(value, "active"); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

// A client's offer with the request for TCP has one length, too, and holds nothing
// of the client.
func TestOfferThatAsksForTCP(t *testing.T) {
	lengths, stop := map[int]bool{}, errors.New("enough")
	for range 4 {
		_, err := Dial(t.Context(), DialConfig{Stream: func(context.Context) (net.Conn, error) { return nil, stop }},
			func(_ context.Context, offer string) (string, error) {
				lengths[len(offer)] = true
				clean, active, err := readOffer(offer)
				if err != nil || !active || strings.Contains(clean, "candidate") || strings.Count(offer, "candidate:") != 1 {
					t.Errorf("%v\n%s", err, offer)
				}
				return "", stop
			})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
	}
	if len(lengths) != 1 {
		t.Errorf("offers have lengths %v", slices.Sorted(maps.Keys(lengths)))
	}
}
