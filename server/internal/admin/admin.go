// Package admin is how the operator's commands talk to a running server: HTTP
// with JSON over a Unix socket in the data folder, which only the owner of the
// folder can open.
//
//	GET  /v1/status             how the server does: facts that an eavesdropper
//	                            has already, nothing per user, nothing per call
//	POST /v1/users/HANDLE/check the user was disabled, enabled or removed in
//	                            the registry: act on it now
//	GET  /v1/keys               the online key in use
//	POST /v1/keys/check         the one in the data folder is another: use that
//
// The commands change the registry and the keys themselves, whether a server runs
// or not, and tell the server afterwards; so there is one way of changing them.
//
// The server calls Serve, a command makes a Client. Only server packages may
// import this one.
package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"undertone/server/internal/local"
	"undertone/transport/key"
)

// A Status is how a server does.
type Status struct {
	// Version is that of the program.
	Version string `json:"version"`
	// Started is when the server started.
	Started time.Time `json:"started"`
	// Signal and Cells are the addresses that it listens at.
	Signal string `json:"signal"`
	Cells  string `json:"cells"`
	// Mode and Interval are the set's.
	Mode     string `json:"mode"`
	Interval string `json:"interval"`
	// Channels is how many channels an sMIX shares.
	Channels int `json:"channels,omitempty"`
	// Online is how many users are online, of Places at most.
	Online int `json:"online"`
	Places int `json:"places"`
	// Slots is how many slots the server has mixed since it started, and
	// Skipped how many it had to leave out.
	Slots   uint64 `json:"slots"`
	Skipped uint64 `json:"slots_skipped"`
	// Mixing and Sending tell how late the work of a slot, and the sending of
	// what it has mixed, began.
	Mixing  Lateness `json:"mixing_lateness"`
	Sending Lateness `json:"sending_lateness"`
	// Late is how many cells of users came after their cut-off, Missing how
	// often a user's were not there when they were due (late ones included), and
	// Unsent how many messages the server could not send in time.
	Late    uint64 `json:"cells_late"`
	Missing uint64 `json:"cells_missing"`
	Unsent  uint64 `json:"cells_unsent"`
	// Unreadable is how many cells of users were none, or were sealed for another
	// link.
	Unreadable uint64 `json:"cells_unreadable"`
	// Faults is how many bugs were caught; anything but zero should be reported.
	Faults uint64 `json:"faults"`
	// Refused is how many requests to come online were refused, for whatever
	// reason, Throttled how many connections were cut because there were too many,
	// and Unopened how often a user was let in who then did not open his link.
	Refused   uint64 `json:"requests_refused"`
	Throttled uint64 `json:"connections_throttled"`
	Unopened  uint64 `json:"links_unopened"`
	// CertificateEnds is when the online certificate runs out.
	CertificateEnds time.Time `json:"certificate_ends"`
}

// Lateness is in milliseconds, since the server started.
type Lateness struct {
	Mean float64 `json:"mean_ms"`
	Max  float64 `json:"max_ms"`
}

// An OnlineKey is what a running server shows to who comes online.
type OnlineKey struct {
	// Name is the hash of the key.
	Name string `json:"name"`
	// Ends is when it runs out.
	Ends time.Time `json:"ends"`
}

// A Server is what the commands ask.
type Server interface {
	// Status is called at any time, from any goroutine.
	Status() Status
	// CheckUser closes the link of a user who may not be online any more.
	CheckUser(ctx context.Context, h key.Handle) error
	// OnlineKey says which online key is in use.
	OnlineKey() OnlineKey
	// CheckKeys puts the online key in use that is in the data folder.
	CheckKeys() error
}

// maxReply is the longest reply that a command reads, in bytes.
const maxReply = 64 << 10

// ErrNotRunning means that no server listens on the socket.
var ErrNotRunning = errors.New("the server is not running")

// Listen makes the socket. A socket that a killed server left behind is
// replaced; so the caller must hold the lock of the data folder.
func Listen(path string) (net.Listener, error) {
	if len(path) > local.MaxSocketPath {
		return nil, fmt.Errorf("the path of the data folder is too long for a socket in it (%s has %d bytes, and %d is the most); choose a shorter one with --data",
			path, len(path), local.MaxSocketPath)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("replace the admin socket: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("the admin socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// Serve answers commands on l until the context ends, and returns when all of
// them have been answered.
func Serve(ctx context.Context, l net.Listener, s Server) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Status()) })
	mux.HandleFunc("GET /v1/keys", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.OnlineKey()) })
	mux.HandleFunc("POST /v1/keys/check", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.CheckKeys(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		reply(w, s.OnlineKey())
	})
	mux.HandleFunc("POST /v1/users/{handle}/check", func(w http.ResponseWriter, r *http.Request) {
		h, err := key.ParseHandle(r.PathValue("handle"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := s.CheckUser(r.Context(), h); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return local.Serve(ctx, l, mux)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // If the command is gone, there is nobody to tell.
}

// A Client asks a running server.
type Client struct {
	http *http.Client
}

// NewClient returns a client of the server on the socket at path.
func NewClient(path string) *Client {
	return &Client{&http.Client{
		Timeout: local.RequestTime,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			},
		},
	}}
}

// Status asks how the server does. It returns ErrNotRunning if there is none.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	err = c.ask(ctx, http.MethodGet, "/v1/status", &s)
	return s, err
}

// OnlineKey asks which online key is in use. It returns ErrNotRunning if there is
// no server.
func (c *Client) OnlineKey(ctx context.Context) (k OnlineKey, err error) {
	err = c.ask(ctx, http.MethodGet, "/v1/keys", &k)
	return k, err
}

// CheckKeys tells the server that there is another online key in the data folder,
// and returns the one it uses from now on. It returns ErrNotRunning if there is no
// server to tell.
func (c *Client) CheckKeys(ctx context.Context) (k OnlineKey, err error) {
	err = c.ask(ctx, http.MethodPost, "/v1/keys/check", &k)
	return k, err
}

// ask reads the reply into v.
func (c *Client) ask(ctx context.Context, method, path string, v any) error {
	body, err := c.do(ctx, method, path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("what the running server says cannot be read; is it of another version? %w", err)
	}
	return nil
}

// CheckUser tells the server that a user was changed in the registry. It
// returns ErrNotRunning if there is none to tell.
func (c *Client) CheckUser(ctx context.Context, h key.Handle) error {
	_, err := c.do(ctx, http.MethodPost, "/v1/users/"+h.String()+"/check")
	return err
}

func (c *Client) do(ctx context.Context, method, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://undertone"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			return nil, ErrNotRunning
		}
		return nil, fmt.Errorf("ask the running server: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return nil, fmt.Errorf("ask the running server: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("the running server says: %s", bytes.TrimSpace(body))
	}
	return body, nil
}
