package admin

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"undertone/transport/key"
)

// fake is a server that notes what it is told.
type fake struct {
	status  Status
	checked []key.Handle
	key     OnlineKey // in use
	next    OnlineKey // in the folder
	err     error
}

func (f *fake) Status() Status { return f.status }

func (f *fake) CheckUser(_ context.Context, h key.Handle) error {
	f.checked = append(f.checked, h)
	return f.err
}

func (f *fake) OnlineKey() OnlineKey { return f.key }

func (f *fake) CheckKeys() error {
	if f.err == nil {
		f.key = f.next
	}
	return f.err
}

// serve serves f until the test ends, and returns the path of the socket.
func serve(t *testing.T, f *fake) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, f) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		goleak.VerifyNone(t)
	})
	return path
}

func TestStatus(t *testing.T) {
	want := Status{
		Version: "1", Started: time.Unix(1, 0).UTC(), Mode: "tmix", Interval: "40ms", Online: 3, Places: 200,
		Slots: 1 << 40, Late: 5, Missing: 6, Mixing: Lateness{Mean: 0.25, Max: 9}, CertificateEnds: time.Unix(2, 0).UTC(),
	}
	got, err := NewClient(serve(t, &fake{status: want})).Status(t.Context())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("status is %+v, %v", got, err)
	}
}

func TestCheckUser(t *testing.T) {
	f := &fake{}
	c := NewClient(serve(t, f))
	h := key.Handle{1, 2}
	if err := c.CheckUser(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if len(f.checked) != 1 || f.checked[0] != h {
		t.Errorf("the server was told of %v", f.checked)
	}
	f.err = errors.New("the disk is full")
	if err := c.CheckUser(t.Context(), h); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("error is %v", err)
	}
	if _, err := c.do(t.Context(), "POST", "/v1/users/nobody/check"); err == nil || !strings.Contains(err.Error(), "hexadecimal") {
		t.Errorf("a damaged handle: %v", err)
	}
}

func TestCheckKeys(t *testing.T) {
	old, next := OnlineKey{"a", time.Unix(1, 0).UTC()}, OnlineKey{"b", time.Unix(2, 0).UTC()}
	f := &fake{key: old, next: next}
	c := NewClient(serve(t, f))
	if k, err := c.OnlineKey(t.Context()); err != nil || k != old {
		t.Errorf("the key is %+v, %v", k, err)
	}
	if k, err := c.CheckKeys(t.Context()); err != nil || k != next {
		t.Errorf("the new key is %+v, %v", k, err)
	}
	f.err = errors.New("it ran out")
	if _, err := c.CheckKeys(t.Context()); err == nil || !strings.Contains(err.Error(), "the running server says: it ran out") {
		t.Errorf("error is %v", err)
	}
}

func TestNotRunning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	if _, err := NewClient(path).Status(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without a socket: %v", err)
	}
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // As kill -9 leaves it.
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := NewClient(path).Status(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("with a stale socket: %v", err)
	}
	l, err = Listen(path)
	if err != nil {
		t.Fatalf("a stale socket is in the way: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is open to others: %v, %v", info.Mode(), err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLongPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("x", 100), "admin.sock")
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("error is %v", err)
	}
}
