package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/profile"
)

const (
	testSlot   = 40 * time.Millisecond
	testLength = 3 * time.Second
	// testOpens is how long devices may take to open.
	testOpens = 10 * time.Second
)

// testDevices records something, plays it back, and shows how loud it is.
func (a *app) testDevices(ctx context.Context, chosen choice) error {
	devices, err := a.toTest(ctx, chosen)
	if err != nil {
		return err
	}
	card, err := sound.Open(sound.Config{Choice: devices})
	if err != nil {
		return err
	}
	defer card.Close() //nolint:errcheck // always nil
	m, s := card.Mic(), card.Speaker()
	m.Live(true)
	s.Live(true)
	return a.tryVoice(ctx, voiceTest{
		read: m.Read, write: s.Write, micLevel: m.Level, speakerLevel: s.Level,
		ready: card.Playing, trouble: card.Trouble,
	})
}

// toTest returns the devices that were named, otherwise those of calls, to be
// opened as for a call.
func (a *app) toTest(ctx context.Context, chosen choice) (sound.Choice, error) {
	c := sound.Choice{Mic: true, Speaker: true}
	err := a.look(ctx, func(p *profile.Content) error {
		c.MicName, c.SpeakerName, c.Latency = p.Settings.Microphone, p.Settings.Speaker, p.Settings.Latency
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // Devices can be tried before there is a profile.
	}
	if chosen.mic != nil {
		c.MicName = *chosen.mic
	}
	if chosen.speaker != nil {
		c.SpeakerName = *chosen.speaker
	}
	return c, err
}

// A voiceTest is a sound card as the test uses it.
type voiceTest struct {
	read, write            func([]float32)
	micLevel, speakerLevel func() sound.Level
	ready                  func() bool // the devices are open
	trouble                func() error
}

func (a *app) tryVoice(ctx context.Context, v voiceTest) error {
	var said []float32
	n := audio.Samples(testSlot)
	pcm := make([]float32, n)
	err := eachTestSlot(ctx, testOpens, func() bool {
		v.read(pcm)
		v.write(make([]float32, n))
		return !v.ready()
	})
	if err == nil && !v.ready() {
		err = v.trouble()
		if err == nil {
			err = errors.New("the devices do not open")
		}
	}
	if err != nil {
		return err
	}
	if err := v.trouble(); err != nil {
		fmt.Fprintln(a.Err, "undertone:", err)
	}
	var mic loudest
	fmt.Fprintf(a.Out, "Say something now, for %v.\n", testLength)
	err = eachTestSlot(ctx, testLength, func() bool {
		v.read(pcm)
		v.write(make([]float32, n))
		said = append(said, pcm...)
		mic.add(v.micLevel())
		a.showLevel("microphone ", v.micLevel())
		return true
	})
	if err != nil {
		return err
	}
	a.endLevel()
	fmt.Fprintln(a.Out, "This is what was heard.")
	err = eachTestSlot(ctx, testLength, func() bool {
		v.read(pcm)
		v.write(said[:n])
		said = said[n:]
		a.showLevel("loudspeaker", v.speakerLevel())
		return len(said) > 0
	})
	if err != nil {
		return err
	}
	a.endLevel()
	fmt.Fprintln(a.Out, mic.verdict())
	return nil
}

// eachTestSlot calls f at the pace of a call, for d, or until it returns false.
func eachTestSlot(ctx context.Context, d time.Duration, f func() bool) error {
	tick := time.NewTicker(testSlot)
	defer tick.Stop()
	for range int(d / testSlot) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if !f() {
			break
		}
	}
	return nil
}

// meterWidth is how many characters stand for meterRange decibels.
const (
	meterWidth = 30
	meterRange = 60
)

// bar draws a level: the mean as a bar, the peak as a number.
func bar(l sound.Level) string {
	n := int(math.Round(meterWidth * (1 + decibels(l.RMS)/meterRange)))
	n = min(max(n, 0), meterWidth)
	return fmt.Sprintf("[%s%s] %4.0f dB", strings.Repeat("#", n), strings.Repeat(" ", meterWidth-n), decibels(l.Peak))
}

// decibels is a level below the loudest, at the least twice meterRange below.
func decibels(v float32) float64 {
	return max(-2*meterRange, 20*math.Log10(float64(v)))
}

// showLevel draws a level over the last one, where that can be.
func (a *app) showLevel(what string, l sound.Level) {
	if _, ok := terminal(a.Out); ok {
		fmt.Fprintf(a.Out, "\r%s %s", what, bar(l))
	}
}

func (a *app) endLevel() {
	if _, ok := terminal(a.Out); ok {
		fmt.Fprintln(a.Out)
	}
}

// loudest is the most of several levels.
type loudest sound.Level

func (m *loudest) add(l sound.Level) {
	m.Peak, m.RMS = max(m.Peak, l.Peak), max(m.RMS, l.RMS)
}

// What a microphone should give, in decibels.
const (
	tooQuiet = -40
	tooLoud  = -0.5
)

// verdict says what a person can do about the level.
func (m *loudest) verdict() string {
	l := "At its loudest the microphone gave " + bar(sound.Level(*m)) + "."
	switch peak := decibels(m.Peak); {
	case m.Peak == 0:
		return "The microphone gave nothing at all: is it switched off, or another one meant?"
	case peak < tooQuiet:
		return l + " That is very quiet: is it muted, turned down, or far away?"
	case peak > tooLoud:
		return l + " That is too loud: turn it down, or others hear you distorted."
	}
	return l + " That is fine."
}
