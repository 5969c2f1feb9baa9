package mixclient

import (
	"fmt"

	"undertone/codec"
	"undertone/mixclient/bmix"
	"undertone/mixclient/half"
	"undertone/mixclient/smix"
	"undertone/mixclient/tmix"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/rtc"
	"undertone/transport/superpose"
	"undertone/transport/wire"
)

// An opening is what a client has ready before it goes online: what it tells the
// server of its connection, and how it uses the link that comes of it.
type opening struct {
	wish Wish
	open func(t *Ticket) (half.Half, error)
}

// opening prepares a connection. It is the one place of the client that knows
// which modes there are.
func (c *Config) opening() (opening, error) {
	self := c.Self.Account().Handle()
	switch c.Mode {
	case cell.TMIX:
		return opening{open: func(t *Ticket) (half.Half, error) { return tmix.New(&t.Key, aheadSlots), nil }}, nil
	case cell.BMIX:
		conn := key.NewConnection()
		most := wire.MaxChannels / wire.BroadcastCells
		w := Wish{Record: conn[:], Window: c.window(most), Rate: c.rate(most, 1)}
		return opening{wish: w, open: func(*Ticket) (half.Half, error) { return bmix.New(self, conn), nil }}, nil
	case cell.SMIX:
		pass, err := smix.NewPassport(c.Self, c.Pin)
		if err != nil {
			return opening{}, err
		}
		most := superpose.Messages(superpose.MaxChannels) // The server tells how many there are.
		w := Wish{Record: pass.Record, Depth: most, Window: c.window(2 * most), Rate: c.rate(2*most, 2*most)}
		return opening{wish: w, open: func(t *Ticket) (half.Half, error) {
			return smix.New(pass, smix.Config{Interval: c.Interval, Channels: t.Channels})
		}}, nil
	}
	return opening{}, fmt.Errorf("mixclient: this version has no mode %s", c.Mode)
}

// window is how many bytes may be on the way where a slot has so many messages.
func (c *Config) window(messages int) int {
	return rtc.Window(c.Interval.Duration(), messages*rtc.MaxMessage)
}

// rate is how many datagrams a second may come where so many messages of a slot come
// and go.
func (c *Config) rate(in, out int) int { return rtc.Rate(c.Interval.Duration(), in, out) }

// Speakers is how many can be heard at once. Where there are group calls
// everything that can be heard costs its work in every slot, in a group or not;
// the tMIX has none, and would pay for it with the battery only.
func Speakers(m cell.Mode) int {
	if !groups(m) {
		return 1
	}
	return codec.MaxSpeakers
}

// groups reports whether a mode has calls of more than two: those in which
// everybody gets all cells.
func groups(m cell.Mode) bool { return m != cell.TMIX }
