package rtc

import (
	"context"
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
	s, err := NewListener(ListenConfig{Address: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var server *Link
	back := make(chan struct{}, 1)
	client, err := Dial(b.Context(), DialConfig{Receive: func([]byte, time.Time) { back <- struct{}{} }, Rate: unlimited},
		func(ctx context.Context, offer string) (answer string, err error) {
			answer, server, err = s.Accept(ctx, offer, Handlers{
				Receive: func(m []byte, _ time.Time) { server.Send(m) },
				Rate:    unlimited,
			})
			return answer, err
		})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	<-server.Opened()
	var c cell.Cell
	b.ReportAllocs()
	b.SetBytes(2 * cell.Size)
	for b.Loop() {
		client.Send(c[:])
		<-back
	}
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
