package signal

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A stranger who makes the server wait is cut off, whatever he trickles.
func TestSlowLoris(t *testing.T) {
	for _, tc := range []struct {
		name  string
		limit time.Duration
		talk  func(t *testing.T, w *world) io.ReadWriteCloser
		head  string // sent at once
		text  string // trickled, a byte a second
	}{
		{"silent before TLS", handshakeTime, rawConn, "", ""},
		{"trickles a client hello", handshakeTime, rawConn, "", "\x16\x03\x01\x07\x00\x01" + strings.Repeat("\x00", 99)},
		{"silent after TLS", handshakeTime, tlsConn, "", ""},
		{"trickles a header", handshakeTime, tlsConn, "", "POST /v1/online HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 99)},
		{"trickles a body", requestTime, tlsConn, "POST /v1/online HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", strings.Repeat("x", 99)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, gateFunc(func(context.Context, Request) (string, error) {
					t.Error("a stranger reached the gate")
					return answer, nil
				}))
				defer w.close()
				conn := tc.talk(t, w)
				start := time.Now()
				var trickle sync.WaitGroup
				trickle.Go(func() {
					_, _ = io.WriteString(conn, tc.head)
					for _, b := range []byte(tc.text) {
						if _, err := conn.Write([]byte{b}); err != nil {
							return
						}
						time.Sleep(time.Second)
					}
				})
				_, _ = io.Copy(io.Discard, conn)
				if took := time.Since(start); took < tc.limit || took > tc.limit+time.Second {
					t.Errorf("cut off after %v, want about %v", took, tc.limit)
				}
				_ = conn.Close()
				trickle.Wait()
			})
		})
	}
}

func rawConn(t *testing.T, w *world) io.ReadWriteCloser {
	t.Helper()
	conn, err := w.user.DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func tlsConn(t *testing.T, w *world) io.ReadWriteCloser {
	t.Helper()
	conn, _, err := w.client(identity(t, "eve")).connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// A header without end is cut off before it fills the memory.
func TestHugeHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, gateFunc(open))
		defer w.close()
		_, err := w.try(attempt{tamper: func(r *http.Request) {
			r.Header.Set("X", strings.Repeat("x", 3*maxHeader))
		}})
		if err == nil {
			t.Error("the server read a huge header")
		}
	})
}

// More requests than places at the gate: the others wait, and are told so when
// it takes too long.
func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		w := newWorld(t, gateFunc(func(context.Context, Request) (string, error) {
			<-release
			return answer, nil
		}), func(c *Config) { c.MaxRequests = 2 })
		defer w.close()
		results := make([]error, 5)
		var wg sync.WaitGroup
		for n := range results {
			wg.Go(func() { _, results[n] = w.try(attempt{}) })
		}
		time.Sleep(queueTime + ResponseTime)
		close(release)
		wg.Wait()
		in := 0
		for _, err := range results {
			if err == nil {
				in++
				continue
			}
			wantError(t, err, ErrBusy, "try again")
		}
		if in != 2 {
			t.Errorf("%d got in, want 2", in)
		}
		if _, err := w.try(attempt{}); err != nil {
			t.Errorf("a place was not given back: %v", err)
		}
	})
}

// A crowd that comes at once gets in, one after the other.
func TestCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, gateFunc(func(context.Context, Request) (string, error) {
			time.Sleep(queueTime / 100)
			return answer, nil
		}), func(c *Config) { c.MaxRequests = 2 })
		defer w.close()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, err := w.try(attempt{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// The gate is told to stop when it takes too long, or when the server ends; the
// server leaves nothing behind, which the bubble checks.
func TestGateIsStopped(t *testing.T) {
	hang := gateFunc(func(ctx context.Context, _ Request) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hang)
		defer w.close()
		start := time.Now()
		_, err := w.try(attempt{})
		wantError(t, err, ErrInternal, "on the server")
		if took := time.Since(start); took < admitTime || took > admitTime+2*ResponseTime {
			t.Errorf("the gate was stopped after %v", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hang)
		failed := make(chan error, 1)
		go func() {
			_, err := w.client(identity(t, "anna")).Online(t.Context(), offer)
			failed <- err
		}()
		time.Sleep(time.Second)
		start := time.Now()
		w.close()
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("the server took %v to end", took)
		}
		wantError(t, <-failed, ErrUnreachable, "cannot reach")
	})
}
