package smix

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"

	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
)

// extraSize is the length of what a cell says of slots received: a digest of the
// one of a second ago, and a bit for each of the 32 up to that one.
const extraSize = 8

// Alarms are shown after a random time, in seconds. Otherwise, whoever spoils a
// channel towards one member could see by what he does whether it is his.
const (
	alarmMin = 5
	alarmMax = 60
)

// often is how many times in a minute makes an alarm.
//
// A channel may be disturbed by chance: two tokens with one name, a member out of
// step. And what a cell says of slots received is hidden, but not authenticated: any
// member can flip bits of it with his own share, so that the digest is not that of
// its slot. Who does so in all channels disturbs ours too, so slots in which one of
// ours was disturbed do not count. What remains: who flips these bits in three slots
// without hitting a channel of ours still raises a false alarm, and a server that
// lies only twice in a minute raises none.
const often = 3

// A judge compares what the server told us with what it told others, and our
// channels with what we put in.
type judge struct {
	contacts map[key.Handle]*comparer
	groups   [generations]*comparer // nobody if there is none
	grouped  bool
	nobody   *comparer
	nothing  heard
	alarms   []alarm
	shown    map[half.Alarm]bool // is waiting, or was shown and holds on
	disturbs row                 // slots in which our channels were disturbed
	lies     row                 // slots in which somebody had another digest
	block    [2][aes.BlockSize]byte
	out      [extraSize]byte
}

// A row is the last slots in which something happened.
type row [often]cell.Slot

// add adds a slot, once, and reports whether it happened often in a minute.
func (r *row) add(n, minute cell.Slot) bool {
	if n <= r[often-1] {
		return false
	}
	copy(r[:], r[1:])
	r[often-1] = n
	return r[0] != 0 && n < r[0]+minute
}

// An alarm is shown from a slot on.
type alarm struct {
	what half.Alarm
	at   cell.Slot
}

// A comparer has the keys of digests with somebody: that of the hour, and of the
// hour before.
type comparer struct{ now, last cipher.Block }

// generations is how many secrets a group call may have at once.
const generations = 2

func (j *judge) init() {
	var k key.Secret
	_, _ = rand.Read(k.Bytes()) // Never fails: the program ends if the system has no randomness.
	j.nobody = &comparer{digestBlock(&k), digestBlock(&k)}
	j.groups = [generations]*comparer{j.nobody, j.nobody}
	j.contacts = make(map[key.Handle]*comparer)
	j.shown = make(map[half.Alarm]bool)
}

// keys takes in with whom there are keys.
func (j *judge) keys(k *half.Keyring) {
	clear(j.contacts)
	for _, p := range k.Peers {
		if p.Pair != nil {
			j.contacts[p.Handle] = j.comparer(p.Pair, p.Last)
		}
	}
	j.groups, j.grouped = [generations]*comparer{j.nobody, j.nobody}, false
	for i, g := range k.Groups[:min(len(k.Groups), generations)] {
		if g.Secret != nil {
			j.groups[i], j.grouped = j.comparer(g.Secret, nil), true
		}
	}
}

func (j *judge) comparer(now, last *key.Secret) *comparer {
	c := &comparer{digestBlock(now), j.nobody.last}
	if last != nil {
		c.last = digestBlock(last)
	}
	return c
}

func digestBlock(k *key.Secret) cipher.Block {
	d := seal.DigestKey(k)
	defer d.Wipe()
	block, err := aes.NewCipher(d.Bytes())
	if err != nil {
		panic(err) // Only a key of a wrong length fails, and a Secret has the right one.
	}
	return block
}

// extra says what came in the slots up to a second before n, for whom a cell is
// for. It is as much work for nobody. The result is valid until the next call.
func (j *judge) extra(h *Half, n cell.Slot, s *half.Say) *[extraSize]byte {
	c := j.contacts[s.To]
	if s.Group {
		c = j.groups[0]
	}
	if c == nil {
		c = j.nobody
	}
	r := n - h.times.digest
	var came uint32
	for i := range cell.Slot(32) {
		if x := h.heardOf(r - i); x != nil && x.complete {
			came |= 1 << i
		}
	}
	x := &j.nothing
	if came&1 != 0 {
		x = h.heardOf(r)
	}
	j.tag(c.now, x)
	copy(j.out[:4], j.block[1][:])
	binary.BigEndian.PutUint32(j.out[4:], came)
	return &j.out
}

// tag computes the digest of a slot under a key, into block[1].
func (j *judge) tag(b cipher.Block, x *heard) {
	j.block[0] = x.digest
	for i := range 8 {
		j.block[0][i] ^= byte(x.slot >> (8 * i))
	}
	b.Encrypt(j.block[1][:], j.block[0][:])
}

// compare takes in what somebody says that he received. It is the same work for a
// cell that is nobody's.
func (j *judge) compare(h *Half, f *half.Found, extra []byte) {
	x := h.heardOf(f.Slot - h.times.digest)
	both := f.Kind == cell.Stream && x != nil && x.complete && binary.BigEndian.Uint32(extra[4:])&1 != 0
	if x == nil {
		x = &j.nothing
	}
	c := j.contacts[f.From]
	known := c != nil
	if !known {
		c = j.nobody
	}
	same, sameInGroup := j.same(c, x, extra), false
	for _, g := range j.groups {
		sameInGroup = j.same(g, x, extra) || sameInGroup
	}
	lied := f.Place < 0 && known && !same || f.Place >= 0 && j.grouped && !sameInGroup
	if both && lied && f.Slot != j.disturbs[often-1] && j.lies.add(f.Slot, h.times.minute) {
		j.later(h, half.Equivocation)
	}
}

// same reports whether a digest is that of a slot under one of two keys.
func (j *judge) same(c *comparer, x *heard, extra []byte) bool {
	j.tag(c.now, x)
	now := subtle.ConstantTimeCompare(j.block[1][:4], extra[:4])
	j.tag(c.last, x)
	return now|subtle.ConstantTimeCompare(j.block[1][:4], extra[:4]) == 1
}

// disturbed takes in that something else came out of a channel of ours.
func (j *judge) disturbed(h *Half, n cell.Slot) {
	if j.disturbs.add(n, h.times.minute) {
		j.later(h, half.Disruption)
	}
}

// later raises an alarm after a random time, once until it was shown.
func (j *judge) later(h *Half, what half.Alarm) {
	wait := cell.Slot(alarmMin+h.random.IntN(alarmMax-alarmMin)) * h.times.second //nolint:gosec // positive
	j.raise(what, h.high+wait)
}

// raise raises an alarm at a slot, unless it waits to be shown already.
func (j *judge) raise(what half.Alarm, at cell.Slot) {
	if !j.shown[what] {
		j.shown[what] = true
		j.alarms = append(j.alarms, alarm{what, at})
	}
}

// settle forgets an alarm whose reason has gone.
func (j *judge) settle(what half.Alarm) { delete(j.shown, what) }

// due returns the alarms whose time has come.
func (j *judge) due(n cell.Slot) (all []half.Alarm) {
	kept := j.alarms[:0]
	for _, a := range j.alarms {
		if a.at > n {
			kept = append(kept, a)
			continue
		}
		all = append(all, a.what)
		if a.what != half.Unsafe {
			j.settle(a.what)
		}
	}
	j.alarms = kept
	return all
}
