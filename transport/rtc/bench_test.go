package rtc

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"undertone/transport/cell"
)

// unlimited is a rate that no machine comes to.
const unlimited = 1 << 30

// BenchmarkRoundTrip measures one cell in and one out over loopback sockets:
// both ends of the link, so twice what either side pays. It takes more than any mode
// has it take.
func BenchmarkRoundTrip(b *testing.B) {
	for name, address := range map[string]string{"one address": "127.0.0.1:0", "all addresses": ":0"} {
		b.Run(name, func(b *testing.B) { roundTrip(b, address) })
	}
}

func roundTrip(b *testing.B, address string) {
	s, err := NewListener(ListenConfig{Address: address})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	client, back := dialEcho(b, s, DialConfig{})
	var c cell.Cell
	b.ReportAllocs()
	b.SetBytes(2 * cell.Size)
	for b.Loop() {
		client.Send(c[:])
		<-back
	}
}

// dialEcho opens a link, as cfg says, on which the server sends back what comes, and
// tells when something is back.
func dialEcho(b *testing.B, s *Listener, cfg DialConfig) (client *Link, back <-chan struct{}) {
	b.Helper()
	came := make(chan struct{}, 1)
	cfg.Receive, cfg.Rate = func([]byte, time.Time) { came <- struct{}{} }, unlimited
	var server *Link
	client, err := Dial(b.Context(), cfg, func(ctx context.Context, offer string) (answer string, err error) {
		answer, server, err = s.Accept(ctx, offer, Handlers{
			Receive: func(m []byte, _ time.Time) { server.Send(m) },
			Reached: netip.MustParseAddr("127.0.0.1"),
			Rate:    unlimited,
		})
		return answer, err
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	<-server.Opened()
	return client, came
}

// BenchmarkSend measures what the caller of Send pays.
func BenchmarkSend(b *testing.B) {
	m := newMailbox(0)
	var c cell.Cell
	b.ReportAllocs()
	for b.Loop() {
		m.put(c[:])
	}
}
