package signal

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits on what a connection can make the server hold; see Limits for all of them
// together.
const (
	// handshakeTime is for the TLS handshake, and once more for the header of
	// the request; requestTime is for the whole request after the handshake. A
	// client on a slow line needs a second or two.
	handshakeTime = 5 * time.Second
	requestTime   = 10 * time.Second
	// responseTime covers the queue, the gate and the writing.
	responseTime = requestTime + queueTime + admitTime + 5*time.Second
	// maxHeader is the longest header of a request, in bytes.
	maxHeader = 8 << 10
)

// TLSConfig returns how the server speaks TLS. It asks for its certificate at
// each connection, so that a renewed one is used without a restart.
func TLSConfig(certificate func() *tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		CurvePreferences:       []tls.CurveID{tls.X25519MLKEM768},
		SessionTicketsDisabled: true,
		NextProtos:             []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return certificate(), nil
		},
	}
}

// Serve serves a handler on l, behind a guard, until the context ends, and then
// closes l and returns when no connection is left: nil, or why it had to stop
// earlier. No guard stands for one with the usual limits.
func Serve(ctx context.Context, l net.Listener, c *tls.Config, h http.Handler, g *Guard, log *slog.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if g == nil {
		g = NewGuard(Limits{})
	}
	var connections sync.WaitGroup
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: handshakeTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      responseTime,
		MaxHeaderBytes:    maxHeader,
		// Strangers cause these messages; at the usual level they would let
		// anybody fill the disk.
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: withGuest,
		// The goroutine that accepts connections reports new ones, and each
		// connection its own end as the last thing it does.
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
	s.SetKeepAlivesEnabled(false)
	d := newDoor(ctx, l, g)
	received, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(received)
		d.receive()
	}()
	go func() { stopped <- s.Serve(tls.NewListener(d, c)) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-stopped:
		stopped <- nil
		if ctx.Err() != nil {
			err = nil // The end of the context was seen there first.
		}
	}
	cancel()
	_ = s.Close() // The requests' context has ended: whoever waits gets nothing more.
	<-stopped     //nolint:errcheck // it was closed on purpose
	<-received
	connections.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
