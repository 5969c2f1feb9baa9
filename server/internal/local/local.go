// Package local serves HTTP to this machine alone: the commands of the operator,
// and whoever measures for him. An address is one of
//
//	127.0.0.1:9464, [::1]:9464   TCP, at an address of the loopback interface
//	unix:/run/undertone/m.sock   a Unix socket, for the owner of this process and
//	                             his group
//
// Any other is refused, so that a mistake in the settings opens nothing to the
// network. Names are refused too, since somebody else may say what they stand for.
//
// admin and metrics are served by it; only server packages may import it.
package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/net/netutil"
)

const (
	// RequestTime bounds how long a request may take to come in; the answer has
	// twice that.
	RequestTime = 5 * time.Second
	// MaxSocketPath is the length of the longest path that every Unix accepts
	// for a socket, in bytes.
	MaxSocketPath = 103
	// maxHeader is the longest header of a request, in bytes.
	maxHeader = 4 << 10
	// maxConnections is how many connections there may be at once: other users of
	// this machine may open some too.
	maxConnections = 64

	unixPrefix = "unix:"
	samples    = `write something like "127.0.0.1:9464" or "unix:/run/undertone/metrics.sock"`
)

// Check says why s is no address of this machine alone.
func Check(s string) error {
	_, _, err := parse(s)
	return err
}

func parse(s string) (network, address string, err error) {
	if path, ok := strings.CutPrefix(s, unixPrefix); ok {
		switch {
		case !filepath.IsAbs(path):
			return "", "", fmt.Errorf("%q does not name a socket by its whole path; %s", s, samples)
		case strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }):
			return "", "", fmt.Errorf("%q has characters that cannot be printed; %s", s, samples)
		case len(path) > MaxSocketPath:
			return "", "", fmt.Errorf("the path of the socket has %d bytes, and %d is the most; choose a shorter one", len(path), MaxSocketPath)
		}
		return "unix", filepath.Clean(path), nil
	}
	at, err := netip.ParseAddrPort(s)
	if err != nil || at.Addr().Zone() != "" {
		return "", "", fmt.Errorf("%q is no address of this machine with a port; %s", s, samples)
	}
	if !at.Addr().Unmap().IsLoopback() {
		return "", "", fmt.Errorf("%q can be reached from other machines, and what stands there is for the operator alone; %s", s, samples)
	}
	return "tcp", at.String(), nil
}

// Listen listens at an address that Check accepts.
func Listen(s string) (net.Listener, error) {
	network, address, err := parse(s)
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		return listenSocket(address)
	}
	return new(net.ListenConfig).Listen(context.Background(), network, address)
}

func listenSocket(path string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the folder %s is missing (%w); make it, or choose another path", filepath.Dir(path), err)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o660); err != nil { //nolint:gosec // the group may ask: it is how another service gets in
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// removeStale removes the socket of a process that was killed. What is no socket,
// or has somebody behind it, stays.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("%s is there already and is no socket; choose another path, or move it away", path)
	}
	conn, err := net.DialTimeout("unix", path, RequestTime)
	if err == nil {
		_ = conn.Close()
		return fmt.Errorf("another program listens on %s; stop that one, or choose another path", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

// Serve answers on l until the context ends, and returns when all requests have
// been answered: nil, or why it had to stop earlier.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	var connections sync.WaitGroup
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: RequestTime,
		ReadTimeout:       RequestTime,
		WriteTimeout:      2 * RequestTime,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				connections.Add(1)
			case http.StateClosed, http.StateHijacked:
				connections.Done()
			case http.StateActive, http.StateIdle:
			}
		},
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	err := server.Serve(netutil.LimitListener(l, maxConnections))
	connections.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
