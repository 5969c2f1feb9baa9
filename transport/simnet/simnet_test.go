package simnet

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// exchange sends n datagrams of the given size each way every 10 ms and returns
// what arrived at the server and when, and what the observer saw.
func exchange(t *testing.T, seed uint64, up, down Path, n int, content byte) (arrivals []time.Time, seen []Packet) {
	t.Helper()
	star := New(Config{Seed: seed})
	defer star.Close()
	server, err := star.Server().ListenUDP(3478)
	if err != nil {
		t.Fatal(err)
	}
	user := star.User(up, down)
	client, err := user.ListenUDP(0)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 2000)
		for {
			n, from, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			arrivals = append(arrivals, time.Now())
			if _, err := server.WriteTo(b[:n], from); err != nil {
				return
			}
		}
	}()
	message := []byte(strings.Repeat(string(rune(content)), 100))
	for range n {
		if _, err := client.WriteTo(message, server.LocalAddr()); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(2 * time.Second)
	_ = server.Close()
	_ = client.Close()
	<-done
	return arrivals, star.Packets()
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		arrivals, seen := exchange(t, 1, Path{Delay: 70 * time.Millisecond}, Path{Delay: 30 * time.Millisecond}, 5, 'a')
		if len(arrivals) != 5 || len(seen) != 10 {
			t.Fatalf("%d arrivals, %d packets seen", len(arrivals), len(seen))
		}
		for i, at := range arrivals {
			if want := time.Duration(i)*10*time.Millisecond + 70*time.Millisecond; at.Sub(start) != want {
				t.Errorf("datagram %d arrived after %v, not %v", i, at.Sub(start), want)
			}
		}
	})
}

func TestLossAndJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 4000
		start := time.Now()
		path := Path{Delay: 20 * time.Millisecond, Jitter: 30 * time.Millisecond, Loss: 0.05}
		arrivals, seen := exchange(t, 7, path, Path{}, n, 'a')
		if lost := n - len(arrivals); lost < n*4/100 || lost > n*6/100 {
			t.Errorf("%d of %d lost, about 5 %% expected", lost, n)
		}
		if !slices.IsSortedFunc(arrivals, time.Time.Compare) {
			t.Error("datagrams overtook each other")
		}
		lost := 0
		for _, p := range seen {
			if p.Lost {
				lost++
			}
		}
		if lost != n-len(arrivals) {
			t.Errorf("the observer counts %d lost, the server misses %d", lost, n-len(arrivals))
		}
		spread := map[time.Duration]bool{}
		for _, at := range arrivals {
			spread[at.Sub(start)%(10*time.Millisecond)] = true
		}
		if len(spread) < 100 {
			t.Errorf("only %d different delays", len(spread))
		}
	})
}

// TestOvertaking numbers datagrams: those that are held back arrive that much later,
// after the three that are sent in the meantime, and all others at their time.
func TestOvertaking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, share, hold = 2000, 0.1, 35 * time.Millisecond
		star := New(Config{Seed: 7})
		defer star.Close()
		server, err := star.Server().ListenUDP(3478)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		client, err := star.User(Path{Delay: 20 * time.Millisecond, Held: share, Hold: hold}, Path{}).ListenUDP(0)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		start := time.Now()
		go func() {
			for i := range n {
				if _, err := client.WriteTo([]byte{byte(i), byte(i >> 8)}, server.LocalAddr()); err != nil {
					t.Error(err)
				}
				time.Sleep(10 * time.Millisecond)
			}
		}()
		held, overtaken, newest := 0, 0, -1
		for b := make([]byte, 2); newest < n-1; {
			if _, _, err := server.ReadFrom(b); err != nil {
				t.Fatal(err)
			}
			i := int(b[0]) + int(b[1])<<8
			switch late := time.Since(start) - time.Duration(i)*10*time.Millisecond - 20*time.Millisecond; late {
			case 0:
			case hold:
				held++
			default:
				t.Fatalf("datagram %d is %v late", i, late)
			}
			if i < newest {
				overtaken++
			}
			newest = max(newest, i)
		}
		if held < n*share*7/10 || held > n*share*13/10 || overtaken < held*9/10 {
			t.Errorf("of %d datagrams %d were held back and %d overtaken, want a share of %v", n, held, overtaken, share)
		}
	})
}

// TestFate has somebody in the middle drop, delay and double datagrams.
func TestFate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const late = 25 * time.Millisecond
		path := Path{Delay: 20 * time.Millisecond, Fate: func(at time.Duration, size int) []time.Duration {
			if size != 100 {
				t.Errorf("a datagram of %d bytes", size)
			}
			n := int(at / (10 * time.Millisecond))
			return [][]time.Duration{0: {}, 1: {0}, 2: {0, late}, 3: {late}}[n%4]
		}}
		arrivals, seen := exchange(t, 1, path, Path{}, 8, 'x')
		start := seen[0].At
		var got []time.Duration
		for _, at := range arrivals {
			got = append(got, at.Sub(start))
		}
		var want []time.Duration
		for round := range 2 {
			for _, ms := range []int{10 + 20, 20 + 20, 20 + 20 + 25, 30 + 20 + 25} {
				want = append(want, time.Duration(ms+40*round)*time.Millisecond)
			}
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("datagrams came at %v, want %v", got, want)
		}
		if lost := slices.IndexFunc(seen, func(p Packet) bool { return p.Lost }); lost != 0 {
			t.Errorf("the first packet that was dropped is number %d", lost)
		}
	})
}

// TestFateFollowsSeed checks that loss and delay depend on the seed and not on
// the content.
func TestFateFollowsSeed(t *testing.T) {
	path := Path{Delay: 20 * time.Millisecond, Jitter: 30 * time.Millisecond, Loss: 0.05, Held: 0.05, Hold: 50 * time.Millisecond}
	run := func(seed uint64, content byte) (list []Packet) {
		synctest.Test(t, func(t *testing.T) { _, list = exchange(t, seed, path, path, 500, content) })
		return list
	}
	first := run(1, 'a')
	if d := Diff(first, run(1, 'b')); d != "" {
		t.Error("other content, other fate: ", d)
	}
	if Diff(first, run(2, 'a')) == "" {
		t.Error("another seed gives the same fate")
	}
}

func TestCutLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		arrivals, _ := exchange(t, 1, Path{Loss: 1}, Path{}, 100, 'a')
		if len(arrivals) != 0 {
			t.Errorf("%d datagrams crossed a cut line", len(arrivals))
		}
	})
}

func TestDiff(t *testing.T) {
	p := func(ms, size int) Packet { return Packet{At: time.UnixMilli(int64(ms)), Size: size} }
	a := []Packet{p(1, 100), p(2, 100)}
	if d := Diff(a, slices.Clone(a)); d != "" {
		t.Errorf("same lists differ: %s", d)
	}
	for name, b := range map[string][]Packet{
		"extra byte":      {p(1, 100), p(2, 101)},
		"1 ms":            {p(1, 100), p(3, 100)},
		"missing packet":  {p(1, 100)},
		"one packet more": {p(1, 100), p(2, 100), p(3, 100)},
	} {
		if Diff(a, b) == "" {
			t.Errorf("%s: not seen", name)
		}
	}
}

// TestSignalling runs HTTP over TLS through the star, as signalling does.
func TestSignalling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		star := New(Config{})
		defer star.Close()
		listener, err := star.Server().ListenStream(443)
		if err != nil {
			t.Fatal(err)
		}
		user := star.User(Path{Delay: 40 * time.Millisecond}, Path{Delay: 10 * time.Millisecond})

		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, r.Body)
		}))
		_ = server.Listener.Close()
		server.Listener = listener
		server.StartTLS()
		defer server.Close()

		transport := &http.Transport{
			DialContext:       user.DialContext,
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the star has no certificates
		}
		client := &http.Client{Transport: transport}
		start := time.Now()
		response, err := client.Post("https://server:443/", "text/plain", strings.NewReader("offer"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || string(body) != "offer" {
			t.Fatalf("got %q, %v", body, err)
		}
		_ = response.Body.Close()
		if took := time.Since(start); took != 150*time.Millisecond {
			t.Errorf("took %v: connection, TLS 1.3 and request are three round trips of 50 ms", took)
		}
		if len(star.Packets()) == 0 || !star.Packets()[0].Stream {
			t.Error("the observer did not see the connection")
		}
	})
}

func TestStreamEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		star := New(Config{})
		defer star.Close()
		listener, err := star.Server().ListenStream(0)
		if err != nil {
			t.Fatal(err)
		}
		user := star.User(Path{Delay: 5 * time.Millisecond}, Path{})
		conn, err := user.DialContext(t.Context(), "tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		far, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.LocalAddr().(*net.TCPAddr).AddrPort().Addr(); got != user.Addr() {
			t.Errorf("local address %v", got)
		}
		if err := far.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read without data: %v", err)
		}
		_ = far.SetReadDeadline(time.Time{})
		_, _ = conn.Write([]byte("last words"))
		_ = conn.Close()
		got, err := io.ReadAll(far)
		if err != nil || string(got) != "last words" {
			t.Errorf("got %q, %v", got, err)
		}
		_ = listener.Close()
		if _, err := user.DialContext(t.Context(), "tcp", listener.Addr().String()); err == nil {
			t.Error("dialled a closed listener")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := user.DialContext(ctx, "tcp", "server:1"); err == nil {
			t.Error("dialled with a cancelled context")
		}
	})
}

func TestUsersDoNotReachEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		star := New(Config{})
		defer star.Close()
		a, err := star.User(Path{}, Path{}).ListenUDP(0)
		if err != nil {
			t.Fatal(err)
		}
		b, err := star.User(Path{}, Path{}).ListenUDP(0)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = a.WriteTo([]byte("x"), b.LocalAddr())
		_ = b.SetReadDeadline(time.Now().Add(time.Second))
		if _, _, err := b.ReadFrom(make([]byte, 10)); err == nil {
			t.Error("a datagram went past the server")
		}
		if from := a.LocalAddr().(*net.UDPAddr).AddrPort(); from.Addr() != netip.MustParseAddr("10.1.0.1") {
			t.Errorf("first user is at %v", from)
		}
		_, _ = a.Close(), b.Close()
	})
}
