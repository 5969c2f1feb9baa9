// Package calendar says when leases of channels end, and which channel a token
// gets: the part of sMIX's leases that the server and all members compute alike.
// It is pure, and everything in it is public.
//
// Time is cut into frames of about half a second, and each frame belongs to one
// channel, in turn. A lease ends with the next frame of its channel, whoever owns
// it and whenever it began; so nobody chooses a length, a member who lost slots
// knows all ends from the map alone, and never do two leases end together:
//
//	frame        | 0   | 1   | 2   | 3   | 4   | ...     C = 4
//	channel 0    ======|        ===================|
//	channel 1    ============|        ==================...
//	channel 2    ==================|        ============...
//	channel 3       =====================|        ======...
//	                ^ hand-over of the owner of channel 0 to channel 3
//
// In each frame one channel is free, so the owner of the lease that ends with the
// frame has somewhere to go before it does. For this the server keeps one rule
// more (Grant): at most C-1 leases may last longer than the present frame.
//
// Why not lengths drawn from the token: with six members in calls and eight
// channels, three leases that end within the seven slots of a hand-over leave
// five channels for six voices. With lengths of 3 to 6 s that is one hand-over in
// fifteen, whoever reserves when.
package calendar

import "undertone/transport/cell"

// MaxChannels is how many channels a set may have.
const MaxChannels = 32

// A Calendar is the calendar of a set.
type Calendar struct{ frame, channels cell.Slot }

// New returns the calendar of a set. Channels below one count as one.
func New(i cell.Interval, channels int) Calendar {
	return Calendar{frame: FrameSlots(i), channels: cell.Slot(min(max(channels, 1), MaxChannels))}
}

// FrameSlots returns how many slots a frame has: 400 ms of them, 600 ms if slots
// are long.
func FrameSlots(i cell.Interval) cell.Slot {
	return cell.Slot(max(400/i.Milliseconds(), 6))
}

// Frame returns the frame that a slot lies in.
func (c Calendar) Frame(n cell.Slot) cell.Slot { return n / c.frame }

// Start returns the first slot of a frame.
func (c Calendar) Start(frame cell.Slot) cell.Slot { return frame * c.frame }

// Over returns the first slot after the frame of slot n.
func (c Calendar) Over(n cell.Slot) cell.Slot { return c.Start(c.Frame(n) + 1) }

// End returns the first slot that is not in the lease of a channel reserved in
// slot n: the end of the next frame of that channel, this frame aside.
func (c Calendar) End(channel int, n cell.Slot) cell.Slot {
	next := c.Frame(n) + 1
	wait := (cell.Slot(channel) + c.channels - next%c.channels) % c.channels
	return c.Start(next + wait + 1)
}

// Longer returns how many leases last longer than the frame of slot n. Ends holds
// the end of the lease of each channel; one that is not after n counts as none.
func (c Calendar) Longer(n cell.Slot, ends []cell.Slot) int {
	over, k := c.Over(n), 0
	for _, e := range ends {
		if e > over {
			k++
		}
	}
	return k
}

// Grant returns the channel that the next valid token of slot n gets, or -1: of
// the channels that are free, and that empty says nothing is in, the one that
// lasts longest; none if C-1 leases last longer than the frame already.
func (c Calendar) Grant(n cell.Slot, ends []cell.Slot, empty uint32) int {
	if c.Longer(n, ends) >= max(len(ends)-1, 1) {
		return -1
	}
	best, last := -1, cell.Slot(0)
	for ch, e := range ends {
		if e <= n && empty>>ch&1 == 1 && c.End(ch, n) > last {
			best, last = ch, c.End(ch, n)
		}
	}
	return best
}
