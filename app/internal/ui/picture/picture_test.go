package picture

import (
	"bytes"
	"image"
	"image/color"
	"net"
	"sync"
	"testing"
	"time"
)

var (
	back  = color.RGBA{255, 255, 255, 255}
	voice = color.RGBA{200, 0, 0, 255}
	up    = color.RGBA{0, 200, 0, 255}
	down  = color.RGBA{0, 0, 200, 255}
	grey  = color.RGBA{100, 100, 100, 255}
)

func TestRecorderKeepsWhatCrossed(t *testing.T) {
	r := NewRecorder()
	at := func(ms int) time.Time { return r.began.Add(time.Duration(ms) * time.Millisecond) }
	r.See(at(0), true, 177)
	r.See(at(40), false, 200)
	r.See(at(30), true, 100000) // Longer than any can be, and a little late.
	got := r.Since(at(30))
	want := []Crossing{{at(30), true, sizes}, {at(40), false, 200}}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for i := range want {
		if !got[i].At.Equal(want[i].At) || got[i].Sent != want[i].Sent || got[i].Size != want[i].Size {
			t.Errorf("%d: %v, not %v", i, got[i], want[i])
		}
	}
	for i := range 3 * room {
		r.See(at(1000+i), true, 1)
	}
	if got := r.Since(at(0)); len(got) != room || !got[room-1].At.Equal(at(1000+3*room-1)) {
		t.Errorf("%d are remembered", len(got))
	}
}

func TestRecorderIsForSeveralAtOnce(t *testing.T) {
	r := NewRecorder()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				r.See(time.Now(), true, 177)
			}
		})
	}
	all.Go(func() {
		for range 100 {
			for _, c := range r.Since(r.began) {
				if c.Size != 177 || !c.Sent {
					t.Errorf("%v was never there", c)
				}
			}
		}
	})
	all.Wait()
	if n := len(r.Since(r.began)); n != 4000 {
		t.Errorf("%d of 4000", n)
	}
}

func TestSeeingCostsNoMemory(t *testing.T) {
	r, now := NewRecorder(), time.Now()
	if n := testing.AllocsPerRun(100, func() { r.See(now, true, 177) }); n != 0 {
		t.Errorf("%v allocations for a packet", n)
	}
}

// The picture shows what crosses a real socket.
func TestSocket(t *testing.T) {
	r := NewRecorder()
	a, err := r.Socket()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := a.WriteTo(make([]byte, 42), b.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if got := r.Since(r.began); len(got) != 1 || got[0].Size != 42 || !got[0].Sent {
		t.Errorf("seen: %v", got)
	}
}

func scene(loud float32) Scene {
	now := time.Unix(1000, 0)
	s := Scene{Now: now, Colour: Colours{Back: back, Line: grey, Voice: voice, Up: up, Down: down}}
	for ms := 0; ms < 10000; ms += 40 {
		at := now.Add(-time.Duration(ms) * time.Millisecond)
		s.Wire = append(s.Wire, Crossing{at, true, 177}, Crossing{at.Add(-3 * time.Millisecond), false, 177})
	}
	for ms := 10000; ms >= 0; ms -= 50 {
		s.Voice = append(s.Voice, Loudness{now.Add(-time.Duration(ms) * time.Millisecond), loud})
	}
	return s
}

func count(img *image.RGBA, c color.RGBA) (n int) {
	for i := 0; i < len(img.Pix); i += 4 {
		if bytes.Equal(img.Pix[i:i+4], []byte{c.R, c.G, c.B, c.A}) {
			n++
		}
	}
	return n
}

// Speaking moves the upper line, and not one point of the lower ones.
func TestDraw(t *testing.T) {
	silent, loud := image.NewRGBA(image.Rect(0, 0, 500, 180)), image.NewRGBA(image.Rect(0, 0, 500, 180))
	Draw(silent, scene(0))
	Draw(loud, scene(0.5))
	if count(silent, voice) != 500 || count(loud, voice) < 10000 {
		t.Errorf("voice: %d points in silence, %d when loud", count(silent, voice), count(loud, voice))
	}
	if count(silent, up) < 5000 || count(silent, down) < 5000 {
		t.Errorf("packets: %d up, %d down", count(silent, up), count(silent, down))
	}
	lower := 60 * silent.Stride
	if !bytes.Equal(silent.Pix[lower:], loud.Pix[lower:]) {
		t.Error("speaking shows in the lower lines")
	}
	// The control: a packet that is longer does show.
	s := scene(0)
	s.Wire[100].Size++
	Draw(loud, s)
	if bytes.Equal(silent.Pix[lower:], loud.Pix[lower:]) {
		t.Error("a longer packet does not show, so this test sees nothing")
	}
	for _, size := range []image.Point{{0, 0}, {1, 100}, {100, 3}} {
		Draw(image.NewRGBA(image.Rectangle{Max: size}), scene(1)) // Does not panic.
	}
}

func TestFlows(t *testing.T) {
	up, down := Flows(scene(0).Wire, Span)
	if up.PerSecond != 25 || up.Usual != 177 || len(up.Sizes) != 1 || down.PerSecond != 25 {
		t.Errorf("%+v, %+v", up, down)
	}
	if up, _ := Flows(nil, 0); up.PerSecond != 0 || up.Usual != 0 {
		t.Errorf("of nothing: %+v", up)
	}
}

func TestMeter(t *testing.T) {
	var m Meter
	for i := range 300 {
		m.Hear(Loudness{time.Unix(1000, 0).Add(time.Duration(i) * 50 * time.Millisecond), 0.1})
	}
	if n := len(m.Heard()); n != 201 {
		t.Errorf("%d values for ten seconds", n)
	}
	for rms, want := range map[float32]float64{0: 0, 1: 1, 2: 1, 0.0001: 0, 0.1: 2.0 / 3} {
		if got := Height(rms); got < want-0.01 || got > want+0.01 {
			t.Errorf("%v fills %v of the meter, not %v", rms, got, want)
		}
	}
}
