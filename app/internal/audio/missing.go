package audio

import (
	"context"
	"errors"
)

// Missing asks once whether what the halves need is there, and returns what to
// tell a person if it is not, or of what to beware (sound.Caution): without a
// call nothing else would show it. It may take seconds.
func (d *Duplex) Missing(ctx context.Context) error {
	return once(missing(ctx, d.mouth), missing(ctx, d.ear))
}

// Caution returns of what to beware with the sound devices, as it stands now, or
// nil. Unlike Missing it is quick, and knows what has changed in a call.
func (d *Duplex) Caution() error { return once(caution(d.mouth), caution(d.ear)) }

// once joins what is to be said of the two halves. Of one sound card, or one headset,
// it is the same.
func once(mouth, ear error) error {
	if mouth != nil && errors.Is(ear, mouth) {
		return mouth
	}
	return errors.Join(mouth, ear)
}

func caution(half any) error {
	if c, ok := half.(interface{ Caution() error }); ok {
		return c.Caution()
	}
	return nil
}

func missing(ctx context.Context, half any) error {
	if m, ok := half.(interface{ Missing(context.Context) error }); ok {
		return m.Missing(ctx)
	}
	return nil
}
