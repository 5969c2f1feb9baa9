package cli

import (
	"context"
	"io"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/ring"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
)

// A ringer makes itself heard in the room.
type ringer interface {
	Ring(on bool)
	// Softer rings by so many percent softer than it can.
	Softer(percent int)
	// Missing says what to know of its loudspeaker before it rings.
	Missing(ctx context.Context) error
	// Caution says of what to beware with it now.
	Caution() error
	io.Closer
}

// A loudRinger rings by a sound card.
type loudRinger struct {
	*ring.Ringer
	speaker *sound.Speaker
}

// Missing asks whether its loudspeaker is there. By radio or a network, ringing
// shows to others as a call does.
func (r loudRinger) Missing(ctx context.Context) error { return r.speaker.Missing(ctx) }

// Caution changes when another loudspeaker takes its place.
func (r loudRinger) Caution() error { return r.speaker.Caution() }

// openRinger opens a loudspeaker to ring on, with a sound helper of its own: what
// a call is heard by is another, and what hangs in one does not stop the other.
func openRinger(device string) (loudRinger, error) {
	card, err := sound.Open(sound.Config{Choice: sound.Choice{Speaker: true, SpeakerName: device}})
	if err != nil {
		return loudRinger{}, err
	}
	speaker := card.Speaker()
	return loudRinger{ring.New(speaker), speaker}, nil
}

// A bell rings as long as somebody calls who was not answered. It is nil where
// nothing is to ring.
type bell struct {
	ringer
	calling map[string]bool // the names
}

// newBell opens the bell of a command that stays online, when a person is to be
// asked and hears the other side by a loudspeaker.
func (a *app) newBell(o talk, answer profile.AnswerMode, c profile.Settings) (*bell, error) {
	if o.out != audio.Speaker || answer != profile.AnswerAsk {
		return nil, nil
	}
	r, err := a.newRinger(c.RingDevice)
	if err != nil {
		return nil, err
	}
	r.Softer(c.RingSofter)
	return &bell{ringer: r, calling: map[string]bool{}}, nil
}

// hear takes in an event.
func (b *bell) hear(e phone.Event) {
	if b == nil {
		return
	}
	switch e.Kind {
	case phone.Rings:
		b.calling[e.Name] = e.Err == nil
	case phone.Accepted, phone.Connected, phone.Ended:
		delete(b.calling, e.Name)
	default:
		return
	}
	on := false
	for _, calls := range b.calling {
		on = on || calls
	}
	b.Ring(on)
}

// caution is of what to beware with its loudspeaker.
func (b *bell) caution() error {
	if b == nil {
		return nil
	}
	return b.Caution()
}

func (b *bell) close() {
	if b != nil {
		b.Close() //nolint:errcheck // a loudspeaker has nothing to save
	}
}
