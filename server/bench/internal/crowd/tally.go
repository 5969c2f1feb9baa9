package crowd

import (
	"sync/atomic"

	"undertone/server/bench/internal/meter"
	"undertone/server/bench/internal/socket"
)

// Counts are what a crowd has counted since it was made.
type Counts struct {
	// Online is how many users have a line and were heard on it.
	Online int64 `json:"online"`

	// Posted is how many messages were sent, Passed how many were not because this
	// process was too late for them.
	Posted uint64 `json:"posted"`
	Passed uint64 `json:"passed"`
	// Received is how many came, Lost how many did not.
	Received uint64 `json:"received"`
	Lost     uint64 `json:"lost"`

	// Up and Down are what crossed the sockets, with IP and UDP around it.
	Up   Traffic `json:"up"`
	Down Traffic `json:"down"`

	// Joined counts new users, Left those who took leave, Killed those whose
	// program died, and Moved those who came to have another address.
	Joined uint64 `json:"joined"`
	Left   uint64 `json:"left"`
	Killed uint64 `json:"killed"`
	Moved  uint64 `json:"moved"`
	// Silent counts lines that were given up after a second without a word, Ended
	// those that ended by themselves, and Failed attempts to come online that led to
	// nothing.
	Silent uint64 `json:"silent"`
	Ended  uint64 `json:"ended"`
	Failed uint64 `json:"failed"`
}

// A Traffic is a number of datagrams.
type Traffic struct {
	Datagrams uint64 `json:"datagrams"`
	Bytes     uint64 `json:"bytes"`
}

// Since returns what was counted since earlier counts. Online is that of now.
func (c Counts) Since(o Counts) Counts {
	return Counts{
		Online: c.Online,
		Posted: c.Posted - o.Posted, Passed: c.Passed - o.Passed,
		Received: c.Received - o.Received, Lost: c.Lost - o.Lost,
		Up: c.Up.since(o.Up), Down: c.Down.since(o.Down),
		Joined: c.Joined - o.Joined, Left: c.Left - o.Left, Killed: c.Killed - o.Killed, Moved: c.Moved - o.Moved,
		Silent: c.Silent - o.Silent, Ended: c.Ended - o.Ended, Failed: c.Failed - o.Failed,
	}
}

func (t Traffic) since(o Traffic) Traffic {
	return Traffic{t.Datagrams - o.Datagrams, t.Bytes - o.Bytes}
}

// A tally is what all goroutines of a crowd count into.
type tally struct {
	online                      atomic.Int64
	posted, passed              atomic.Uint64
	received, lost              atomic.Uint64
	up, down                    flow
	joined, left, killed, moved atomic.Uint64
	silent, ended, failed       atomic.Uint64
}

type flow struct{ datagrams, bytes atomic.Uint64 }

func (f *flow) add(size int) {
	f.datagrams.Add(1)
	f.bytes.Add(uint64(size + socket.Around))
}

func (f *flow) read() Traffic { return Traffic{f.datagrams.Load(), f.bytes.Load()} }

func (t *tally) read() Counts {
	return Counts{
		Online: t.online.Load(),
		Posted: t.posted.Load(), Passed: t.passed.Load(),
		Received: t.received.Load(), Lost: t.lost.Load(),
		Up: t.up.read(), Down: t.down.read(),
		Joined: t.joined.Load(), Left: t.left.Load(), Killed: t.killed.Load(), Moved: t.moved.Load(),
		Silent: t.silent.Load(), Ended: t.ended.Load(), Failed: t.failed.Load(),
	}
}

// A Window is what is measured from one moment to another.
type Window struct {
	// Late is the lateness of what came down, on lines that follow.
	Late meter.Histogram
	// Beats is how long after the start of a slot the first message of a line comes
	// that is not late, on lines that follow.
	Beats meter.Spread
	// Trip is the time from a message to its answer, on lines that lead.
	Trip meter.Histogram
	// Own is the lateness of the crowd's own sending.
	Own meter.Histogram
	// Back is how long users who lost their line, or their program, were away until
	// they heard the server again.
	Back meter.Histogram
}
