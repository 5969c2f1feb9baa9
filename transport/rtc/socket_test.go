package rtc

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A brokenSocket cannot be read so many times.
type brokenSocket struct {
	*pipeSocket
	fails atomic.Int64 // how many reads are still to fail
	tries atomic.Int64
}

var errBroken = errors.New("the system has a bad day")

func (s *brokenSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	s.tries.Add(1)
	if s.fails.Add(-1) >= 0 {
		return 0, nil, errBroken
	}
	return s.pipeSocket.ReadFrom(b)
}

// newBroken returns a listener on a socket that fails so many times.
func newBroken(t *testing.T, times int64) (*Listener, *brokenSocket) {
	t.Helper()
	s := &brokenSocket{pipeSocket: newPipeSocket()}
	s.fails.Store(times)
	l, err := NewListener(ListenConfig{Conn: s})
	if err != nil {
		t.Fatal(err)
	}
	return l, s
}

// hasEnded reports whether a listener says that its port can be read no more.
func hasEnded(l *Listener) bool {
	synctest.Wait()
	select {
	case <-l.Done():
		return true
	default:
		return false
	}
}

// A port that cannot be read for a while is tried again, less and less often, and
// goes on when it can be.
func TestPortRecovers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const fails = readRetries - 1
		l, s := newBroken(t, fails)
		defer func() { _ = l.Close() }()
		synctest.Wait()
		if n := s.tries.Load(); n != 2 {
			t.Errorf("%d tries at once, not 2", n)
		}
		time.Sleep(10 * time.Millisecond)
		if n := s.tries.Load(); n != 5 { // After 1, 3 and 7 ms.
			t.Errorf("%d tries in the first 10 ms", n)
		}
		time.Sleep(time.Minute)
		if n := s.tries.Load(); n != fails+1 || hasEnded(l) || l.Err() != nil {
			t.Errorf("%d tries, and then %v", n, l.Err())
		}
		s.in <- datagram{[]byte("hello"), &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}}
		synctest.Wait()
		if n := l.Stats().Datagrams; n != 1 {
			t.Errorf("%d datagrams were read", n)
		}
	})
}

// A port that stays broken ends after some seconds, and says so.
func TestPortEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l, s := newBroken(t, 1<<40)
		time.Sleep(3 * time.Second)
		if hasEnded(l) {
			t.Error("it ended too early")
		}
		time.Sleep(7 * time.Second)
		if n := s.tries.Load(); !hasEnded(l) || n != readRetries {
			t.Errorf("it did not end, after %d tries", n)
		}
		if err := l.Err(); !errors.Is(err, ErrPort) || !errors.Is(err, errBroken) {
			t.Error(err)
		}
		if _, _, err := l.Accept(t.Context(), exampleOffer, Handlers{}); !errors.Is(err, ErrPort) {
			t.Errorf("a link is to open: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A socket that somebody else closes ends the port at once, and Close does not.
func TestPortIsClosed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l, s := newBroken(t, 0)
		_ = s.Close()
		if !hasEnded(l) || !errors.Is(l.Err(), net.ErrClosed) {
			t.Errorf("it did not end: %v", l.Err())
		}
		_ = l.Close()
		for _, fails := range []int64{0, 1 << 40} {
			l, _ := newBroken(t, fails)
			time.Sleep(time.Second)
			_ = l.Close()
			time.Sleep(time.Minute)
			if hasEnded(l) || l.Err() != nil {
				t.Errorf("it was closed, and says %v", l.Err())
			}
		}
	})
}
