package node

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrClock ends Run when somebody has set the machine's clock far from where it was,
// or when the machine was asleep. Slots go by the clock as it was at the start, so that
// setting it moves none, and a client takes a server whose date is a day off for
// somebody who plays an old one back to him. A machine without a clock of its own that
// has just learnt the time would keep everybody out for as long as the server runs. Who
// calls Run has it start anew: its users are back within seconds.
var ErrClock = errors.New("the machine's clock is another one than at the start")

const (
	// clockEvery is how often the machine's clock is looked at.
	clockEvery = time.Minute
	// clockAhead and clockBehind are by how much it may differ from that of the start:
	// by far less than the day at which clients give up, and by more than anybody
	// corrects a clock that runs. Slots that go back cost more than such that jump
	// ahead: keys of contacts that were used up in between do not come back, so that
	// some letters stay unread until the time is reached again. So they go back only
	// where clients are about to give up.
	clockAhead, clockBehind = time.Hour, 12 * time.Hour
)

// watchClock returns ErrClock when the slots are not by the machine's clock any more,
// or nil when the context ends.
func (n *Node) watchClock(ctx context.Context) error {
	ticker := time.NewTicker(clockEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := compareClocks(n.now(), n.machine()); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// compareClocks compares dates, and not what has passed since.
func compareClocks(slots, machine time.Time) error {
	if off := machine.Round(0).Sub(slots.Round(0)); off <= clockAhead && off >= -clockBehind {
		return nil
	}
	return fmt.Errorf("%w: it says %s, and by that of the start it is %s", ErrClock,
		machine.UTC().Format(time.DateTime), slots.UTC().Format(time.DateTime))
}
