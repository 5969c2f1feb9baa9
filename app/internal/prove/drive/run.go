package drive

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"time"

	"undertone/app/internal/prove/plan"
	"undertone/app/internal/prove/record"
	"undertone/app/internal/prove/relay"
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
	// neither, there is a server on loopback with two users, and a third who is recorded
	// too and never calls.
	Client, Partner *User
	// Attack is what is done to the client's datagrams on loopback, all the time.
	Attack relay.Attack
	Size   plan.Size
	Steps  []plan.Step
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
	// Attacked is to how many datagrams the attacker did something.
	Attacked int64
}

// A run is one in progress.
type run struct {
	cfg             Config
	started         time.Time
	client, partner *child
	// bystander and server are nil if it is not ours, attacker if there is none.
	bystander, server, attacker *child
	labels                      record.Labels
	steps                       []plan.Step // what is left of the plan
	control                     string      // what leaks
	missed                      int         // how often a line was lost, as far as it was waited for
	result                      Result
}

// Run does what the plan says, and returns the recording. If ctx ends, or the line
// does for good, it stops and returns what there is until then.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	r := &run{cfg: cfg, started: time.Now(), steps: cfg.Steps}
	r.labels = record.Labels{Mode: cfg.Mode, Interval: cfg.Interval, Started: r.started, Attack: string(cfg.Attack)}
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
	for _, c := range append(r.clients(), r.attacker, r.server) {
		if c != nil {
			c.kill(ctx)
		}
	}
}

// clients are all who are recorded and have been started.
func (r *run) clients() (all []*child) {
	for _, c := range []*child{r.client, r.partner, r.bystander} {
		if c != nil {
			all = append(all, c)
		}
	}
	return all
}

// begin starts everybody, and waits until the line has settled.
func (r *run) begin(ctx context.Context) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	client, partner, bystander := r.cfg.Client, r.cfg.Partner, (*User)(nil)
	if client == nil {
		r.tell("starting the server", 0)
		if client, partner, bystander, err = r.serve(ctx); err != nil {
			return err
		}
	}
	r.tell("going online", 0)
	if bystander != nil {
		if r.bystander, err = r.start("bystander", bystander, BystanderFile, netip.AddrPort{}); err != nil {
			return err
		}
	}
	if r.partner, err = r.start("other side", partner, PartnerFile, netip.AddrPort{}); err != nil {
		return err
	}
	via, err := r.attack(ctx)
	if err != nil {
		return err
	}
	if r.client, err = r.start("client", client, ClientFile, via); err != nil {
		return err
	}
	for _, c := range r.clients() {
		if err := c.await(ctx, comeFor, func() bool { return c.online }); err != nil {
			return fmt.Errorf("cannot go online: %w", err)
		}
	}
	r.tell("the line settles", r.cfg.Size.Lasts(r.steps))
	return r.wait(ctx, r.cfg.Size.Settle)
}

// serve starts a server on loopback.
func (r *run) serve(ctx context.Context) (client, partner, bystander *User, err error) {
	r.server, err = start(r.cfg.Program, "server", job{
		Serve: true, Folder: filepath.Join(r.cfg.Folder, "set"), Mode: r.cfg.Mode, Interval: r.cfg.Interval,
	})
	if err == nil {
		err = r.server.await(ctx, comeFor, func() bool { return len(r.server.serves) == recorded })
	}
	if err != nil {
		return nil, nil, nil, err
	}
	all := r.server.serves
	return &User{Profile: all[0], With: partnerName}, &User{Profile: all[1], With: clientName}, &User{Profile: all[2]}, nil
}

// attack starts the attacker, if there is to be one, and returns where he is.
func (r *run) attack(ctx context.Context) (via netip.AddrPort, err error) {
	if r.cfg.Attack == relay.None {
		return via, nil
	}
	if r.server == nil {
		return via, errors.New("only a line on loopback can be attacked")
	}
	r.attacker, err = start(r.cfg.Program, "attacker", job{Attack: r.cfg.Attack, Server: r.server.at, Interval: r.cfg.Interval})
	if err == nil {
		err = r.attacker.await(ctx, comeFor, func() bool { return r.attacker.at.IsValid() })
	}
	if err != nil {
		return via, err
	}
	return r.attacker.at, nil
}

// start starts somebody with a profile, whose datagrams go by way of another address if
// that is valid.
func (r *run) start(name string, u *User, capture string, via netip.AddrPort) (*child, error) {
	j := job{
		Profile: u.Profile, Passphrase: u.Passphrase, With: u.With, Started: r.started.Round(0),
		Capture: filepath.Join(r.cfg.Folder, capture), Via: via,
	}
	if via.IsValid() {
		j.Server = r.server.at
	}
	return start(r.cfg.Program, name, j)
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
	if r.bystander != nil {
		_ = r.bystander.look() // Without him there is less to look at.
	}
	err := errors.Join(r.client.look(), r.partner.look())
	if r.attacker != nil {
		err = errors.Join(err, r.attacker.look())
	}
	return err
}

// lost is how often the line of one of the two was lost.
func (r *run) lost() int { return r.client.lost + r.partner.lost }

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
	lost := r.lost()
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
