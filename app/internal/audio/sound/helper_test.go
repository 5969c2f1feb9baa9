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
	enough          int // so often it can be more careful
}

func (c *counter) Refresh() error             { return nil }
func (c *counter) Devices() ([]Device, error) { return nil, errors.New("none") }
func (c *counter) Changes() <-chan struct{}   { return nil }
func (c *counter) Close()                     {}

func (c *counter) Open(Choice, *Memory) (Streams, error) {
	c.opened++
	return &fakeStreams{}, nil
}

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
		opened  int
		careful int
	}{
		{"stumbles", Choice{Mic: true, Speaker: true}, 1, 1, 0},
		{"runs dry", Choice{Mic: true, Speaker: true}, 4, 3, 20},
		{"chosen", Choice{Mic: true, Speaker: true, Latency: 15 * time.Millisecond}, 4, 1, 0},
		{"closed", Choice{}, 4, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, m, orders := &counter{enough: 2}, &Memory{}, make(chan message)
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
			if b.opened != c.opened || b.careful != c.careful {
				t.Errorf("%s: opened %d times, asked to be careful %d times; want %d and %d", c.name, b.opened, b.careful, c.opened, c.careful)
			}
		})
	}
}
