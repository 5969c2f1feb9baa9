// Package contact holds what one user knows of another: his identity and, once
// they have paired, the key that they share. It is pure; mixclient/core owns
// the contacts of a profile, and the profile keeps their State.
//
// The pairwise key is ratcheted by hash at every hour of the server's clock, so
// that what is found on a machine later opens nothing of the hours before. The
// key of the last hour is kept in memory for letters that cross the change of
// hour, and never on disk. A call needs no ratchet of its own: its keys come
// from two fresh X25519 keys as well (seal.CallKeys). Counting calls into the
// ratchet would let one lost cell leave the two ends at different counts, and a
// lost contact is worse than what the count would add.
//
//	state: | version 1 | hour 8 | pairwise key 32 |     empty before pairing
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
	stateSize    = 1 + 8 + key.SecretSize
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

	self key.Handle
	now  *hourKey // nil before pairing
	last *hourKey // of the hour before now, or nil
}

// New returns a contact of the user self.
func New(self key.Handle, name string, f key.Fingerprint) *Contact {
	return &Contact{Name: name, Fingerprint: f, self: self}
}

// Handle returns the contact's address.
func (c *Contact) Handle() key.Handle { return c.Fingerprint.Handle() }

// Paired reports whether there is a pairwise key.
func (c *Contact) Paired() bool { return c.now != nil }

// Pair sets the pairwise key that pairing agreed on in the given hour.
func (c *Contact) Pair(pair *key.Secret, hour uint64) {
	c.Forget()
	c.now = c.keyOf(pair, hour)
}

// Forget wipes the pairwise key.
func (c *Contact) Forget() {
	for _, k := range []*hourKey{c.now, c.last} {
		if k != nil {
			k.key.Wipe()
		}
	}
	c.now, c.last = nil, nil
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
	k := c.keyFor(seal.LetterClass(body))
	return k != nil && k.in.Open(body, plain)
}

func (c *Contact) keyFor(class seal.Class) *hourKey {
	if c.now == nil {
		return nil
	}
	hour, ok := class.Hour(c.now.hour)
	switch {
	case !ok:
		return nil
	case hour == c.now.hour:
		return c.now
	case hour+1 == c.now.hour:
		return c.last
	case hour == c.now.hour+1:
		// The contact's hour began a moment before ours.
		next := seal.Ratchet(&c.now.key)
		return c.keyOf(&next, hour)
	}
	return nil
}

// PairwiseKey returns the pairwise key of the hour that a letter was sealed
// in, for the keys of a call; false if that hour is gone.
func (c *Contact) PairwiseKey(hour uint64) (key.Secret, bool) {
	if c.now == nil {
		return key.Secret{}, false
	}
	k := c.keyFor(seal.HourClass(hour))
	if k == nil || k.hour != hour {
		return key.Secret{}, false
	}
	return k.key, true
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
	return append(b, c.now.key.Bytes()...)
}

// SetState restores what State returned.
func (c *Contact) SetState(b []byte) error {
	if len(b) == 0 {
		c.Forget()
		return nil
	}
	if len(b) != stateSize || b[0] != stateVersion {
		return ErrState
	}
	k, err := key.NewSecret(b[9:])
	if err != nil {
		return err
	}
	c.Pair(&k, binary.BigEndian.Uint64(b[1:]))
	k.Wipe()
	return nil
}
