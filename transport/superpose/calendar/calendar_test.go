package calendar

import (
	"testing"

	"undertone/transport/cell"

	"pgregory.net/rapid"
)

// A lease ends with the next frame of its channel, this one aside: found by
// walking from frame to frame.
func TestEndAgainstWalking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		channels := rapid.IntRange(1, MaxChannels).Draw(t, "channels")
		i := rapid.SampledFrom(cell.Intervals()).Draw(t, "interval")
		c, n := New(i, channels), cell.Slot(rapid.Uint32().Draw(t, "slot"))
		channel := rapid.IntRange(0, channels-1).Draw(t, "channel")
		f := c.Frame(n) + 1
		for int(f%cell.Slot(channels)) != channel { //nolint:gosec // small
			f++
		}
		if got := c.End(channel, n); got != c.Start(f+1) || c.Frame(got-1) != f {
			t.Fatalf("channel %d of %d reserved in slot %d ends at %d, not %d", channel, channels, n, got, c.Start(f+1))
		}
		if c.Over(n) != c.Start(c.Frame(n)+1) || c.Start(c.Frame(n)) > n {
			t.Error("frames do not follow each other")
		}
	})
}

// Of all free and empty channels the token gets the one that lasts longest, and
// none if that would leave no channel free in the next frame.
func TestGrantAgainstTryingAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		channels := rapid.IntRange(2, 12).Draw(t, "channels")
		c, n := New(cell.Interval40, channels), cell.Slot(rapid.Uint32Range(1000, 1<<30).Draw(t, "slot"))
		ends, empty := make([]cell.Slot, channels), uint32(0)
		longer := 0
		for ch := range ends {
			if rapid.Bool().Draw(t, "leased") {
				ends[ch] = c.End(ch, n-cell.Slot(rapid.IntRange(0, 60).Draw(t, "ago"))) //nolint:gosec // positive
			}
			if rapid.Bool().Draw(t, "empty") {
				empty |= 1 << ch
			}
			if ends[ch] > c.Over(n) {
				longer++
			}
		}
		got := c.Grant(n, ends, empty)
		if longer >= channels-1 && got >= 0 {
			t.Fatal("granted, though all but one last longer")
		}
		for ch := range ends {
			free := ends[ch] <= n && empty>>ch&1 == 1
			if ch == got && !free {
				t.Fatal("granted what is not free")
			}
			if free && longer < channels-1 && (got < 0 || c.End(ch, n) > c.End(got, n)) {
				t.Fatalf("channel %d would last longer than %d", ch, got)
			}
		}
	})
}
