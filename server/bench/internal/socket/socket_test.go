package socket

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	here  = netip.MustParseAddr("127.0.0.1")
	there = netip.MustParseAddr("127.9.8.7")
)

// A log keeps what a socket has seen.
type log struct {
	mu  sync.Mutex
	all []Crossing
}

func (l *log) see(c Crossing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, c)
}

func (l *log) take() []Crossing {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	return all
}

// pair returns a server's socket and a user's.
func pair(t *testing.T) (server *net.UDPConn, s *Socket, seen *log) {
	t.Helper()
	server, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(here, 0)))
	if err != nil {
		t.Fatal(err)
	}
	seen = new(log)
	if s, err = Open(there, seen.see); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Close()
		_ = server.Close()
		goleak.VerifyNone(t)
	})
	return server, s, seen
}

// say sends from the user, and returns where the server sees it come from.
func say(t *testing.T, server *net.UDPConn, s *Socket, what string) netip.AddrPort {
	t.Helper()
	to := server.LocalAddr().(*net.UDPAddr).AddrPort()
	if n, err := s.WriteToAddrPort([]byte(what), to); n != len(what) || err != nil {
		t.Fatal(n, err)
	}
	b := make([]byte, 100)
	n, from, err := server.ReadFromUDPAddrPort(b)
	if err != nil || string(b[:n]) != what {
		t.Fatalf("the server gets %q, %v", b[:n], err)
	}
	return netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
}

// hear sends to the user, who reads it.
func hear(t *testing.T, server *net.UDPConn, s *Socket, to netip.AddrPort, what string) {
	t.Helper()
	if _, err := server.WriteToUDPAddrPort([]byte(what), to); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	n, _, err := s.ReadFrom(b)
	if err != nil || string(b[:n]) != what {
		t.Fatalf("the user gets %q, %v", b[:n], err)
	}
}

// Each datagram is seen once, with its length, and with a time that is no later than
// it was read: the kernel's is from before.
func TestCrossings(t *testing.T) {
	server, s, seen := pair(t)
	begin := time.Now().UnixNano()
	from := say(t, server, s, "up")
	hear(t, server, s, from, "and down")
	end := time.Now().UnixNano()
	if from.Addr() != there || s.IP() != there {
		t.Errorf("it comes from %v", from)
	}
	all := seen.take()
	if len(all) != 2 || !all[0].Sent || all[0].Size != 2 || all[1].Sent || all[1].Size != 8 {
		t.Fatalf("seen: %+v", all)
	}
	if all[0].At < begin || all[1].At < all[0].At || all[1].At > end {
		t.Errorf("between %d and %d: %+v", begin, end, all)
	}
}

// What a user sends is seen before it leaves: an answer to it cannot come before that.
func TestSeenFirst(t *testing.T) {
	server, other, _ := pair(t)
	leaving, leave := make(chan struct{}), make(chan struct{})
	s, err := Open(netip.MustParseAddr("127.9.8.6"), func(Crossing) {
		close(leaving)
		<-leave
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	left := make(chan error)
	go func() {
		_, err := s.WriteTo([]byte("first"), server.LocalAddr())
		left <- err
	}()
	<-leaving
	say(t, server, other, "second") // It reads this, and no other that came before.
	close(leave)
	if err := <-left; err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	if n, _, err := server.ReadFromUDPAddrPort(b); err != nil || string(b[:n]) != "first" {
		t.Errorf("the server gets %q, %v", b[:n], err)
	}
}

// A socket that moves sends from another port, and who waits for a datagram gets what
// comes there.
func TestMove(t *testing.T) {
	server, s, _ := pair(t)
	before := say(t, server, s, "before")
	read := make(chan string)
	go func() {
		b := make([]byte, 100)
		n, _, err := s.ReadFrom(b)
		if err != nil {
			t.Error(err)
		}
		read <- string(b[:n])
	}()
	if err := s.Move(); err != nil {
		t.Fatal(err)
	}
	after := say(t, server, s, "after")
	if after == before || after.Addr() != there {
		t.Errorf("it has moved from %v to %v", before, after)
	}
	if _, err := server.WriteToUDPAddrPort([]byte("hello"), after); err != nil {
		t.Fatal(err)
	}
	if got := <-read; got != "hello" {
		t.Errorf("read %q", got)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("it cannot be closed twice: %v", err)
		}
	}
	if s.Move() == nil {
		t.Error("it moves after its end")
	}
}

// Nothing crosses a socket that was cut, and closing it ends who reads.
func TestCut(t *testing.T) {
	server, s, seen := pair(t)
	from := say(t, server, s, "before")
	seen.take()
	s.Cut()
	if n, err := s.WriteTo([]byte("after"), server.LocalAddr()); n != 5 || err != nil {
		t.Errorf("who sends is told %d, %v", n, err)
	}
	if _, err := server.WriteToUDPAddrPort([]byte("hello"), from); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, _, err := s.ReadFrom(make([]byte, 100))
		ended <- err
	}()
	_ = s.Close()
	if err := <-ended; err == nil {
		t.Error("something was read")
	}
	if all := seen.take(); len(all) > 0 {
		t.Errorf("seen: %+v", all)
	}
}
