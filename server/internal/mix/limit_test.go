package mix

import (
	"errors"
	"testing"
	"testing/synctest"

	"undertone/server/internal/mix/half"
	"undertone/server/internal/session"
	"undertone/transport/key"
)

// A lower limit sends nobody away, and keeps others out until enough have left.
func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config
		cfg.Seats = 4
		r := start(t, cfg, 3)
		var link key.Secret
		comes := func(n byte) error {
			_, err := r.e.Join(half.Member{Handle: key.Handle{n}, Link: &link}, r.all[0])
			return err
		}
		if r.e.Limit() != 4 || !r.e.SetLimit(2) || r.e.Limit() != 2 {
			t.Errorf("the limit is %d", r.e.Limit())
		}
		if err := comes(1); !errors.Is(err, session.ErrFull) {
			t.Errorf("a fourth of two: %v", err)
		}
		r.join("b") // Who is online may come again.
		r.play(5, idle)
		if m := r.e.Metrics(); m.Online != 3 {
			t.Errorf("%d are online", m.Online)
		}
		r.all[2].seat.Leave()
		if err := comes(1); !errors.Is(err, session.ErrFull) {
			t.Errorf("a third of two: %v", err)
		}
		if r.e.SetLimit(5) || r.e.Limit() != 2 {
			t.Errorf("five places of four seats: %d", r.e.Limit())
		}
		if !r.e.SetLimit(4) {
			t.Error("as many places as seats are refused")
		}
		for n := range byte(3) {
			if err := comes(n + 1); errors.Is(err, session.ErrFull) != (n == 2) {
				t.Errorf("number %d of four: %v", n+3, err)
			}
		}
		r.end()
	})
}
