package desk

import (
	"context"
	"errors"
	"strings"
	"time"

	"undertone/app/internal/audio/sound"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

const (
	// listFor is how long looking for sound devices may take: some drivers need seconds.
	listFor = 15 * time.Second
	// lookAgain is how long after the first look there is a second, if something is
	// missing: where all starts at once, as after logging in, the sound server may come
	// later.
	lookAgain = 3 * time.Second
)

// Devices hands the sound devices there are to then, or why not, on a goroutine of its
// own: other commands do not wait for drivers.
func (d *Desk) Devices(then func([]sound.Device, error)) {
	d.aside(func(ctx context.Context) { then(d.cfg.ListDevices(ctx)) })
}

// aside does something beside the commands that asks drivers, unless the desk closes.
func (d *Desk) aside(f func(ctx context.Context)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	d.done.Go(func() {
		ctx, cancel := context.WithTimeout(d.ctx, listFor)
		defer cancel()
		f(ctx)
	})
}

// lookFor says what is missing for a sound, and of what to beware with its devices,
// before the first call does. device is what makes the sound.
func (d *Desk) lookFor(s model.Sound, device any) {
	m, ok := device.(interface {
		Missing(ctx context.Context) error
	})
	if !ok {
		return
	}
	d.mu.Lock()
	d.looks[s]++
	look := d.looks[s]
	d.mu.Unlock()
	d.aside(func(ctx context.Context) {
		err := m.Missing(ctx)
		if lacks(err) {
			d.found(s, look, err)
			again := time.NewTimer(lookAgain)
			defer again.Stop()
			select {
			case <-again.C:
				err = m.Missing(ctx)
			case <-ctx.Done():
				return
			}
		}
		d.found(s, look, err)
	})
}

func lacks(err error) bool {
	var lack sound.Lack
	return errors.As(err, &lack)
}

// found shows what a look has found, unless another device is looked at by now.
func (d *Desk) found(s model.Sound, look int, err error) {
	var all []words.Message
	for _, err := range parts(err) {
		why := strings.TrimRight(err.Error(), ".?!")
		switch {
		case !lacks(err):
			all = append(all, words.M("sound.caution", "why", why))
		case s == model.Bell:
			all = append(all, words.M("sound.nobell", "why", why))
		default:
			all = append(all, words.M("sound.none", "why", why))
		}
	}
	d.change(func(m *model.Model) {
		if d.looks[s] == look {
			m.Find(s, all)
		}
	})
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

// caution is of what to beware with a device now, nil for nothing.
func caution(device any) error {
	if c, ok := device.(interface{ Caution() error }); ok {
		return c.Caution()
	}
	return nil
}
