package audio

import (
	"testing"

	"undertone/app/internal/audio/sound"
)

// A plugged is a device that keeps what happens to it.
type plugged struct {
	Silence
	says   float32
	heard  []float32
	live   bool
	closed bool
	broken uint64
	level  sound.Level
}

func (p *plugged) Live(on bool) { p.live = on }
func (p *plugged) Read(pcm []float32) {
	for i := range pcm {
		pcm[i] = p.says
	}
}
func (p *plugged) Write(pcm []float32)              { p.heard = append(p.heard[:0], pcm...) }
func (p *plugged) Close() error                     { p.closed = true; return nil }
func (p *plugged) Faults() uint64                   { return p.broken }
func (p *plugged) Levels() (mouth, ear sound.Level) { return p.level, p.level }

func ones(n int) []float32 {
	pcm := make([]float32, n)
	for i := range pcm {
		pcm[i] = 1
	}
	return pcm
}

func TestAnotherDeviceIsPluggedIntoACall(t *testing.T) {
	first, second := &plugged{says: 0.25, broken: 3}, &plugged{says: 0.5, broken: 1}
	j := NewJack(first)
	j.Live(true)
	pcm := make([]float32, 960)
	j.Read(pcm)
	if pcm[7] != 0.25 {
		t.Errorf("heard %v of the first", pcm[7])
	}
	if old := j.Plug(second); old != Device(first) {
		t.Errorf("got back %v", old)
	}
	j.Read(pcm)
	if pcm[7] != 0.5 || first.live || !second.live {
		t.Errorf("after the change: heard %v, live %v and %v", pcm[7], first.live, second.live)
	}
	if n := j.Faults(); n != 4 {
		t.Errorf("%d faults of both, not 4", n)
	}
	j.Live(false)
	third := &plugged{}
	j.Plug(third)
	if third.live {
		t.Error("a device is opened out of a call")
	}
	if err := j.Close(); err != nil || !third.closed || second.closed {
		t.Errorf("closed: %v, %v, %v", err, third.closed, second.closed)
	}
	if late := (&plugged{}); j.Plug(late) != Device(late) {
		t.Error("what comes too late is kept by nobody who closes it")
	}
}

func TestDeafenedOneHearsNothingAndNoClick(t *testing.T) {
	d := &plugged{}
	j := NewJack(d)
	j.Write(ones(960))
	if d.heard[0] != 1 || d.heard[959] != 1 {
		t.Fatalf("changed while not deafened: %v, %v", d.heard[0], d.heard[959])
	}
	j.Deafen(true)
	j.Write(ones(960))
	for i := 1; i < len(d.heard); i++ {
		if step := d.heard[i-1] - d.heard[i]; step < 0 || step > 0.01 {
			t.Fatalf("jumps by %v at sample %d", step, i)
		}
	}
	j.Write(ones(960))
	for i, v := range d.heard {
		if v != 0 {
			t.Fatalf("sample %d is %v", i, v)
		}
	}
	if !j.Deafened() {
		t.Error("does not say so")
	}
	j.Deafen(false)
	j.Write(ones(960))
	j.Write(ones(960))
	if d.heard[0] != 1 {
		t.Errorf("hears %v again", d.heard[0])
	}
}

func TestJackAllocatesNothingInASlot(t *testing.T) {
	j := NewJack(Silence{})
	pcm := make([]float32, 4800)
	if n := testing.AllocsPerRun(100, func() { j.Read(pcm); j.Write(pcm) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestJackTellsLevels(t *testing.T) {
	j := NewJack(&plugged{level: sound.Level{Peak: 0.5}})
	if mouth, ear := j.Levels(); mouth.Peak != 0.5 || ear.Peak != 0.5 {
		t.Errorf("%v, %v", mouth, ear)
	}
	j.Plug(NewDuplex(Silence{}, Silence{}))
	if mouth, _ := j.Levels(); mouth.Peak != 0 {
		t.Errorf("silence has the level %v", mouth)
	}
}
