package crowd

import (
	"context"
	"math/rand/v2"
	"time"
)

// A Churn is how many things of each kind happen in a minute.
type Churn struct {
	// Joins are new users, while there are fewer than at the beginning; so there
	// are as many of them as Leaves at most.
	Joins int `json:"joins_per_minute"`
	// Leaves are users who take leave for good.
	Leaves int `json:"leaves_per_minute"`
	// Kills are users whose program dies without a word, and comes back.
	Kills int `json:"kills_per_minute"`
	// Moves are users who come to have another address, without their program
	// knowing it.
	Moves int `json:"moves_per_minute"`
}

// Churn has things happen to the crowd until ctx ends.
func (c *Crowd) Churn(ctx context.Context, ch Churn) {
	full := c.size()
	kinds := []struct {
		perMinute int
		act       func()
	}{
		{ch.Joins, func() {
			if c.size() < full {
				c.admit(func() { c.tally.joined.Add(1) })
			}
		}},
		{ch.Leaves, func() { c.tell(leave) }},
		{ch.Kills, func() { c.tell(kill) }},
		{ch.Moves, func() { c.tell(move) }},
	}
	total := 0
	for _, k := range kinds {
		total += k.perMinute
	}
	if total == 0 {
		return
	}
	tick := time.NewTicker(time.Minute / time.Duration(total))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		// Which of them it is, is drawn, each as often as it is asked for.
		n := rand.IntN(total) //nolint:gosec // hides nothing
		for _, k := range kinds {
			if n -= k.perMinute; n < 0 {
				k.act()
				break
			}
		}
	}
}
