package desk

import (
	"context"
	"math"
	"strings"
	"sync"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/words"
	"undertone/codec"
	"undertone/codec/opus"
	"undertone/transport/cell"
)

const (
	checkSlot = 40 * time.Millisecond
	// saysFor is how long a person speaks to hear himself.
	saysFor = 3 * time.Second
)

// A Hearing is how the check of microphone and loudspeaker goes.
type Hearing struct {
	// On: the microphone is open. Mic is how loud it was in the last slot (RMS).
	On  bool
	Mic float32
	// Says: it is being recorded. Hears: it is being played back. The part of it that
	// is over is Done.
	Says, Hears bool
	Done        float64
	Trouble     words.Message
}

// A check lets a person see how loud he is, and hear himself. It has a sound device
// of its own.
type check struct {
	device audio.Device
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu   sync.Mutex
	now  Hearing
	pace cell.Interval // of the server: it says how good a voice can be
	said []float32
	at   int // the next sample of said to be heard
}

// StartCheck opens devices to be tried out: those named, "" for the system's choice.
func (d *Desk) StartCheck(microphone, speaker string) {
	d.do(func() {
		d.stopCheck()
		device, err := d.cfg.OpenSound(profile.Settings{Microphone: microphone, Speaker: speaker, NoEcho: true})
		d.mu.Lock()
		d.noCheck = words.Message{}
		if err != nil {
			d.noCheck = checkTrouble(err)
		}
		d.mu.Unlock()
		if err != nil {
			return
		}
		ctx, cancel := context.WithCancel(d.ctx)
		c := &check{device: device, cancel: cancel}
		c.ended.Go(func() { c.run(ctx) })
		d.mu.Lock()
		d.check = c
		d.mu.Unlock()
	})
}

// StopCheck closes them.
func (d *Desk) StopCheck() { d.do(d.stopCheck) }

func (d *Desk) stopCheck() {
	d.mu.Lock()
	c := d.check
	d.check = nil
	d.mu.Unlock()
	if c != nil {
		c.cancel()
		c.ended.Wait()
	}
}

// HearMyself is a call with oneself: it records for a few seconds, and plays back what
// the other side of a call would hear at the pace of a server.
func (d *Desk) HearMyself(pace cell.Interval) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.check; c != nil {
		c.mu.Lock()
		c.said, c.at, c.now.Says, c.now.Hears, c.pace = c.said[:0], 0, true, false, pace
		c.mu.Unlock()
	}
}

// Hearing returns how the check goes.
func (d *Desk) Hearing() Hearing {
	d.mu.Lock()
	c, trouble := d.check, d.noCheck
	d.mu.Unlock()
	if c == nil {
		return Hearing{Trouble: trouble}
	}
	h := c.hearing()
	if t, ok := c.device.(interface{ Trouble() error }); ok && t.Trouble() != nil {
		h.Trouble = checkTrouble(t.Trouble())
	}
	return h
}

// checkTrouble says why nothing is heard in the check.
func checkTrouble(err error) words.Message {
	return words.M("check.trouble", "why", strings.TrimRight(err.Error(), ".?!"))
}

func (c *check) hearing() Hearing {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.now
	switch all := audio.Samples(saysFor); {
	case h.Says:
		h.Done = float64(len(c.said)) / float64(all)
	case h.Hears:
		h.Done = float64(c.at) / float64(all)
	}
	return h
}

// run reads and writes at the pace of a call until ctx ends.
func (c *check) run(ctx context.Context) {
	defer c.device.Close() //nolint:errcheck // a sound device has nothing to save
	c.device.Live(true)
	defer c.device.Live(false)
	tick := time.NewTicker(checkSlot)
	defer tick.Stop()
	heard, played := make([]float32, audio.Samples(checkSlot)), make([]float32, audio.Samples(checkSlot))
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		c.device.Read(heard)
		c.slot(heard, played)
		c.device.Write(played)
	}
}

// slot takes in what was heard in a slot, and gives what to play.
func (c *check) slot(heard, played []float32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.On, c.now.Mic = true, rms(heard)
	clear(played)
	switch all := audio.Samples(saysFor); {
	case c.now.Says:
		c.said = append(c.said, heard...)
		if len(c.said) >= all {
			c.now.Says, c.now.Hears = false, true
			c.said = across(c.said, c.pace)
		}
	case c.now.Hears:
		c.at += copy(played, c.said[c.at:])
		if c.at == len(c.said) {
			c.now.Hears = false
		}
	}
}

// across is what the other side of a call hears of a sound: it goes through the codec as
// in a call. Where that cannot be had, it is the sound.
func across(pcm []float32, pace cell.Interval) []float32 {
	encoder, err := opus.NewEncoder(pace)
	if err != nil {
		return pcm
	}
	decoder, err := opus.NewDecoder(pace)
	if err != nil {
		return pcm
	}
	n := pace.Samples()
	var frame codec.Frame
	heard := make([]float32, 0, len(pcm))
	for len(pcm) >= n {
		encoder.Encode(pcm[:n], &frame)
		heard = heard[:len(heard)+n]
		decoder.Decode(&frame, heard[len(heard)-n:])
		pcm = pcm[n:]
	}
	return heard
}

// rms is how loud pcm is.
func rms(pcm []float32) float32 {
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return float32(math.Sqrt(sum / float64(max(1, len(pcm)))))
}
