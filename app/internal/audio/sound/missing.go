package sound

import (
	"context"
	"sync/atomic"
)

// A Caution is what a person should know of a device that works.
type Caution string

// Error is the caution.
func (c Caution) Error() string { return string(c) }

// A Lack is why there would be no sound, for a person. Whoever asks different
// helpers gets the same Lack where they lack the same.
type Lack string

// Error is the reason.
func (l Lack) Error() string { return string(l) }

// Missing asks the helper whether there is a device for this half, and returns a
// Lack if there is none, or a Caution. A device that comes later is found when a
// call begins.
func (m *Mic) Missing(ctx context.Context) error {
	return m.missing(ctx, m.card.config.MicName, true)
}

// Missing is Mic.Missing for the other half.
func (s *Speaker) Missing(ctx context.Context) error {
	return s.missing(ctx, s.card.config.SpeakerName, false)
}

func (h half) missing(ctx context.Context, name string, input bool) error {
	devices, err := h.card.Devices(ctx)
	if err == nil {
		_, err = Pick(devices, "", input)
	}
	if err != nil {
		return Lack(err.Error())
	}
	d, err := Pick(devices, name, input)
	if err != nil {
		return Caution(err.Error())
	}
	c := Caution(d.Caution())
	h.caution().Store(&c)
	return c.orNil()
}

// Caution returns what to beware of with the microphone that is used, or would be,
// as the last look at it said: a Caution, or nil.
func (m *Mic) Caution() error { return m.caution().Load().orNil() }

// Caution is Mic.Caution for the other half.
func (s *Speaker) Caution() error { return s.caution().Load().orNil() }

func (h half) caution() *atomic.Pointer[Caution] {
	if h.bit == micBit {
		return &h.card.micCaution
	}
	return &h.card.speakerCaution
}

func (c *Caution) orNil() error {
	if c == nil || *c == "" {
		return nil
	}
	return *c
}

// beware takes in what the helper says of the devices that it opened.
func (c *Card) beware(now Cautions) {
	mic, speaker := Caution(printable([]byte(now.Mic))), Caution(printable([]byte(now.Speaker)))
	c.micCaution.Store(&mic)
	c.speakerCaution.Store(&speaker)
}

// Caution returns what a person should know before talking by a device, or "".
func (d *Device) Caution() string {
	switch d.Leaves {
	case "":
		return ""
	case LeavesByRadio:
		return d.Title() + " is on Bluetooth: its radio shows to whoever is near that you are in a call, and carries your voice"
	}
	return d.Title() + " is reached by a network: there it shows that you are in a call, and your voice may be heard"
}
