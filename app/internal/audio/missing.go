package audio

import (
	"context"
	"errors"
)

// Missing asks once whether what the halves need is there, and returns what to
// tell a person if it is not, or of what to beware (sound.Caution): without a
// call nothing else would show it. It may take seconds.
func (d *Duplex) Missing(ctx context.Context) error {
	mouth, ear := missing(ctx, d.mouth), missing(ctx, d.ear)
	if mouth != nil && ear != nil && mouth.Error() == ear.Error() {
		return mouth // the two halves of one sound card
	}
	return errors.Join(mouth, ear)
}

func missing(ctx context.Context, half any) error {
	if m, ok := half.(interface{ Missing(context.Context) error }); ok {
		return m.Missing(ctx)
	}
	return nil
}
