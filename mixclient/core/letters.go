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

// SetIntro changes the user's own introduction secret: whoever has a link with the one
// before can no longer introduce himself.
func (c *Core) SetIntro(secret *key.Secret) {
	c.cfg.Intro = *secret
	c.rekey = true
}

// Introduce gives a contact's new introduction secret. Who is not paired yet begins anew
// with it: with the one before, nobody may answer.
func (c *Core) Introduce(h key.Handle, secret *key.Secret) {
	x := c.contacts[h]
	if x == nil || x.Intro.Equal(secret) {
		return
	}
	x.Intro = *secret
	c.pairs.restart(h)
}

// hearLetter opens the letter in the body, or does as much for none.
func (c *Core) hearLetter(n cell.Slot, body *cell.Body, real bool) {
	if !real {
		c.dummyLetter.Open(body, &c.plain)
		return
	}
	switch seal.LetterClass(body) {
	case seal.FromInitiator, seal.FromResponder:
		c.hearPairing(n, body)
	default:
		c.hearContact(n, body)
	}
}

// hearContact takes in a letter about a call. Those of blocked contacts are
// opened, and then dropped.
func (c *Core) hearContact(n cell.Slot, body *cell.Body) {
	x := c.contacts[seal.LetterAddress(body)]
	if x == nil || !x.Paired() {
		c.dummyLetter.Open(body, &c.plain)
		return
	}
	hour := x.Hour()
	if !x.Open(body, &c.plain) {
		return
	}
	c.rekey = c.rekey || x.Hour() != hour
	x.Confirm()
	if x.Blocked {
		return
	}
	if l, ok := wire.ParseCall(&c.plain); ok {
		c.call.Letter(n, x, l)
	}
}

// hearPairing takes in a letter of a pairing. Those of blocked contacts get the
// same replies, and lead to nothing that is shown.
func (c *Core) hearPairing(n cell.Slot, body *cell.Body) {
	from, class := seal.LetterAddress(body), seal.LetterClass(body)
	s := c.pairs.with(from, class == seal.FromResponder)
	if s == nil && class == seal.FromInitiator {
		s = c.respond(from)
	}
	if s == nil {
		c.dummyLetter.Open(body, &c.plain)
		return
	}
	if !s.Opener().Open(body, &c.plain) {
		return
	}
	f, ok := wire.ParseFragment(&c.plain)
	if !ok {
		return
	}
	if !s.Initiator() && f.Message == 1 && !s.Fresh() && f.Session != s.Number() {
		// The other side began again, after a restart for example.
		s = c.respond(from)
	}
	if !s.Initiator() && !c.admits(from) {
		return
	}
	c.pairs.put(n, s)
	s.heard = n
	s.Handle(f)
	c.settle(n, s)
}

// respond begins a pairing that somebody asked for.
func (c *Core) respond(from key.Handle) *session {
	return &session{Session: pairing.Respond(c.pairingConfig(from, &c.cfg.Intro)), peer: from}
}

// admits reports whether there is room for a pairing that somebody asked for: for
// its session, and for one more contact.
func (c *Core) admits(from key.Handle) bool {
	return c.pairs.admits(from) && (c.contacts[from] != nil || len(c.contacts) < MaxContacts)
}

func (c *Core) pairingConfig(peer key.Handle, intro *key.Secret) pairing.Config {
	cfg := pairing.Config{Self: c.cfg.Self, Name: c.cfg.Name, Peer: peer, Intro: intro, Hour: c.hour}
	if x := c.contacts[peer]; x != nil {
		cfg.Expect = x.Fingerprint
	}
	return cfg
}

// initiate starts a pairing with each contact whose link we have and whose key we
// have not, or who may not have ours. Nobody is paired anew in a call with him.
func (c *Core) initiate(n cell.Slot) {
	if !c.pairs.ready(n) {
		return
	}
	for h, x := range c.contacts {
		if x.Confirmed() || x.Blocked || x.Intro.IsZero() || c.pairs.has(h, n) {
			continue
		}
		if x.Paired() && (c.call.Has(x) || c.pairs.triedThisHour(h)) {
			continue
		}
		s, err := pairing.Initiate(c.pairingConfig(h, &x.Intro))
		if err != nil {
			c.events = append(c.events, Event{Kind: PairFailed, Peer: h, Contact: x, Err: err})
			continue
		}
		c.pairs.begin(n, &session{Session: s, peer: h})
	}
}

// settle takes over the result of a pairing that has ended.
func (c *Core) settle(n cell.Slot, s *session) {
	x := c.contacts[s.peer]
	switch {
	case s.settled:
	case s.Err() != nil:
		s.settled = true
		if c.pairs.fail(n, s, errors.Is(s.Err(), pairing.ErrIdentity)) && (x == nil || !x.Blocked) {
			c.events = append(c.events, Event{Kind: PairFailed, Peer: s.peer, Contact: x, Err: s.Err()})
		}
	case s.Done():
		s.settled = true
		c.pairs.won(s)
		c.paired(s)
	}
}

// paired takes over the key of a pairing. Whoever responded knows that the other
// side has it, since that began.
func (c *Core) paired(s *session) {
	peer, name, pair, hour := s.Result()
	x := c.contacts[s.peer]
	isNew := x == nil
	if isNew {
		x = contact.New(c.self, name, peer.Fingerprint())
		c.Add(x)
	}
	again := x.Paired()
	x.Pair(pair, hour, !s.Initiator())
	x.Advance(c.hour)
	pair.Wipe()
	c.rekey = true
	if !again && !x.Blocked {
		c.events = append(c.events, Event{Kind: Paired, Peer: s.peer, Contact: x, New: isNew})
	}
}
