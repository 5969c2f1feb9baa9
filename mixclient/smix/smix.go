// Package smix is the client's half of the sMIX (the paper's section 5.2):
// superposed sending. It is pure; mixclient/core is its only caller. The layout of
// what is said is in transport/superpose, the server's half in
// server/internal/mix/smix.
//
//	Up     share of a slot = pads of all pairs XOR the cells of channels held
//	Down   sum of all shares: the channels, for everybody to look through
//
// Members agree on secrets (roster.go), follow the epochs (epochs.go), reserve
// channels (leases.go), and compare what they were told (digest.go).
//
// # What a cell of a channel is
//
//	| tag 8 | hidden: kind 1, body 111, digest 4, slots received 4 |
//
// It is said under the veil of a pair of connections (mixclient/veil). Who holds a
// channel and has nothing to say fills it with zeros under a veil that nobody has;
// that is the same for the same slot however often it is made.
//
// # Batches are made in advance, and again
//
// The caller holds some seconds of batches, each made by Up with nothing to say,
// from which what is sent is taken when everything else stands still. When that
// must change (an epoch, a lease), Stale tells from which slot on. The caller then
// makes the batches anew FROM THE NEWEST DOWN to that slot, all of them at once:
//
//	for m := newest; m >= stale; m-- { Up(m); keep }
//
// The order matters. A channel that is held is never empty once it was begun, or
// it would show that its owner stands still. Downwards, every moment leaves
// batches of which the earlier are empty and the later are full, and so what is
// sent is first empty and then full, whatever interrupts it. A lease begins where
// that has come to; made upwards, it would begin only after all that was made
// before had been sent.
//
// # What it costs, and what is lost
//
// Measured with both halves as plain functions (server/e2e), at 40 ms, 50 ms one way,
// with 8 channels:
//
//	1 % of messages lost each way, 20 members    0.1 to 0.2 % of voice lost
//	one of 50 members vanishes                   440 ms of voice lost by the others
//	a member enters, or leaves cleanly           nothing lost
//	50 members come at once                      assembled after 5 s
//	a member enters a running set                2 s, and 2 s for each who waits before
//
// What the others lose when one of 12 vanishes, in milliseconds:
//
//	one way   20 ms   40 ms   100 ms
//	   0        260     320      700
//	  50        380     440      700
//	 100        580     680      900
//
// A slot takes 0.01, 0.02, 0.03 and 0.06 ms of a client in sets of 10, 50, 100 and 300,
// an epoch 2 ms in a set of 50 and 8 ms in one of 300 (on a busy machine up to three
// times as long). A slot allocates nothing.
//
// # Where this differs from the design
//
// A channel that is disturbed is not given up, and a lease that the map does not
// show any more goes on: see leases.go. Who wins which channel until when follows
// from the slot and the channel (transport/superpose/calendar), not from the token:
// so members need no more than the map.
//
// # Among strangers
//
// A member whom the user does not know may be an invention of the server, which
// then knows the pads that it has with him. If all but one are strangers, the server
// may see which channels the user holds. Then he behaves as one who never has
// anything to say, and what he held before ends (safety.go). Letters of pairings go
// out all the same, in channels that he holds anyway; who has the user's link, or
// that of whom he pairs with, can find those.
//
// What remains: nothing proves that a member has left of his own will. A server can
// announce an epoch without him, in which leases go on, and see whose channel falls
// silent. It can do so to anybody, and nobody but him is told.
//
// # No pad twice
//
// Pads are a function of pair, epoch and slot. An epoch is taken in only if its
// counter and its start are higher than those of the one before; its name, which
// is in the key of every pad, covers both, and all connections. A batch for a slot
// may be made many times, but the caller sends one, and its slots rise. Two
// members with one connection value would cancel each other's pads, so a second
// one is refused.
package smix

import (
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"

	"undertone/mixclient/half"
	"undertone/mixclient/smix/lease"
	"undertone/mixclient/veil"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/superpose"
	"undertone/transport/superpose/calendar"
	"undertone/transport/trickle"
)

// MinKnown is how many members whom he knows the user hides among, at least.
const MinKnown = 2

// A Passport is what a user says of himself on one connection, and the secrets to
// it. A new link needs a new one: with the same secrets, a server could have the
// same epochs begin again, and the same pads be used twice.
type Passport struct {
	// Record goes to the server when the link is made.
	Record  []byte
	self    key.Handle
	conn    key.Connection
	pin     [32]byte
	secrets *superpose.Keys
	used    bool
}

// NewPassport makes the passport of a user for a server with the given pin.
func NewPassport(self *key.Identity, pin [32]byte) (*Passport, error) {
	p := &Passport{self: self.Account().Handle(), pin: pin}
	_, _ = rand.Read(p.conn[:]) // Never fails: the program ends if the system has no randomness.
	var err error
	p.Record, p.secrets, err = superpose.NewRecord(self, pin, p.conn)
	return p, err
}

// Config says what the set is like.
type Config struct {
	// Interval is the length of a slot.
	Interval cell.Interval
	// Channels is how many shared channels there are.
	Channels int
	// MinKnown is how many members must be known; zero means MinKnown.
	MinKnown int
}

var errUsed = errors.New("smix: a passport is for one link")

// A Half is the client's end of one link. It is for one goroutine at a time.
type Half struct {
	*Passport
	cfg      Config
	messages int
	times    times
	random   *mathrand.Rand
	book     *veil.Book
	policy   *lease.Policy

	in     trickle.Receiver
	out    trickle.Sender
	roster roster
	epochs epochs
	leases leases
	judge  judge

	high    cell.Slot // the newest slot heard
	horizon cell.Slot // the newest slot made
	said    cell.Slot // the newest slot that was made at its time
	made    []made    // by slot, modulo a power of two
	heard   [recent]heard
	stale   cell.Slot // from where batches must be made anew, 0: nowhere
	last    cell.Slot // the slot that Up was called for last
	wants   bool
	leave   cell.Slot   // from where on the user asks to be left out, 0: he stays
	cells   []cell.Cell // what is said, or garbage, by channel
	found   half.Found
	public  []byte // space for what is hashed
}

var _ half.Half = (*Half)(nil)

// times are the tuning constants, in slots.
type times struct {
	ahead  cell.Slot // batches are made so far ahead
	near   cell.Slot // messages further off are of no use
	live   cell.Slot // nothing is made at its time further ahead of what was heard
	begin  cell.Slot // a lease must have begun so soon after it was won
	token  cell.Slot // a token that has not won after that has lost
	digest cell.Slot // members compare slots so long ago
	minute cell.Slot
	second cell.Slot
}

func newTimes(i cell.Interval) times {
	at := func(ms int) cell.Slot { return superpose.Slots(i, ms) }
	return times{ahead: at(5000), near: 256, live: at(2000), begin: at(1500), token: at(2000), digest: at(1000), minute: at(60_000), second: at(1000)}
}

// made is what was made for a slot.
type made struct {
	slot    cell.Slot
	counter uint32 // of the epoch, 0: nothing yet
	pads    []byte // the sum of all
	channel int    // where something was said at its time, -1: nowhere
	said    cell.Cell
}

// heard is what came for a slot.
type heard struct {
	slot     cell.Slot
	messages uint8 // a bit for each that came
	complete bool
	digest   [16]byte
}

// recent is how many slots back messages, and digests, are remembered.
const recent = 128

// New returns the half of who has a passport.
func New(p *Passport, cfg Config) (*Half, error) {
	if cfg.Channels < 1 || cfg.Channels > superpose.MaxChannels {
		return nil, fmt.Errorf("smix: %d channels are not between 1 and %d", cfg.Channels, superpose.MaxChannels)
	}
	if p.used {
		return nil, errUsed
	}
	p.used = true
	if cfg.MinKnown == 0 {
		cfg.MinKnown = MinKnown
	}
	var seed [32]byte
	_, _ = rand.Read(seed[:])                         // Never fails: the program ends if the system has no randomness.
	random := mathrand.New(mathrand.NewChaCha8(seed)) //nolint:gosec // ChaCha8 with a seed from the system is not to be guessed
	h := &Half{
		Passport: p, cfg: cfg, messages: superpose.Messages(cfg.Channels), times: newTimes(cfg.Interval),
		random: random, book: veil.New(p.self, p.conn), policy: lease.New(cfg.Interval, random),
		cells: make([]cell.Cell, cfg.Channels),
	}
	size := 1
	for size < int(h.times.ahead)+64 {
		size *= 2
	}
	h.made = make([]made, size)
	pads := make([]byte, size*h.messages*seal.ShareSize)
	for i := range h.made {
		h.made[i].pads = pads[i*h.messages*seal.ShareSize:][:h.messages*seal.ShareSize]
	}
	h.roster.init()
	h.leases.init(cfg.Interval, cfg.Channels)
	h.judge.init()
	h.public = make([]byte, 0, superpose.Size+2)
	return h, nil
}

// Shape returns what goes up.
func (h *Half) Shape() half.Shape {
	return half.Shape{Parts: 2, Messages: h.messages, Size: superpose.Size}
}

// Keys takes in whom the user may hear and write to.
func (h *Half) Keys(k *half.Keyring) {
	h.book.Keys(k)
	h.roster.keys(k)
	h.judge.keys(k)
	h.judgeAnew()
}

// Stale returns down to which slot batches must be made anew, from the newest on.
func (h *Half) Stale() (cell.Slot, bool) {
	n := h.stale
	h.stale = 0
	return n, n != 0
}

// spoil has all batches from slot n on made anew.
func (h *Half) spoil(n cell.Slot) {
	n = max(n, h.said+1)
	if n > h.horizon {
		return // There are none.
	}
	if h.stale == 0 || n < h.stale {
		h.stale = n
	}
}

// Wants takes in whether the user has something to say for some time.
func (h *Half) Wants(on bool) { h.wants = on }

// Leave has the half reserve no more, and ask to be left out when any lease that it
// may have is over: that takes as long for who has none, or else the end of his last
// would tell which it was. It returns how many slots that takes at most. Left reports
// when he is left out. The link may end then, or at any other time, which costs the
// others half a second.
func (h *Half) Leave() cell.Slot {
	frame := calendar.FrameSlots(h.cfg.Interval)
	rest := longest(h.cfg.Channels) * frame
	if h.leave == 0 {
		h.leave = h.said + 1 + rest + cell.Slot(h.random.Uint64N(uint64(frame)))
		h.spoil(h.leave)
	}
	return rest + frame + 1
}

// longest returns how many frames a lease lasts at most, from the slot of its token.
func longest(channels int) cell.Slot { return cell.Slot(channels) + 1 } //nolint:gosec // positive

// Left reports whether the user is in no epoch, so that nobody misses him.
func (h *Half) Left() bool { return h.epochs.at(h.high) == nil }

// Status tells how things stand.
func (h *Half) Status() half.Status {
	s := half.Status{Channels: h.cfg.Channels, Occupied: h.leases.occupied()}
	if e := h.epochs.at(h.high); e != nil {
		s.Members, s.Known = len(e.Members), e.known
		s.Unsafe = !h.safe(e)
		s.Ready = !s.Unsafe && h.leases.begun(h.high+1)
	}
	return s
}

// Alarms returns what a person should know by now.
func (h *Half) Alarms() []half.Alarm { return h.judge.due(h.high) }
