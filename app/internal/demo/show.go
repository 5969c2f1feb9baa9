package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/assets"
	"undertone/codec"
	"undertone/transport/cell"
)

// A show is one run of the demo.
type show struct {
	Config
	ctx   context.Context //nolint:containedctx // of this one run
	set   *Set
	users []*User      // the first Group of them are in the call
	said  [][]float32  // what each of those says
	line  eavesdropper // on the first one's line
}

// names of the members, in the order in which they come.
var names = []string{"ann", "bob", "cyd", "dan", "eve", "fay", "gus", "hal", "ivy", "jon"}

func name(i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s%d", names[i%len(names)], i/len(names)+1)
}

func (d *show) say(format string, args ...any) {
	if d.Log != nil {
		_, _ = fmt.Fprintf(d.Log, format, args...)
	}
}

func (d *show) introduce() {
	d.say("A server and %d softphones, %s and %s", d.Members, name(0), name(1))
	if d.Members > 2 {
		d.say(" and others")
	}
	d.say(", on this machine: mode %s, one slot every %s.\n", d.Mode, d.Interval)
}

func (d *show) caller() *User    { return d.users[0] }
func (d *show) callees() []*User { return d.users[1:d.Group] }
func (d *show) callers() []*User { return d.users[:d.Group] }

// join makes the users and their contacts.
func (d *show) join() error {
	for i := range d.Members {
		cfg := UserConfig{Name: name(i), Answer: profile.AnswerNever}
		if i < d.Group {
			said, says, err := d.script(i)
			if err != nil {
				return err
			}
			d.said = append(d.said, said)
			cfg.Says, cfg.Hears, cfg.Watch = says, d.talk()+10*time.Second, true
		}
		if i == 0 {
			cfg.Place.Socket = d.line.tap
		} else if i < d.Group {
			cfg.Answer = profile.AnswerAuto
		}
		u, err := d.set.Join(d.ctx, cfg)
		if err != nil {
			return err
		}
		d.users = append(d.users, u)
	}
	return d.befriend()
}

// befriend makes contacts of all, or in a large set of the neighbours: each knows
// some whom he can hide among.
func (d *show) befriend() error {
	for i, u := range d.users {
		for k, other := range d.users[:i] {
			if i-k <= circle || k < d.Group && i < d.Group {
				if err := Befriend(u, other); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// circle is how many of those who joined before him everybody knows.
const circle = 4

// leave closes all.
func (d *show) leave() error {
	errs := make([]error, len(d.users))
	var group sync.WaitGroup
	for i, u := range d.users {
		group.Go(func() { errs[i] = u.Close() })
	}
	group.Wait()
	return errors.Join(errs...)
}

// breath is the silence between two who speak in turn.
const breath = time.Second

// turn is when the speaker in the given place of a group begins, after his call
// began. Two speak both at once.
func (d *show) turn(i int) time.Duration {
	if d.Group == 2 {
		return 0
	}
	return breath + time.Duration(i)*(d.For+breath)
}

// talk is how long the call lasts.
func (d *show) talk() time.Duration {
	if d.Group == 2 {
		return d.For
	}
	return d.turn(d.Group)
}

// script is what somebody says, and the same with the silence before his turn.
func (d *show) script(i int) (said, says []float32, err error) {
	recording := assets.Speech()
	if i%2 == 1 {
		recording = assets.Answer()
	}
	if said, err = d.speech(recording); err != nil {
		return nil, nil, err
	}
	return said, append(make([]float32, audio.Samples(d.turn(i))), said...), nil
}

// speech is a recording, repeated until it is as long as the talk.
func (d *show) speech(s assets.Sound) ([]float32, error) {
	once, err := codec.Convert(s.PCM(), assets.SampleRate, cell.SampleRate)
	if err != nil {
		return nil, err
	}
	var all []float32
	for len(all) < audio.Samples(d.For) {
		all = append(all, once...)
	}
	return all[:audio.Samples(d.For)], nil
}

// play goes through the acts.
func (d *show) play() (*Report, error) {
	if err := d.online(); err != nil {
		return nil, err
	}
	s := d.caller().Phone.State().Set
	r := &Report{Mode: d.Mode.String(), IntervalMs: d.Interval.Milliseconds(), Members: d.Members, Channels: s.Channels}
	var err error
	if r.Wire.Idle, err = d.idle(); err != nil {
		return nil, err
	}
	if r.Wire.Call, err = d.call(r); err != nil {
		return nil, err
	}
	if err := d.hangup(); err != nil {
		return nil, err
	}
	d.count(r)
	return r, d.measure(r)
}

// online brings all online, and waits until the lines have settled.
func (d *show) online() error {
	for _, u := range d.users {
		if err := u.Start(d.ctx); err != nil {
			return err
		}
	}
	for _, u := range d.users {
		e, err := d.await(u, phone.Online)
		if err != nil {
			return err
		}
		d.say("%s is online (%s).\n", u.Name, e.At.Format("15:04:05.000"))
	}
	return d.settle()
}

// settle waits until uploads arrive a little before their cut-off, and the set is
// complete: the phase of a line moves for some seconds after it was opened, for
// everybody alike.
func (d *show) settle() error {
	ctx, cancel := context.WithTimeout(d.ctx, settleFor)
	defer cancel()
	t := time.NewTicker(d.Interval.Duration())
	defer t.Stop()
	for slices.ContainsFunc(d.callers(), d.unsettled) {
		select {
		case <-t.C:
		case <-ctx.Done():
			return d.ctx.Err() // A line that has not settled is no worse than slow.
		}
	}
	return nil
}

// unsettled reports whether uploads of a user arrive too late, or much too early,
// or he cannot speak in the set yet, or does not know all of it.
func (d *show) unsettled(u *User) bool {
	s := u.Phone.State()
	early, complete := s.Early, s.Set.Members == 0 || s.Set.Members == d.Members
	return early < 2 || early > 12 || !s.Set.Ready || !complete
}

func (d *show) await(u *User, kind phone.EventKind) (phone.Event, error) {
	ctx, cancel := context.WithTimeout(d.ctx, eventFor)
	defer cancel()
	return u.Await(ctx, kind)
}

// pass lets time pass.
func (d *show) pass(t time.Duration) error {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-d.ctx.Done():
		return d.ctx.Err()
	}
}

// idle watches the line for a while in which nobody calls.
func (d *show) idle() (Traffic, error) {
	d.say("Nobody calls for %s. The eavesdropper on %s's line writes everything down.\n", d.For, d.caller().Name)
	from := time.Now()
	if err := d.pass(d.For); err != nil {
		return Traffic{}, err
	}
	return d.line.between(from, time.Now()), nil
}

// call rings, and lets them talk.
func (d *show) call(r *Report) (Traffic, error) {
	var whom []string
	for _, u := range d.callees() {
		whom = append(whom, u.Name)
	}
	dialed := time.Now()
	if err := d.caller().Phone.Call(whom...); err != nil {
		return Traffic{}, err
	}
	for _, u := range d.callees() {
		if err := d.answer(r, u, dialed); err != nil {
			return Traffic{}, err
		}
	}
	d.say("They talk for %s.\n", d.talk())
	from := time.Now()
	if err := d.pass(d.talk()); err != nil {
		return Traffic{}, err
	}
	t := d.line.between(from, time.Now())
	// The last words are still on their way.
	return t, d.pass(time.Second)
}

// answer follows one of the called until he hears the caller. The report gets the
// slowest.
func (d *show) answer(r *Report, u *User, dialed time.Time) error {
	var at [3]time.Time
	for k, kind := range []phone.EventKind{phone.Rings, phone.Accepted, phone.VoiceHeard} {
		e, err := d.await(u, kind)
		if err != nil {
			return err
		}
		at[k] = e.At
	}
	ring, setup := at[0].Sub(dialed), at[2].Sub(at[1])
	r.Ring, r.Setup = max(r.Ring, milliseconds(ring)), max(r.Setup, milliseconds(setup))
	d.say("It rings at %s's after %d ms; the first voice is heard %d ms after the answer.\n", u.Name, ring.Milliseconds(), setup.Milliseconds())
	return nil
}

func (d *show) hangup() error {
	if err := d.caller().Phone.Hangup(); err != nil {
		return err
	}
	for _, u := range d.callees() {
		if _, err := d.await(u, phone.Ended); err != nil {
			return err
		}
	}
	d.say("%s hangs up.\n\n", d.caller().Name)
	return nil
}

// count adds up the cells of all.
func (d *show) count(r *Report) {
	for _, u := range d.users {
		s := u.Phone.State()
		r.CellsSent += s.Counts.Pacer.Sent
		r.CellsSkipped += s.Counts.Pacer.Skipped + s.Counts.Pacer.Bare
		r.CellsLost += s.Counts.Lost
		r.CellsStagedLate += s.Counts.Pacer.StagedLate
		r.Concealed += s.Played.Concealed
	}
}
