package core

import (
	"errors"
	"undertone/mixclient/contact"
	"undertone/mixclient/pairing"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/wire"
)

// hearLetter opens the letter in the body, or does as much for none.
func (c *Core) hearLetter(n cell.Slot, real bool) {
	if !real {
		c.dummyLetter.Open(&c.body, &c.plain)
		return
	}
	from := seal.LetterAddress(&c.body)
	switch class := seal.LetterClass(&c.body); class {
	case seal.FromInitiator, seal.FromResponder:
		c.hearPairing(n, from, class)
	default:
		c.hearContact(n, from)
	}
}

// hearContact takes in a letter about a call. Those of blocked contacts are
// opened, and then dropped.
func (c *Core) hearContact(n cell.Slot, from key.Handle) {
	x := c.contacts[from]
	if x == nil || !x.Paired() {
		c.dummyLetter.Open(&c.body, &c.plain)
		return
	}
	if !x.Open(&c.body, &c.plain) || x.Blocked {
		return
	}
	if l, ok := wire.ParseCall(&c.plain); ok {
		c.call.Letter(n, x, l)
	}
}

// hearPairing takes in a letter of a pairing.
func (c *Core) hearPairing(n cell.Slot, from key.Handle, class seal.Class) {
	s := c.pairs.with(from, class == seal.FromResponder)
	if s == nil && class == seal.FromInitiator {
		s = &session{Session: pairing.Respond(c.pairingConfig(from, &c.cfg.Intro)), peer: from}
	}
	if s == nil {
		c.dummyLetter.Open(&c.body, &c.plain)
		return
	}
	if !s.Opener().Open(&c.body, &c.plain) {
		return
	}
	f, ok := wire.ParseFragment(&c.plain)
	if x := c.contacts[from]; !ok || (x != nil && x.Blocked) {
		return
	}
	if !s.Initiator() && f.Message == 1 && !s.Fresh() && f.Session != s.Number() {
		// The other side began again, after a restart for example.
		s = &session{Session: pairing.Respond(c.pairingConfig(from, &c.cfg.Intro)), peer: from}
	}
	if s.Initiator() || c.pairs.yield(n, from) {
		c.pairs.put(n, s)
		s.heard = n
		s.Handle(f)
		c.settle(n, s)
	}
}

func (c *Core) pairingConfig(peer key.Handle, intro *key.Secret) pairing.Config {
	cfg := pairing.Config{Self: c.cfg.Self, Name: c.cfg.Name, Peer: peer, Intro: intro, Hour: c.hour}
	if x := c.contacts[peer]; x != nil {
		cfg.Expect = x.Fingerprint
	}
	return cfg
}

// initiate starts a pairing with each contact whose link we have and whose key
// we have not.
func (c *Core) initiate(n cell.Slot) {
	if !c.pairs.ready(n) {
		return
	}
	for h, x := range c.contacts {
		if x.Paired() || x.Blocked || x.Intro.IsZero() || c.pairs.has(h, n) {
			continue
		}
		s, err := pairing.Initiate(c.pairingConfig(h, &x.Intro))
		if err != nil {
			c.events = append(c.events, Event{Kind: PairFailed, Peer: h, Contact: x, Err: err})
			continue
		}
		c.pairs.put(n, &session{Session: s, peer: h})
	}
}

// settle takes over the result of a pairing that has ended.
func (c *Core) settle(n cell.Slot, s *session) {
	switch {
	case s.settled:
	case s.Err() != nil:
		s.settled = true
		c.pairs.fail(n, s.peer, errors.Is(s.Err(), pairing.ErrIdentity))
		c.events = append(c.events, Event{Kind: PairFailed, Peer: s.peer, Contact: c.contacts[s.peer], Err: s.Err()})
	case s.Done():
		s.settled = true
		c.paired(s)
	}
}

func (c *Core) paired(s *session) {
	peer, name, pair, hour := s.Result()
	x := c.contacts[s.peer]
	isNew := x == nil
	if isNew {
		x = contact.New(c.self, name, peer.Fingerprint())
		c.Add(x)
	}
	x.Pair(pair, hour)
	x.Advance(c.hour)
	pair.Wipe()
	c.events = append(c.events, Event{Kind: Paired, Peer: s.peer, Contact: x, New: isNew})
}
