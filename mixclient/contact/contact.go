// Package contact holds what one user knows of another: his identity and, once
// they have paired, the key that they share. It is pure; mixclient/core owns
// the contacts of a profile, and the profile keeps their State.
//
// The pairwise key is ratcheted by hash at every hour of the server's clock, so
// that what is found on a machine later opens nothing of the hours before. The
// key of the last hour is kept in memory for letters that cross the change of
// hour, and not on disk. (The profile keeps its previous version for a while, and
// with it a key of some minutes or days before.) If the other side's hour is
// ahead, since a server's clock once was, a letter of his moves ours there too, as
// far as its class can tell: 31 hours. A call needs no ratchet of its own: its keys come
// from two fresh X25519 keys as well (seal.CallKeys). Counting calls into the
// ratchet would let one lost cell leave the two ends at different counts, and a
// lost contact is worse than what the count would add.
//
// Who began the pairing cannot know whether the other side still has the key: it
// may have crashed before its profile was written. So a key counts as confirmed
// only once something of the other side opened with it, and until then pairing is
// done again now and then (mixclient/core).
//
//	state: | version 1 | hour 8 | pairwise key 32 | confirmed 1 |
//	       empty before pairing
package contact

import (
	"encoding/binary"
	"errors"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
)

const (
	stateVersion = 1
	stateSize    = 1 + 8 + key.SecretSize + 1
)

// ErrState is returned for a state that this version cannot read.
var ErrState = errors.New("the state of a contact is damaged or of a newer Undertone")

// An hourKey is the pairwise key of one hour, with what it seals and opens.
type hourKey struct {
	hour uint64
	key  key.Secret
	out  *seal.Letterbox
	in   *seal.Letterbox
}

// A Contact is another user. Its fields may be read by its owner; the methods
// change them. It is for one goroutine at a time.
type Contact struct {
	// Name is what he is called here.
	Name string
	// Fingerprint names his identity; whoever pairs must prove it.
	Fingerprint key.Fingerprint
	// Intro is his introduction secret, if he gave his link to us.
	Intro key.Secret
	// Blocked makes his letters go unheard, with the same work.
	Blocked bool

	self      key.Handle
	now       *hourKey // nil before pairing
	last      *hourKey // of the hour before now, or nil
	confirmed bool
}

// New returns a contact of the user self.
func New(self key.Handle, name string, f key.Fingerprint) *Contact {
	return &Contact{Name: name, Fingerprint: f, self: self}
}

// Handle returns the contact's address.
func (c *Contact) Handle() key.Handle { return c.Fingerprint.Handle() }

// Paired reports whether there is a pairwise key.
func (c *Contact) Paired() bool { return c.now != nil }

// Pair sets the pairwise key that pairing agreed on in the given hour. confirmed
// says that the other side is known to have it.
func (c *Contact) Pair(pair *key.Secret, hour uint64, confirmed bool) {
	c.Forget()
	c.now = c.keyOf(pair, hour)
	c.confirmed = confirmed
}

// Confirmed reports whether the other side is known to have the key.
func (c *Contact) Confirmed() bool { return c.confirmed }

// Confirm takes in that something of the other side opened.
func (c *Contact) Confirm() { c.confirmed = true }

// Forget wipes the pairwise key.
func (c *Contact) Forget() {
	for _, k := range []*hourKey{c.now, c.last} {
		if k != nil {
			k.key.Wipe()
		}
	}
	c.now, c.last, c.confirmed = nil, nil, false
}

// Advance ratchets to the given hour. An hour that has passed changes nothing,
// so a clock that went back costs no key.
func (c *Contact) Advance(hour uint64) {
	for c.now != nil && c.now.hour < hour {
		next := seal.Ratchet(&c.now.key)
		if c.last != nil {
			c.last.key.Wipe()
		}
		c.last = c.now
		// Only the two last hours are ever used: the letterboxes of the hours
		// between are not made.
		if hour-c.now.hour > 2 {
			c.now = &hourKey{hour: c.now.hour + 1, key: next}
		} else {
			c.now = c.keyOf(&next, c.now.hour+1)
		}
	}
	if c.last != nil && c.last.in == nil {
		c.last = c.keyOf(&c.last.key, c.last.hour)
	}
}

// Seal closes a letter to the contact with the key of the current hour. The
// contact must be paired.
func (c *Contact) Seal(body *cell.Body, plain *[cell.LetterSize]byte) {
	c.now.out.Seal(body, c.Handle(), seal.HourClass(c.now.hour), plain)
}

// Open opens a letter from the contact. It tries one key: that of the hour in
// the letter's class.
func (c *Contact) Open(body *cell.Body, plain *[cell.LetterSize]byte) bool {
	if c.now == nil {
		return false
	}
	hour, ok := seal.LetterClass(body).Hour(c.now.hour)
	if !ok {
		return false
	}
	if hour > c.now.hour {
		return c.openAhead(hour, body, plain)
	}
	k := c.keyOfHour(hour)
	return k != nil && k.in.Open(body, plain)
}

// openAhead opens a letter of an hour that has not begun here: the contact's
// began a moment before ours, or his clock once was ahead. If it opens, it is his
// hour that counts.
func (c *Contact) openAhead(hour uint64, body *cell.Body, plain *[cell.LetterSize]byte) bool {
	ahead := c.now.key
	for range hour - c.now.hour {
		next := seal.Ratchet(&ahead)
		ahead.Wipe()
		ahead = next
	}
	defer ahead.Wipe()
	if !c.keyOf(&ahead, hour).in.Open(body, plain) {
		return false
	}
	c.Advance(hour)
	return true
}

// keyOfHour returns the key of this hour or the last, nil for any other.
func (c *Contact) keyOfHour(hour uint64) *hourKey {
	for _, k := range []*hourKey{c.now, c.last} {
		if k != nil && k.hour == hour {
			return k
		}
	}
	return nil
}

// PairwiseKey returns the pairwise key of an hour, for the keys of a call; false
// if it is not of this hour or the last.
func (c *Contact) PairwiseKey(hour uint64) (key.Secret, bool) {
	k := c.keyOfHour(hour)
	if k == nil {
		return key.Secret{}, false
	}
	return k.key, true
}

// PairwiseKeys returns the key of the current hour and that of the hour before;
// nil for one that there is not. They are the contact's own, not copies.
func (c *Contact) PairwiseKeys() (now, last *key.Secret) {
	if c.now != nil {
		now = &c.now.key
	}
	if c.last != nil {
		last = &c.last.key
	}
	return now, last
}

// Hour returns the hour of the current key; zero before pairing.
func (c *Contact) Hour() uint64 {
	if c.now == nil {
		return 0
	}
	return c.now.hour
}

func (c *Contact) keyOf(pair *key.Secret, hour uint64) *hourKey {
	out := seal.LetterKey(pair, c.self, c.Handle())
	in := seal.LetterKey(pair, c.Handle(), c.self)
	defer out.Wipe()
	defer in.Wipe()
	return &hourKey{hour: hour, key: *pair, out: seal.NewLetterbox(&out), in: seal.NewLetterbox(&in)}
}

// State returns what the profile keeps of the contact's keys.
func (c *Contact) State() []byte {
	if c.now == nil {
		return nil
	}
	b := binary.BigEndian.AppendUint64([]byte{stateVersion}, c.now.hour)
	b = append(b, c.now.key.Bytes()...)
	if c.confirmed {
		return append(b, 1)
	}
	return append(b, 0)
}

// SetState restores what State returned.
func (c *Contact) SetState(b []byte) error {
	if len(b) == 0 {
		c.Forget()
		return nil
	}
	if len(b) != stateSize || b[0] != stateVersion || b[stateSize-1] > 1 {
		return ErrState
	}
	k, err := key.NewSecret(b[9 : stateSize-1])
	if err != nil {
		return err
	}
	c.Pair(&k, binary.BigEndian.Uint64(b[1:]), b[stateSize-1] == 1)
	k.Wipe()
	return nil
}
