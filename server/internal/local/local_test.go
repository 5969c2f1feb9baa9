package local

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// What others could reach is refused, whatever it looks like.
func TestCheck(t *testing.T) {
	for _, s := range []string{"127.0.0.1:9464", "127.9.9.9:1", "[::1]:9464", "[::ffff:127.0.0.1]:9464", "127.0.0.1:0", "unix:/run/x.sock", "unix:/größe"} {
		if err := Check(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for s, says := range map[string]string{
		"0.0.0.0:9464":                      "can be reached from other machines",
		"[::]:9464":                         "can be reached from other machines",
		"192.168.1.7:9464":                  "can be reached from other machines",
		"[::ffff:192.168.1.7]:1":            "can be reached from other machines",
		"":                                  "no address of this machine with a port",
		":9464":                             "no address of this machine with a port",
		"9464":                              "no address of this machine with a port",
		"127.0.0.1":                         "no address of this machine with a port",
		"127.0.0.1:99999":                   "no address of this machine with a port",
		"localhost:9464":                    `write something like "127.0.0.1:9464"`,
		"[::1%lo]:9464":                     "no address of this machine with a port",
		"/run/x.sock":                       `"unix:/run/undertone/metrics.sock"`,
		"unix:":                             "by its whole path",
		"unix:x.sock":                       "by its whole path",
		"unix:/run/\x01":                    "cannot be printed",
		"unix:/" + strings.Repeat("x", 103): "has 104 bytes",
	} {
		if err := Check(s); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: error is %v, want the words %q", s, err, says)
		}
		if l, err := Listen(s); err == nil {
			_ = l.Close()
			t.Errorf("%q is listened at", s)
		}
	}
}

// get asks for / on a listener.
func get(t *testing.T, l net.Listener) string {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, l.Addr().Network(), l.Addr().String())
		},
	}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://undertone/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Both kinds of address answer, and nothing is left when the context has ended.
func TestServe(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, address := range []string{"127.0.0.1:0", "unix:" + filepath.Join(t.TempDir(), "x.sock")} {
		l, err := Listen(address)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("here")) }))
		}()
		if got := get(t, l); got != "here" {
			t.Errorf("%s says %q", address, got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A socket that a killed process left is replaced; one in use stays, and so does
// whatever is no socket.
func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	first, err := Listen("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	if _, err := Listen("unix:" + path); err == nil || !strings.Contains(err.Error(), "another program listens") {
		t.Errorf("a socket in use: %v", err)
	}
	first.(*net.UnixListener).SetUnlinkOnClose(false) // As kill -9 leaves it.
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Listen("unix:" + path)
	if err != nil {
		t.Fatalf("a stale socket is in the way: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen("unix:" + path); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("a file: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
		t.Errorf("the file became %q, %v", b, err)
	}
}
