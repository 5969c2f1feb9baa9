package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"undertone/mixclient/half"
	"undertone/transport/cell"
)

// Config says what to show.
type Config struct {
	// Mode and Interval are the set's.
	Mode     cell.Mode
	Interval cell.Interval
	// Members is how many are online; 0 stands for as many as the mode needs to
	// make sense. Those who are not in the call are softphones as well.
	Members int
	// Group is how many are in the call; 0 stands for 2.
	Group int
	// For is how long the two talk, or each in a group, and how long the line is
	// watched in idle.
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

// most bounds the members: they all run on this machine.
const most = 50

// populate fills in the defaults.
func (c *Config) populate() {
	if c.Group == 0 {
		c.Group = 2
	}
	if c.Members == 0 {
		c.Members = c.Group
		if c.Mode != cell.TMIX {
			c.Members = max(c.Group, 5)
		}
	}
}

// Validate says what of it a person must change.
func (c *Config) Validate() error {
	d := *c
	d.populate()
	if d.Group < 2 || d.Group > half.MaxGroup {
		return fmt.Errorf("--group %d: use between 2 and %d", c.Group, half.MaxGroup)
	}
	if d.Group > 2 && c.Mode == cell.TMIX {
		return errors.New("--group: a tmix has calls of two only; use --mode bmix or smix")
	}
	if d.Members < d.Group || d.Members > most {
		return fmt.Errorf("--members %d: use between %d and %d", c.Members, d.Group, most)
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
	cfg.populate()
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
	d.introduce()
	if d.set, err = NewSet(ctx, SetConfig{Dir: dir, Mode: cfg.Mode, Interval: cfg.Interval, Watch: cfg.Members}); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.set.Close()) }()
	defer func() { err = errors.Join(err, d.leave()) }()
	if err := d.join(); err != nil {
		return nil, err
	}
	return d.play()
}
