package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/quality"
	"undertone/assets"
	"undertone/codec"
	"undertone/transport/cell"
)

// Config says what to show.
type Config struct {
	// Mode and Interval are the set's.
	Mode     cell.Mode
	Interval cell.Interval
	// For is how long the two talk, and how long the line is watched in idle.
	For time.Duration
	// Out is the WAV file that gets what was heard, "" for none.
	Out string
	// Log gets the progress in words, nil for nowhere.
	Log io.Writer
}

// MinFor is the shortest talk that can be measured, MaxFor the longest that fits
// in memory.
const (
	MinFor = 3 * time.Second
	MaxFor = 10 * time.Minute
)

// Times that the demo waits before it gives up.
const (
	eventFor  = 30 * time.Second
	settleFor = 15 * time.Second
)

// A Report is what was measured. Times are in milliseconds.
type Report struct {
	Mode       string `json:"mode"`
	IntervalMs int    `json:"interval_ms"`
	// Ring is from dialing to the ring at the callee.
	Ring milliseconds `json:"ring_ms"`
	// Setup is from the callee's answer to the first voice that he hears.
	Setup milliseconds `json:"setup_ms"`
	// MouthToEar is the median delay of the sound itself, from file to file.
	MouthToEar milliseconds `json:"mouth_to_ear_ms"`
	// Back is the same in the other direction.
	Back milliseconds `json:"mouth_to_ear_back_ms"`
	// Similarity of what was heard to what was said, 0 to 1 (quality.Similarity:
	// the extended short-time objective intelligibility).
	Similarity float64 `json:"speech_similarity"`
	// SimilarityBack is the same in the other direction.
	SimilarityBack float64 `json:"speech_similarity_back"`
	// Clicks, Gaps and Repeats are faults that were heard, in both directions.
	Clicks  int `json:"clicks"`
	Gaps    int `json:"gaps"`
	Repeats int `json:"repeats"`
	// Cells are of both users, up and down, since they came online.
	CellsSent    uint64 `json:"cells_sent"`
	CellsSkipped uint64 `json:"cells_skipped"`
	CellsLost    uint64 `json:"cells_lost"`
	// Concealed counts slots of the call without voice, after the first.
	Concealed uint64 `json:"cells_concealed"`
	// Wire is what somebody on the caller's line saw.
	Wire Wire `json:"wire"`
	// Heard is the file with what the callee heard.
	Heard string `json:"heard,omitempty"`
}

// Wire is what an eavesdropper saw while the line was idle, and in the call.
type Wire struct {
	Idle Traffic `json:"idle"`
	Call Traffic `json:"call"`
}

// Validate says what of it a person must change.
func (c *Config) Validate() error {
	if c.Mode != cell.TMIX {
		return fmt.Errorf("this version runs tmix only, not %s", c.Mode)
	}
	if c.For < MinFor || c.For > MaxFor {
		return fmt.Errorf("--for %s: use between %s and %s", c.For, MinFor, MaxFor)
	}
	return nil
}

// Run runs a server and two softphones on loopback, lets one call the other with
// recorded speech, and measures.
func Run(ctx context.Context, cfg Config) (report *Report, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	discard, err := reserve(cfg.Out)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			discard()
		}
	}()
	dir, remove, err := tempDir()
	if err != nil {
		return nil, err
	}
	defer remove()
	d := &show{Config: cfg, ctx: ctx}
	d.say("A server and two softphones, ann and bob, on this machine: mode %s, one cell of 128 bytes every %s.\n", cfg.Mode, cfg.Interval)
	if d.set, err = NewSet(ctx, SetConfig{Dir: dir, Interval: cfg.Interval}); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.set.Close()) }()
	if err := d.join(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.ann.Close(), d.bob.Close()) }()
	return d.play()
}

// A show is one run of the demo.
type show struct {
	Config
	ctx      context.Context //nolint:containedctx // of this one run
	set      *Set
	ann, bob *User
	line     eavesdropper // on ann's line

	said, answered []float32
}

func (d *show) say(format string, args ...any) {
	if d.Log != nil {
		_, _ = fmt.Fprintf(d.Log, format, args...)
	}
}

// join makes both users and their contacts.
func (d *show) join() (err error) {
	if d.said, err = d.speech(assets.Speech()); err != nil {
		return err
	}
	if d.answered, err = d.speech(assets.Answer()); err != nil {
		return err
	}
	room := d.For + 10*time.Second
	d.ann, err = d.set.Join(d.ctx, UserConfig{
		Name: "ann", Says: d.said, Hears: room, Answer: profile.AnswerNever, Place: Place{Socket: d.line.tap},
	})
	if err != nil {
		return err
	}
	d.bob, err = d.set.Join(d.ctx, UserConfig{Name: "bob", Says: d.answered, Hears: room, Answer: profile.AnswerAuto})
	if err != nil {
		return err
	}
	return Befriend(d.ann, d.bob)
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
	r := &Report{Mode: d.Mode.String(), IntervalMs: d.Interval.Milliseconds()}
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

// online brings both online, and waits until the lines have settled.
func (d *show) online() error {
	if err := errors.Join(d.ann.Start(d.ctx), d.bob.Start(d.ctx)); err != nil {
		return err
	}
	for _, u := range []*User{d.ann, d.bob} {
		e, err := d.await(u, phone.Online)
		if err != nil {
			return err
		}
		d.say("%s is online (%s).\n", u.Name, e.At.Format("15:04:05.000"))
	}
	return d.settle()
}

// settle waits until uploads arrive a little before their cut-off: the phase of
// a line moves for some seconds after it was opened, for everybody alike.
func (d *show) settle() error {
	ctx, cancel := context.WithTimeout(d.ctx, settleFor)
	defer cancel()
	t := time.NewTicker(d.Interval.Duration())
	defer t.Stop()
	for d.ann.unsettled() || d.bob.unsettled() {
		select {
		case <-t.C:
		case <-ctx.Done():
			return d.ctx.Err() // A line that has not settled is no worse than slow.
		}
	}
	return nil
}

// unsettled reports whether uploads arrive too late, or much too early.
func (u *User) unsettled() bool {
	early := u.Phone.State().Early
	return early < 2 || early > 12
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
	d.say("Nobody calls for %s. The eavesdropper on ann's line writes everything down.\n", d.For)
	from := time.Now()
	if err := d.pass(d.For); err != nil {
		return Traffic{}, err
	}
	return d.line.between(from, time.Now()), nil
}

// call rings, and lets the two talk.
func (d *show) call(r *Report) (Traffic, error) {
	dialed := time.Now()
	if err := d.ann.Phone.Call("bob"); err != nil {
		return Traffic{}, err
	}
	rings, err := d.await(d.bob, phone.Rings)
	if err != nil {
		return Traffic{}, err
	}
	r.Ring = milliseconds(rings.At.Sub(dialed))
	d.say("ann calls. It rings at bob's after %d ms, and he answers.\n", rings.At.Sub(dialed).Milliseconds())
	accepted, err := d.await(d.bob, phone.Accepted)
	if err != nil {
		return Traffic{}, err
	}
	heard, err := d.await(d.bob, phone.VoiceHeard)
	if err != nil {
		return Traffic{}, err
	}
	r.Setup = milliseconds(heard.At.Sub(accepted.At))
	d.say("bob hears ann's voice %d ms later. Both talk for %s.\n", heard.At.Sub(accepted.At).Milliseconds(), d.For)
	from := time.Now()
	if err := d.pass(d.For); err != nil {
		return Traffic{}, err
	}
	t := d.line.between(from, time.Now())
	// The last words are still on their way.
	return t, d.pass(time.Second)
}

func (d *show) hangup() error {
	if err := d.ann.Phone.Hangup(); err != nil {
		return err
	}
	_, err := d.await(d.bob, phone.Ended)
	d.say("ann hangs up.\n\n")
	return err
}

// count adds up the cells of both.
func (d *show) count(r *Report) {
	for _, u := range []*User{d.ann, d.bob} {
		s := u.Phone.State()
		r.CellsSent += s.Counts.Pacer.Sent
		r.CellsSkipped += s.Counts.Pacer.Skipped + s.Counts.Pacer.Bare
		r.CellsLost += s.Counts.Lost
		r.Concealed += s.Played.Concealed
	}
}

// measure compares what was said with what was heard.
func (d *show) measure(r *Report) error {
	there, delay, err := listen(d.ann, d.bob, d.said)
	if err != nil {
		return err
	}
	back, delayBack, err := listen(d.bob, d.ann, d.answered)
	if err != nil {
		return err
	}
	r.MouthToEar, r.Back = milliseconds(delay), milliseconds(delayBack)
	r.Similarity, r.SimilarityBack = round(there.Similarity, 3), round(back.Similarity, 3)
	r.Clicks = len(there.Clicks) + len(back.Clicks)
	r.Gaps = len(there.Gaps) + len(back.Gaps)
	r.Repeats = len(there.Repeats) + len(back.Repeats)
	if d.Out == "" {
		return nil
	}
	r.Heard = d.Out
	return writeWAV(d.Out, d.bob.Tape.Samples())
}

// listen measures the way from one user's mouth to the other's ear. The clip and
// the tape know when their first samples were taken and played.
func listen(from, to *User, said []float32) (quality.Report, time.Duration, error) {
	mouth, ok1 := from.Clip.Began()
	ear, ok2 := to.Tape.Began()
	if !ok1 || !ok2 {
		return quality.Report{}, 0, fmt.Errorf("%s never heard %s", to.Name, from.Name)
	}
	q := quality.Compare(said, to.Tape.Samples())
	return q, q.MouthToEar() + ear.Sub(mouth), nil
}
