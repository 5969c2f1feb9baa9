package sound

import "context"

// A Caution is what a person should know of a device that works.
type Caution string

// Error is the caution.
func (c Caution) Error() string { return string(c) }

// Missing asks the helper whether there is a device for this half, and returns
// what to tell a person if there is none, or a Caution. A device that comes later
// is found when a call begins.
func (m *Mic) Missing(ctx context.Context) error {
	return m.missing(ctx, m.card.config.MicName, true)
}

// Missing is Mic.Missing for the other half.
func (s *Speaker) Missing(ctx context.Context) error {
	return s.missing(ctx, s.card.config.SpeakerName, false)
}

func (h half) missing(ctx context.Context, name string, input bool) error {
	devices, err := h.card.Devices(ctx)
	if err != nil {
		return err
	}
	if _, err := Pick(devices, "", input); err != nil {
		return err
	}
	d, err := Pick(devices, name, input)
	if err != nil {
		return Caution(err.Error())
	}
	if c := d.Caution(); c != "" {
		return Caution(c)
	}
	return nil
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
