package drive

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"undertone/app/internal/prove/plan"
	"undertone/app/internal/prove/record"
	"undertone/transport/cell"
)

// Config says what to run.
type Config struct {
	// Program is the one that children are, this one if it is empty.
	Program string
	// Folder is an empty folder, for captures, labels and what is needed meanwhile.
	Folder   string
	Mode     cell.Mode
	Interval cell.Interval
	// Client and Partner are whose line is measured and who is on the other side. With
	// neither, there is a server on loopback with two users.
	Client, Partner *User
	Size            plan.Size
	Steps           []plan.Step
	// Progress is told how far it is. It may be nil.
	Progress func(Progress)
}

// A User is somebody with a profile, whom another knows by a name.
type User struct {
	Profile    string
	Passphrase []byte
	// With is what the other side is called in the profile.
	With string
}

// Progress is how far a run is.
type Progress struct {
	Segments, Of int
	Doing        string
	Left         time.Duration
}

// A Result is what came of a run.
type Result struct {
	Recording *record.Recording
	// Stopped says that it ended before its time, and Why, if nobody wanted that.
	Stopped bool
	Why     error
	// Dropped is how many segments were begun and did not become what their label
	// says, and Lost how often the client's line was lost.
	Dropped, Lost int
}

// A run is one in progress.
type run struct {
	cfg             Config
	started         time.Time
	client, partner *child
	server          *child // nil if it is not ours
	labels          record.Labels
	steps           []plan.Step // what is left of the plan
	control         string      // what leaks
	missed          int         // how often either line was lost, as far as it was waited for
	result          Result
}

// Run does what the plan says, and returns the recording. If ctx ends, or the line
// does for good, it stops and returns what there is until then.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	r := &run{cfg: cfg, started: time.Now(), steps: cfg.Steps}
	r.labels = record.Labels{Mode: cfg.Mode, Interval: cfg.Interval, Started: r.started}
	defer r.close()
	err := r.begin(ctx)
	if err == nil {
		err = r.follow(ctx)
	}
	if err != nil {
		if len(r.labels.Segments) == 0 {
			return nil, err
		}
		r.result.Stopped = true
		if ctx.Err() == nil {
			r.result.Why = err
		}
	}
	result, collecting := r.collect()
	if collecting != nil {
		return nil, errors.Join(r.result.Why, collecting)
	}
	return result, nil
}

// close ends whatever runs.
func (r *run) close() {
	ctx, cancel := context.WithTimeout(context.Background(), endFor)
	defer cancel()
	for _, c := range []*child{r.client, r.partner, r.server} {
		if c != nil {
			c.kill(ctx)
		}
	}
}

// begin starts everybody, and waits until the line has settled.
func (r *run) begin(ctx context.Context) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	client, partner := r.cfg.Client, r.cfg.Partner
	if client == nil {
		r.tell("starting the server", 0)
		if client, partner, err = r.serve(ctx); err != nil {
			return err
		}
	}
	r.tell("going online", 0)
	if r.partner, err = r.start("other side", partner, PartnerFile); err != nil {
		return err
	}
	if r.client, err = r.start("client", client, ClientFile); err != nil {
		return err
	}
	for _, c := range []*child{r.partner, r.client} {
		if err := c.await(ctx, comeFor, func() bool { return c.online }); err != nil {
			return fmt.Errorf("cannot go online: %w", err)
		}
	}
	r.tell("the line settles", r.cfg.Size.Lasts(r.steps))
	return r.wait(ctx, r.cfg.Size.Settle)
}

// serve starts a server on loopback.
func (r *run) serve(ctx context.Context) (client, partner *User, err error) {
	r.server, err = start(r.cfg.Program, "server", job{
		Serve: true, Folder: filepath.Join(r.cfg.Folder, "set"), Mode: r.cfg.Mode, Interval: r.cfg.Interval,
	})
	if err == nil {
		err = r.server.await(ctx, comeFor, func() bool { return len(r.server.serves) == 2 })
	}
	if err != nil {
		return nil, nil, err
	}
	return &User{Profile: r.server.serves[0], With: partnerName}, &User{Profile: r.server.serves[1], With: clientName}, nil
}

func (r *run) start(name string, u *User, capture string) (*child, error) {
	return start(r.cfg.Program, name, job{
		Profile: u.Profile, Passphrase: u.Passphrase, With: u.With, Started: r.started.Round(0),
		Capture: filepath.Join(r.cfg.Folder, capture),
	})
}

func (r *run) tell(doing string, left time.Duration) {
	if r.cfg.Progress != nil {
		of := 0
		for _, s := range r.cfg.Steps {
			if s.Label != "" {
				of++
			}
		}
		r.cfg.Progress(Progress{Segments: len(r.labels.Segments), Of: of, Doing: doing, Left: left})
	}
}

// wait lets time pass, in which children may tell something.
func (r *run) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return errors.Join(r.client.look(), r.partner.look())
}

// patience is how many scenes in a row may fail.
const patience = 5

// follow does step after step. What does not come about costs the rest of its scene.
func (r *run) follow(ctx context.Context) error {
	failed := 0
	for len(r.steps) > 0 {
		step := r.steps[0]
		err := r.do(ctx, step)
		var gone *goneError
		switch {
		case err == nil:
			r.steps = r.steps[1:]
			if step.Act == plan.AwaitsIdle {
				failed = 0
			}
			continue
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &gone):
			return err
		}
		if failed++; failed > patience {
			return fmt.Errorf("%d calls in a row did not come about, the last since %w", failed, err)
		}
		if err := r.recover(ctx); err != nil {
			return err
		}
	}
	return nil
}

// A goneError says that a child has ended.
type goneError struct{ err error }

func (e *goneError) Error() string { return e.err.Error() }

func (e *goneError) Unwrap() error { return e.err }

// recover gives up the scene, and waits until all is as before it.
func (r *run) recover(ctx context.Context) error {
	for len(r.steps) > 0 && r.steps[0].Label != plan.Idle {
		r.steps = r.steps[1:]
	}
	r.tell("waiting for the line", r.cfg.Size.Lasts(r.steps))
	if err := r.leak(ctx, ""); err != nil {
		return err
	}
	lost := r.client.lost + r.partner.lost
	for _, c := range []*child{r.client, r.partner} {
		_ = c.order(doHangup) // If there is nothing to hang up, all the better.
		if err := c.await(ctx, comeFor, func() bool { return c.online && !c.busy }); err != nil {
			return &goneError{err}
		}
	}
	// A ring that nobody answers is over after seven seconds.
	settle := 10 * r.cfg.Size.Length
	if lost > r.missed {
		settle, r.missed = max(settle, r.cfg.Size.Settle), lost
	}
	return r.wait(ctx, settle)
}

// do does a step.
func (r *run) do(ctx context.Context, s plan.Step) error {
	if s.Control != r.control || s.Control != "" {
		if err := r.leak(ctx, s.Control); err != nil {
			return err
		}
	}
	if s.Label != "" {
		return r.segment(ctx, s)
	}
	r.tell(r.labelAhead(), r.cfg.Size.Lasts(r.steps))
	if err := r.act(s.Act); err != nil {
		return err
	}
	if err := r.done(ctx, s.Act); err != nil {
		return err
	}
	return r.wait(ctx, r.cfg.Size.Guard)
}

// labelAhead is the label of the next segment.
func (r *run) labelAhead() string {
	for _, s := range r.steps {
		if s.Label != "" {
			return s.Label
		}
	}
	return ""
}

// leak switches a leak on in the client, or off; after one, what was lost by it is
// sent again for a while.
func (r *run) leak(ctx context.Context, name string) error {
	was := r.control
	r.control = name
	if err := r.client.orders.write(order{Do: doLeak, Leak: name}); err != nil {
		return &goneError{err}
	}
	if was != "" && name == "" {
		return r.wait(ctx, r.cfg.Size.After())
	}
	return nil
}
