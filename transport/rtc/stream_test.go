package rtc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

// pair returns both ends of a connection of the system.
func pair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = a.Close()
		_ = b.Close()
	})
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

// looseStreams returns streams of no socket: what they deliver stays in the inbox.
func looseStreams() *streams { return newStreams(&net.UDPAddr{}, func() {}) }

// Who does not read loses what is sent to him, and keeps nobody: sending never
// waits, the system holds two frames and no more, and another stream gets all of
// its own at once. When he reads again, what he gets are whole frames.
func TestStalledStream(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	all := looseStreams()
	defer all.close()
	var ends [2]*net.TCPConn
	var own [2]*stream
	for i := range own {
		near, far := pair(t)
		if err := far.SetReadBuffer(8 << 10); err != nil {
			t.Fatal(err)
		}
		at := standIn(false, uint64(i))
		all.add(near, at, nil)
		ends[i], own[i] = far, all.get(at)
		if !own[i].bind(1, 0) {
			t.Fatal("it is bound already")
		}
	}
	const size, sent = 1200, 8000
	stalled, other := own[0], own[1]
	b, frames, got := make([]byte, size), newFrames(ends[1]), make([]byte, maxFrame)
	for n := range sent {
		binary.BigEndian.PutUint32(b, uint32(n))
		stalled.put(b)
		other.put(b)
		if _, err := frames.next(got); err != nil || binary.BigEndian.Uint32(got) != uint32(n) {
			t.Fatalf("frame %d of the other: %v", n, err)
		}
	}
	if waits, most := newGauge(stalled.conn).unsent(), 2*(frameHeader+size); waits > most {
		t.Errorf("the system holds %d bytes of one who does not read", waits)
	}
	lost := int(all.lost.Load())
	if lost < sent/2 {
		t.Errorf("only %d of %d were lost: the system keeps the rest", lost, sent)
	}

	frames = newFrames(ends[0])
	last := -1
	for n := range sent - lost - defaultDepth - besides - 1 { // So many were not lost yet.
		if size, err := frames.next(got); err != nil || size != len(b) {
			t.Fatalf("frame %d after the stall: %v", n, err)
		}
		if k := int(binary.BigEndian.Uint32(got)); k <= last {
			t.Fatalf("%d came after %d", k, last)
		} else {
			last = k
		}
	}
}

// A stream overwrites its oldest while the connection takes nothing, and grows with
// its link.
func TestRingOfAStream(t *testing.T) {
	for depth := range 20 {
		near, far := net.Pipe()
		var lost atomic.Uint64
		s := newStream(near, standIn(false, 1), &looseStreams().inbox, &lost, nil)
		s.put([]byte("before"))
		if depth > 0 && (!s.bind(depth, 0) || s.bind(depth, 0)) {
			t.Fatal("a stream is of one link")
		}
		room := max(depth, defaultDepth) + besides
		for n := range 100 {
			s.put([]byte{byte(n)})
		}
		var f frame
		for n := 100 - room; n < 100; n++ {
			if _, ok, _ := s.take(&f); !ok || !bytes.Equal(f.b[:f.size], framed(string(rune(n)))) {
				t.Fatalf("depth %d: %x instead of %d", depth, f.b[:f.size], n)
			}
		}
		if _, ok, _ := s.take(&f); ok || lost.Load() != uint64(101-room) {
			t.Errorf("depth %d: %d were lost, and there are more: %v", depth, lost.Load(), ok)
		}
		s.put(make([]byte, maxFrame+1))
		if _, ok, _ := s.take(&f); ok {
			t.Error("a datagram without end is sent")
		}
		s.end()
		_ = far.Close()
	}
}

// What the system may hold is counted in frames, whatever their sizes.
func TestRecentFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		room := rapid.IntRange(2, 40).Draw(t, "room")
		sizes := rapid.SliceOf(rapid.IntRange(2, frameHeader+maxFrame)).Draw(t, "sizes")
		var s stream
		for _, size := range sizes {
			s.wrote(size, room)
		}
		want := sizes[max(0, len(sizes)-(room-1)):]
		if !slices.Equal(s.recent, want) && len(want) > 0 {
			t.Errorf("%v are remembered, not %v", s.recent, want)
		}
	})
}

// A link ends its streams, and what it said last is heard.
func TestLastWords(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	all := looseStreams()
	defer all.close()
	p := &port{seen: new(sightings), sock: &socket{streams: all}}
	near, far := pair(t)
	l, at := p.newLane(0), standIn(false, 7)
	all.add(near, at, nil)
	if !l.meets(at) {
		t.Fatal("it is one too many")
	}
	all.get(at).put([]byte("good"))
	all.get(at).put([]byte("bye"))
	l.leave()
	if l.meets(standIn(false, 8)) || l.meets(netip.MustParseAddrPort("192.0.2.1:1")) {
		t.Error("who has left meets others")
	}
	got, err := io.ReadAll(far)
	if !bytes.Equal(got, framed("good", "bye")) || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// A link has so many streams and no more, each stream one link, and none is made up.
func TestStreamsOfALink(t *testing.T) {
	all := looseStreams()
	p := &port{seen: new(sightings), sock: &socket{streams: all}}
	one, two := p.newLane(0), p.newLane(0)
	settled := 0
	for n := range uint64(maxStreams + 1) {
		near, far := net.Pipe()
		t.Cleanup(func() { _ = far.Close() })
		all.add(near, standIn(false, n), func() { settled++ })
		if ok := one.meets(standIn(false, n)); ok != (n < maxStreams) {
			t.Errorf("stream %d: %v", n, ok)
		}
	}
	if two.meets(standIn(false, 0)) {
		t.Error("two links share a stream")
	}
	if !two.meets(standIn(false, maxStreams)) || !one.meets(standIn(false, 0)) {
		t.Error("a stream that is free, or the link's own, is refused")
	}
	if two.meets(standIn(false, 99)) {
		t.Error("a stream that is not there is met")
	}
	if settled != maxStreams+1 || all.count() != maxStreams+1 {
		t.Errorf("%d of %d are settled", settled, all.count())
	}
	all.close()
	near, far := net.Pipe()
	all.add(near, standIn(false, 50), nil)
	if _, err := far.Read(make([]byte, 1)); err == nil || all.count() != 0 {
		t.Error("a stream begins after the end")
	}
}

// Addresses that stand for streams differ, are of the family of the socket, and are
// told from those of people.
func TestStandIns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		six := rapid.Bool().Draw(t, "six")
		n := rapid.Uint64().Draw(t, "n")
		at := standIn(six, n)
		if !isStandIn(at.Addr()) || at.Port() == 0 || at.Addr().Is6() != six || at != plain(at) {
			t.Fatal(at)
		}
		if mapped := netip.AddrFrom16(at.Addr().As16()); !isStandIn(mapped) {
			t.Fatal(mapped)
		}
		if next := standIn(six, n+1); next == at {
			t.Fatalf("%v stands for two", at)
		}
	})
	for _, a := range []string{"192.0.2.1", "255.255.255.255", "239.1.2.3", "2001:db8::1", "::", "::1", "100:0:0:1::"} {
		if isStandIn(netip.MustParseAddr(a)) {
			t.Error(a)
		}
	}
	for local, six := range map[string]bool{"[::]:1": false, "0.0.0.0:1": false, "127.0.0.1:1": false, "[::1]:1": true} {
		s := newStreams(net.UDPAddrFromAddrPort(netip.MustParseAddrPort(local)), func() {})
		if at := s.draw(); at.Addr().Is6() != six {
			t.Errorf("%v stands for a stream at %s", at, local)
		}
	}
}

// FuzzStream has a stranger say something on a connection: no more of it gets on
// than checks of the line may need, and when he is done nothing is left of him.
func FuzzStream(f *testing.F) {
	check := "\x00\x01\x00\x00\x21\x12\xa4\x42transaction!"
	f.Add(framed(check, check), false)
	f.Add(framed(check, "\x17\xfe\xfd no check", check), false)
	f.Add(framed(check, "", check), true)
	f.Add(bytes.Repeat(framed(check), earlyFrames+2), false)
	f.Add(bytes.Repeat(framed("\x17"), inboxSize+2), true)
	f.Add(framed(strings.Repeat("x", maxFrame+1)), true)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), false)
	f.Fuzz(func(t *testing.T, b []byte, bound bool) {
		b = b[:min(len(b), defaultRate*frameHeader)] // More of them are slowed down.
		all, at := looseStreams(), standIn(false, 1)
		near, far := net.Pipe()
		all.add(near, at, nil)
		if bound {
			all.get(at).bind(1, 0)
		}
		_ = far.SetWriteDeadline(time.Now().Add(deadline))
		_, _ = far.Write(b) // It fails when the stream takes no more.
		_ = far.Close()
		all.group.Wait()

		want, _ := oracle(b)
		if !bound {
			wrong := func(d string) bool { return d == "" || d[0] > lastSTUN }
			if n := slices.IndexFunc(want, wrong); n >= 0 {
				want = want[:n]
			}
			want = want[:min(len(want), earlyFrames)]
		}
		want = slices.DeleteFunc(want, func(d string) bool { return d == "" })
		want = want[:min(len(want), inboxSize)]
		var got []string
		for d := make([]byte, maxFrame); ; {
			n, from, ok := all.inbox.take(d)
			if !ok {
				break
			}
			if from != at {
				t.Errorf("it came from %v", from)
			}
			got = append(got, string(d[:n]))
		}
		if !slices.Equal(got, want) || all.count() != 0 {
			t.Errorf("%d of %d datagrams came, and %d streams are left", len(got), len(want), all.count())
		}
	})
}

// The inbox wakes a reader who waits, and loses what is too much.
func TestInbox(t *testing.T) {
	woken := 0
	in := &inbox{rouse: func() { woken++ }}
	b, from := make([]byte, maxFrame), standIn(false, 3)
	for round := range 3 {
		for n := range inboxSize + 10 {
			if ok := in.put(fmt.Append(nil, round, n), from); ok != (n < inboxSize) {
				t.Fatalf("datagram %d: %v", n, ok)
			}
		}
		if woken != round+1 {
			t.Errorf("it was woken %d times", woken)
		}
		for n := range inboxSize {
			size, at, ok := in.take(b)
			if !ok || at != from || string(b[:size]) != fmt.Sprint(round, n) {
				t.Fatalf("datagram %d is %q", n, b[:size])
			}
		}
		if _, _, ok := in.take(b); ok {
			t.Error("there is one more")
		}
	}
}
