package sound

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// A counter is a backend that counts what it is asked for.
type counter struct {
	opened, careful int
	relaxed         int
	enough          int // so often it can be more careful
	refuses         int // the opening that fails, from 1
}

func (c *counter) Refresh() error             { return nil }
func (c *counter) Devices() ([]Device, error) { return nil, errors.New("none") }
func (c *counter) Changes() <-chan struct{}   { return nil }
func (c *counter) Close()                     {}

func (c *counter) Open(Choice, *Memory) (Streams, error) {
	if c.opened++; c.opened == c.refuses {
		return nil, errors.New("the device cannot do that")
	}
	return &fakeStreams{}, nil
}

func (c *counter) Relax() { c.relaxed++ }

func (c *counter) Careful() bool {
	c.careful++
	return c.careful <= c.enough
}

// TestDryDevicesGetMoreTime: a device that runs dry again and again is opened anew with
// more latency, but not for ever, nor where somebody chose the latency.
func TestDryDevicesGetMoreTime(t *testing.T) {
	for _, c := range []struct {
		name    string
		choice  Choice
		dry     uint64 // times in each second
		refuses int
		opened  int
		careful int
		relaxed int
	}{
		{"stumbles", Choice{Mic: true, Speaker: true}, 1, 0, 1, 0, 0},
		{"runs dry", Choice{Mic: true, Speaker: true}, 4, 0, 3, 20, 0},
		{"cannot", Choice{Mic: true, Speaker: true}, 4, 2, 4, 20, 0}, // It is looked for anew.
		{"chosen", Choice{Mic: true, Speaker: true, Latency: 15 * time.Millisecond}, 4, 0, 1, 0, 0},
		{"closed", Choice{}, 4, 0, 0, 0, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, m, orders := &counter{enough: 2, refuses: c.refuses}, &Memory{}, make(chan message)
			m.Played.Late.Store(100) // What a helper before this one saw is over.
			h := &helper{backend: b, memory: m, out: io.Discard}
			ended := make(chan struct{})
			go func() {
				h.run(orders)
				close(ended)
			}()
			orders <- message{kindLive, numbered(1, encode(c.choice))}
			time.Sleep(lookTime / 2) // Between two looks.
			for range 20 {
				m.Played.Late.Add(c.dry)
				time.Sleep(lookTime)
			}
			close(orders)
			<-ended
			if b.opened != c.opened || b.careful != c.careful || b.relaxed != c.relaxed {
				t.Errorf("%s: opened %d times, asked to be careful %d times, to relax %d times; want %d, %d and %d",
					c.name, b.opened, b.careful, b.relaxed, c.opened, c.careful, c.relaxed)
			}
		})
	}
}
