package sound

import (
	"context"
	"errors"
)

// Missing asks the helper whether there is a device of the half's kind, and
// returns what to tell a person if there is none. A device that comes later is
// found when a call begins.
func (m *Mic) Missing(ctx context.Context) error {
	return m.missing(ctx, "microphone", func(d *Device) int { return d.Inputs })
}

// Missing is Mic.Missing for the other half.
func (s *Speaker) Missing(ctx context.Context) error {
	return s.missing(ctx, "loudspeaker", func(d *Device) int { return d.Outputs })
}

func (h half) missing(ctx context.Context, what string, channels func(*Device) int) error {
	devices, err := h.card.Devices(ctx)
	if err != nil {
		return err
	}
	for i := range devices {
		if channels(&devices[i]) > 0 {
			return nil
		}
	}
	return errors.New("no " + what + " was found")
}
