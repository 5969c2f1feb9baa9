package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/phone"
)

// lookAgain is how long after the first look there is a second, if something is
// missing: where all starts at once, as after logging in, the sound server may come
// later.
const lookAgain = 3 * time.Second

// lookFor says what sound devices are missing, before the first call does. It looks
// at the start, whatever happens.
func lookFor(ctx context.Context, device *audio.Duplex, b *bell) <-chan error {
	missing := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, listFor)
		defer cancel()
		err := look(ctx, device, b)
		var lack sound.Lack
		if errors.As(err, &lack) {
			again := time.NewTimer(lookAgain)
			defer again.Stop()
			select {
			case <-again.C:
				err = look(ctx, device, b)
			case <-ctx.Done():
			}
		}
		missing <- err
	}()
	return missing
}

// look asks what is missing for calls, and for the bell.
func look(ctx context.Context, device *audio.Duplex, b *bell) error {
	err := device.Missing(ctx)
	if b != nil {
		if more := b.Missing(ctx); more != nil && !errors.Is(err, more) {
			err = errors.Join(append(parts(err), more)...)
		}
	}
	return err
}

// trouble reports a change of what is wrong with the sound.
func (r *reporter) trouble(err error) {
	now := text(err)
	if now == r.problem {
		return
	}
	r.problem = now
	var detour sound.Detour
	switch {
	case r.asJSON:
		r.print(eventLine{Event: "sound", At: time.Now(), Error: now})
	case errors.As(err, &detour):
		fmt.Fprintln(r.Err, "The sound goes another way:", sentence(now))
	case now == "":
		fmt.Fprintln(r.Err, "The sound works again.")
	default:
		fmt.Fprintf(r.Err, "The sound does not work: %s A call goes on in silence meanwhile.\n", sentence(now))
	}
}

// missing reports that there would be no sound in a call, or of what to beware.
func (r *reporter) missing(err error) {
	var lost []string
	for _, err := range parts(err) {
		var caution sound.Caution
		switch beware := errors.As(err, &caution); {
		case beware:
			r.caution(err)
		case r.asJSON:
			r.print(eventLine{Event: "sound", At: time.Now(), Error: text(err)})
		default:
			lost = append(lost, text(err))
		}
	}
	if len(lost) > 0 {
		fmt.Fprintf(r.Err, "There will be no sound in a call: %s «undertone devices» lists what there is.\n", sentence(strings.Join(lost, ", and ")))
	}
}

// caution reports of what to beware, unless a person knows that.
func (r *reporter) caution(err error) {
	if knows(r.cautions, err) {
		return
	}
	r.cautions = append(r.cautions, err)
	if r.asJSON {
		r.print(eventLine{Event: eventNames[phone.Alarmed], At: time.Now(), Error: text(err)})
		return
	}
	fmt.Fprintln(r.Err, "Beware:", sentence(text(err)))
}

// beware takes in all that there is to beware of now, and reports what is new. What
// comes back is new.
func (r *reporter) beware(now []error) {
	for _, err := range now {
		r.caution(err)
	}
	r.cautions = now
}

func knows(all []error, err error) bool {
	return slices.ContainsFunc(all, func(o error) bool { return errors.Is(o, err) })
}

// parts takes apart what errors.Join joined.
func parts(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // what wraps several is one of them
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
