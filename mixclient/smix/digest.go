package smix

import (
	"crypto/aes"
	"crypto/cipher"
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

// disturbances is how many times in a minute a channel may be disturbed by
// chance: two tokens with one name, a member out of step.
const disturbances = 3

// A judge compares what the server told us with what it told others, and our
// channels with what we put in.
type judge struct {
	contacts map[key.Handle]*comparer
	groups   []*comparer
	alarms   []alarm
	shown    map[half.Alarm]bool // is waiting, or was shown and holds on
	times    [disturbances]cell.Slot
	block    [2][aes.BlockSize]byte
	out      [extraSize]byte
}

// An alarm is shown from a slot on.
type alarm struct {
	what half.Alarm
	at   cell.Slot
}

// A comparer has the keys of digests with somebody: that of the hour, and of the
// hour before.
type comparer struct{ now, last cipher.Block }

func (j *judge) init() {
	j.contacts = make(map[key.Handle]*comparer)
	j.shown = make(map[half.Alarm]bool)
}

// keys takes in with whom there are keys.
func (j *judge) keys(k *half.Keyring) {
	clear(j.contacts)
	for _, p := range k.Peers {
		if p.Pair != nil {
			j.contacts[p.Handle] = &comparer{digestBlock(p.Pair), digestBlock(p.Last)}
		}
	}
	j.groups = j.groups[:0]
	for _, g := range k.Groups {
		if g.Secret != nil {
			j.groups = append(j.groups, &comparer{digestBlock(g.Secret), nil})
		}
	}
}

func digestBlock(k *key.Secret) cipher.Block {
	if k == nil {
		return nil
	}
	d := seal.DigestKey(k)
	defer d.Wipe()
	block, err := aes.NewCipher(d.Bytes())
	if err != nil {
		panic(err) // Only a key of a wrong length fails, and a Secret has the right one.
	}
	return block
}

// extra says what came in the slots up to a second before n, for whom a cell is
// for. It is valid until the next call.
func (j *judge) extra(h *Half, n cell.Slot, s *half.Say) *[extraSize]byte {
	clear(j.out[:])
	c := j.contacts[s.To]
	if s.Group {
		c = nil
		if len(j.groups) > 0 {
			c = j.groups[0]
		}
	}
	r := n - h.times.digest
	if c == nil || n <= h.times.digest {
		return &j.out
	}
	var came uint32
	for i := range cell.Slot(32) {
		if x := h.heardOf(r - i); x != nil && x.complete {
			came |= 1 << i
		}
	}
	if came&1 != 0 {
		j.tag(c.now, h.heardOf(r))
		copy(j.out[:], j.block[1][:4])
	}
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

// compare takes in what somebody says that he received.
func (j *judge) compare(h *Half, f *half.Found, extra []byte) {
	if f.Kind != cell.Stream || len(extra) < extraSize {
		return
	}
	x := h.heardOf(f.Slot - h.times.digest)
	if x == nil || !x.complete || binary.BigEndian.Uint32(extra[4:])&1 == 0 {
		return
	}
	if f.Place < 0 {
		if c := j.contacts[f.From]; c != nil && !j.same(c, x, extra) {
			j.later(h, half.Equivocation)
		}
		return
	}
	for _, c := range j.groups {
		if j.same(c, x, extra) {
			return
		}
	}
	if len(j.groups) > 0 {
		j.later(h, half.Equivocation)
	}
}

func (j *judge) same(c *comparer, x *heard, extra []byte) bool {
	for _, b := range [2]cipher.Block{c.now, c.last} {
		if b == nil {
			continue
		}
		if j.tag(b, x); subtle.ConstantTimeCompare(j.block[1][:4], extra[:4]) == 1 {
			return true
		}
	}
	return false
}

// disturbed takes in that something else came out of a channel of ours.
func (j *judge) disturbed(h *Half, n cell.Slot) {
	first := j.times[0]
	copy(j.times[:], j.times[1:])
	j.times[disturbances-1] = n
	if first != 0 && n < first+h.times.minute {
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
