package audio

import (
	"errors"
	"fmt"
	"os"

	"undertone/app/internal/audio/enhance"
	"undertone/app/internal/audio/sound"
	"undertone/transport/cell"
)

// The words that choose something else than a file.
const (
	Mic     = "mic"     // the sound card's microphone
	Speaker = "speaker" // the sound card's loudspeaker
	Null    = "null"    // silence in, nothing out
)

// Options choose the two halves of a Device.
type Options struct {
	In    string       // Mic, Null or the name of a WAV file to play
	Out   string       // Speaker, Null or the name of a WAV file to record to
	Sound sound.Config // for Mic and Speaker; Open sets its directions
	// Enhance is what is done to what is heard, at first.
	Enhance enhance.Settings
}

// Open opens what the options choose. Its errors are for a person. A sound card
// that does not work is no error here but in Trouble: it may come back.
func Open(o Options) (*Duplex, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	var d Duplex
	if err := d.open(o); err != nil {
		return nil, errors.Join(err, d.abandon())
	}
	return &d, nil
}

// check refuses to record over the file that is played.
func (o Options) check() error {
	in, err := os.Stat(o.In)
	if err != nil || o.In == Mic || o.In == Null {
		return nil //nolint:nilerr // opening it says more
	}
	if out, err := os.Stat(o.Out); err == nil && os.SameFile(in, out) {
		return fmt.Errorf("%s would be overwritten while it is played; record to another file", o.In)
	}
	return nil
}

// open opens what may fail for the user's mistake before what does something.
func (d *Duplex) open(o Options) (err error) {
	switch o.In {
	case Mic:
	case Null:
		d.mouth = Silence{}
	default:
		if d.mouth, err = OpenClip(o.In); err != nil {
			d.mouth = nil // not an interface that holds nil
			return err
		}
	}
	switch o.Out {
	case Speaker:
	case Null:
		d.ear = Silence{}
	default:
		if d.ear, err = CreateRecorder(o.Out); err != nil {
			d.ear = nil
			return err
		}
	}
	if o.In == Mic || o.Enhance != (enhance.Settings{}) {
		if d.enhance, err = enhance.New(o.Enhance); err != nil {
			return err
		}
	}
	return d.openCard(o)
}

// openCard opens one sound helper for the halves that are still missing.
func (d *Duplex) openCard(o Options) error {
	o.Sound.Mic, o.Sound.Speaker = o.In == Mic, o.Out == Speaker
	if !o.Sound.Mic && !o.Sound.Speaker {
		return nil
	}
	card, err := sound.Open(o.Sound)
	if err != nil {
		return err
	}
	if o.Sound.Mic {
		mic := card.Mic()
		d.mouth = mic
		if o.Sound.Speaker {
			d.both, d.played = mic, make([]float32, cell.Interval100.Samples())
		}
	}
	if o.Sound.Speaker {
		d.ear = card.Speaker()
	}
	return nil
}

// abandon closes what was opened before an error.
func (d *Duplex) abandon() error {
	var err error
	if d.mouth != nil {
		err = d.mouth.Close()
	}
	if d.ear != nil {
		err = errors.Join(err, d.ear.Close())
	}
	return err
}
