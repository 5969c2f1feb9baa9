package rtc

import (
	"context"
	"testing"
	"time"
)

func TestFirst(t *testing.T) {
	s, err := NewListener(ListenConfig{Address: ":0"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	up := make(chan string, 10)
	down := make(chan string, 10)
	var sl *Link
	l, err := Dial(t.Context(), DialConfig{Receive: func(b []byte, at time.Time) { down <- string(b) }},
		func(ctx context.Context, offer string) (string, error) {
			t.Log(offer)
			a, l, err := s.Accept(ctx, offer, Handlers{Receive: func(b []byte, at time.Time) { up <- string(b) }})
			sl = l
			t.Log(a)
			return a, err
		})
	if err != nil {
		t.Fatal(err)
	}
	l.Send([]byte("hallo"))
	t.Log(<-up)
	<-sl.Opened()
	sl.Send([]byte("welt"))
	t.Log(<-down)
	l.Close()
	<-sl.Done()
	t.Log(sl.Err(), l.Err())
}
