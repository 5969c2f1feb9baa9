package pacer

import (
	"testing"
	"time"

	"undertone/transport/cell"
)

// TestStageIsNotSentWithoutCover stages voice for a slot that has no cover.
func TestStageIsNotSentWithoutCover(t *testing.T) {
	p, at := manual(t)
	p.Stage(firstSlot, mark(firstSlot, isVoice))
	p.tick(at)
	if st := p.Stats(); st.Sent != 0 || st.Bare != 1 {
		t.Fatalf("%+v", st)
	}
}

// TestStageAfterTheTick is ignored and counted.
func TestStageAfterTheTick(t *testing.T) {
	p, at := manual(t)
	for n := cell.Slot(firstSlot); n < firstSlot+3; n++ {
		p.Cover(n, mark(n, isCover))
	}
	p.tick(at)
	if p.Stage(firstSlot, mark(firstSlot, isVoice)) {
		t.Error("staged for a slot that is over")
	}
	if p.Stage(firstSlot+1+stageDepth, mark(1, isVoice)) {
		t.Error("staged too far ahead")
	}
	if !p.Stage(firstSlot+1, mark(firstSlot+1, isVoice)) {
		t.Error("not staged for the next slot")
	}
	if p.Cover(firstSlot, mark(firstSlot, isCover)) {
		t.Error("covered a slot that is over")
	}
	p.grid.Relabel(5)
	p.advance(at)
	if p.Stage(firstSlot+4, mark(firstSlot+4, isVoice)) {
		t.Error("staged for a slot that is passed over")
	}
	if got := p.Stats().StagedLate; got != 3 {
		t.Errorf("%d counted", got)
	}
}

func TestTickAllocatesNothing(t *testing.T) {
	for _, cfg := range []Config{config, twice(cell.Interval20)} {
		p, _ := at(t, cfg, func([]byte) {})
		c := batch(&p.cfg, 0, isVoice)
		if n := testing.AllocsPerRun(1000, func() { slot(p, c) }); n != 0 {
			t.Fatalf("%v allocations in a slot", n)
		}
		if st := p.Stats(); st.Sent != uint64(1001*p.cfg.Parts) || st.StagedLate > 0 {
			t.Fatalf("%+v", st)
		}
	}
}

func BenchmarkTick(b *testing.B) {
	for name, cfg := range map[string]Config{"one cell": config, "twice": twice(cell.Interval20)} {
		for _, kind := range []string{"cover", "voice"} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				p, at := at(b, cfg, func([]byte) {})
				c := batch(&p.cfg, 0, isVoice)
				b.ReportAllocs()
				for b.Loop() {
					_, n := p.grid.Next()
					p.Cover(n, c)
					if kind == "voice" {
						p.Stage(n, c)
					}
					p.tick(at)
					for p.turn.part < p.cfg.Parts {
						p.sendPart(p.partDue())
					}
					at, _ = p.grid.Next()
				}
			})
		}
	}
}

// manual returns a Pacer that is at its first tick, without a goroutine.
func manual(t testing.TB) (*Pacer, time.Time) {
	t.Helper()
	return at(t, config, func([]byte) {})
}

// at does so with any Config.
func at(t testing.TB, cfg Config, send func([]byte)) (*Pacer, time.Time) {
	t.Helper()
	p, err := New(cfg, send)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	p.grid = NewGrid(cfg.Interval, firstSlot, at)
	p.steer = newSteer(&p.grid, DefaultMargin)
	p.next.Store(firstSlot)
	return p, at
}

// slot goes through all that is due in one slot, until Wake tells of the next.
func slot(p *Pacer, c []byte) {
	_, n := p.grid.Next()
	for m, ok := p.Want(); ok; m, ok = p.Want() {
		p.Cover(m, c)
	}
	p.Stage(n, c)
	for {
		now, what := p.due()
		p.do(what, now)
		if what == ticking {
			p.Heard(n, now, 6)
		}
		if _, next := p.grid.Next(); what == rousing && next > n {
			return
		}
	}
}

func TestConfig(t *testing.T) {
	good := Config{Interval: cell.Interval40, Lead: 12 * time.Millisecond}
	if _, err := New(good, nil); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(c *Config){
		"no interval": func(c *Config) { c.Interval = 0 },
		"no lead":     func(c *Config) { c.Lead = 0 },
		"long lead":   func(c *Config) { c.Lead = 31 * time.Millisecond },
		"short hold":  func(c *Config) { c.Hold = time.Second },
		"long hold":   func(c *Config) { c.Hold = time.Hour },
		"margin":      func(c *Config) { c.Margin = time.Second },
		"round trip":  func(c *Config) { c.RoundTrip = -1 },
		"parts":       func(c *Config) { c.Parts = maxParts + 1 },
		"no parts":    func(c *Config) { c.Parts = -1 },
		"messages":    func(c *Config) { c.Messages = maxMessages + 1 },
		"no messages": func(c *Config) { c.Messages = -1 },
		"size":        func(c *Config) { c.Size = maxSize + 1 },
		"no size":     func(c *Config) { c.Size = -1 },
	} {
		c := good
		spoil(&c)
		if _, err := New(c, nil); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
