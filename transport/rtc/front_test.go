package rtc

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"undertone/transport/simnet"
)

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
