//go:build !race

package demo

import (
	"testing"
	"time"

	"undertone/transport/cell"
	"undertone/transport/simnet"
)

// When a frame of 20 ms is lost the decoder is given the one after, which holds a
// coarse copy of it: so the ear waits for it, and the engine hands it over. One of two
// that are lost in a row is guessed, and so may be the first ones of a call, before the
// ear knows that any are lost.
func TestTheNextFrameTellsOfALostOne(t *testing.T) {
	t.Parallel()
	const share = 0.05
	line := simnet.Path{Delay: 20*time.Millisecond + 137*time.Microsecond, Loss: share}
	inCrowd(t, scene{mode: cell.BMIX, interval: cell.Interval20, members: 3}, line, func(c *crowd) {
		c.call(0, 1)
		time.Sleep(5 * time.Second)
		c.lost(0, 1)
		was := [2]uint64{c.hums[0].spared.Load(), c.hums[1].spared.Load()}
		time.Sleep(20 * time.Second)
		for k, h := range c.hums[:2] {
			missing, of := h.lost()
			spared := h.spared.Load() - was[k]
			t.Logf("%s: %d of %d frames were lost; for %d the next was there", c.users[k].Name, missing, of, spared)
			if float64(missing) < share*float64(of) {
				t.Errorf("%s: only %d of %d frames were lost, each on two lines", c.users[k].Name, missing, of)
			}
			if 3*spared < 2*missing {
				t.Errorf("%s: %d of %d frames were lost, and the next was there for %d", c.users[k].Name, missing, of, spared)
			}
			if n := h.misled.Load(); n > 0 {
				t.Errorf("%s: %d times another frame was taken for the next", c.users[k].Name, n)
			}
		}
	})
}
