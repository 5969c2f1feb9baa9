// Package veil is the book of a client in a mode in which all users see all
// cells (bMIX and sMIX): whose cells there are to be found, and under which veil
// to say something to whom. It is pure. The client's halves of the two modes keep
// one for each link; it is for one goroutine at a time.
//
// Two things lead to a veil: a key with somebody (half.Keyring, from the core),
// and the connection he is on (the roster, from the server). A veil is made when
// both are known, for each direction:
//
//	contact     pairwise key of the hour, and of the hour before to hear stragglers
//	initiator   his introduction secret, or ours: pairings
//	group       the group's secret, for each place
//
// The roster need not be true: a server that tells a wrong connection keeps two
// users from finding each other's cells, which it can do by dropping them as
// well. It learns nothing: the sender's own fresh connection value keeps any tag
// from being used twice, whatever the rest says.
//
// A veiled cell hides
//
//	| kind 1 | body 111 | extra |
//
// where extra is what the mode has room for. A letter's address would be the
// addressee's own, so the reader finds the sender's there, as in tMIX.
//
// If a contact's hour is ahead of ours (his server's clock once was), his tags
// are of a key that we do not have yet, and are not found until the hour has come.
package veil

import (
	"undertone/mixclient/finder"
	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
)

// Indices of a finder's sources: first the places of two generations of a group,
// then four for each seat.
const (
	generations = 2
	firstSeat   = generations * half.MaxGroup
)

const (
	now     = iota // the contact, by the key of this hour
	last           // the contact, by that of the hour before
	toUs           // a pairing that he began
	fromHim        // his reply in a pairing that we began
	perSeat
)

const (
	kindAt  = 0
	bodyAt  = 1
	extraAt = bodyAt + cell.BodySize
	// maxPlain is what a veiled cell of cell.Size bytes hides.
	maxPlain = cell.Size - seal.VeilTagSize
)

// A member is somebody on the roster, with the veils of what we say to him.
type member struct {
	handle    key.Handle
	conn      key.Connection
	contact   *seal.Veil // nil if there is no key
	initiator *seal.Veil // of a pairing that we began
	responder *seal.Veil // of one that he began
}

// A peer is somebody with whom there is a key.
type peer struct{ pair, last, intro *key.Secret }

// A Book is who is there, and what is shared with whom.
type Book struct {
	self  key.Handle
	conn  key.Connection
	seats []member
	at    map[key.Handle]int // seat
	peers map[key.Handle]peer
	intro *key.Secret
	group []half.Group // secrets are copies

	finder  *finder.Finder
	speak   *seal.Veil // to the group
	garbage *seal.Veil
	said    cell.Slot // the newest slot that something was said in
	plain   [maxPlain]byte
	body    cell.Body
}

// New returns the book of a user on a connection, with nobody in it.
func New(self key.Handle, conn key.Connection) *Book {
	return &Book{
		self: self, conn: conn,
		at:     make(map[key.Handle]int),
		peers:  make(map[key.Handle]peer),
		finder: finder.New(), garbage: seal.NewGarbageVeil(),
	}
}

// Seat takes in who sits where: the zero handle if nobody does. It costs nothing
// if that was known.
func (b *Book) Seat(i int, h key.Handle, conn key.Connection) {
	for i >= len(b.seats) {
		if h.IsZero() {
			return
		}
		b.seats = append(b.seats, member{})
	}
	m := &b.seats[i]
	if m.handle == h && m.conn == conn {
		return
	}
	was := m.handle
	*m = member{handle: h, conn: conn}
	if b.at[was] == i {
		b.unseat(was)
	}
	if !h.IsZero() {
		b.at[h] = i
	}
	b.derive(i)
	b.deriveGroups()
}

// unseat takes in that somebody has left his seat. He may sit on another, if he has
// come back before his old line was given up.
func (b *Book) unseat(h key.Handle) {
	delete(b.at, h)
	for i := range b.seats {
		if b.seats[i].handle == h && !h.IsZero() {
			b.at[h] = i
		}
	}
}

// Members returns how many are there, and how many of them there is a pairwise
// key with; the user himself counts in neither.
func (b *Book) Members() (all, known int) {
	for i := range b.seats {
		m := &b.seats[i]
		if m.handle.IsZero() || m.handle == b.self {
			continue
		}
		all++
		if m.contact != nil {
			known++
		}
	}
	return all, known
}

// Keys takes in with whom there are keys. Secrets are copied. What has not changed
// costs next to nothing, so that a group call does no work that grows with the set.
func (b *Book) Keys(k *half.Keyring) {
	b.wipeGroups()
	for _, g := range k.Groups[:min(len(k.Groups), generations)] {
		g.Secret = keep(g.Secret)
		b.group = append(b.group, g)
	}
	if !b.hasPeers(k) {
		b.wipePeers()
		b.intro = keep(k.Intro)
		for _, p := range k.Peers {
			b.peers[p.Handle] = peer{keep(p.Pair), keep(p.Last), keep(p.Intro)}
		}
		for i := range b.seats {
			b.derive(i)
		}
	}
	b.deriveGroups()
}

// hasPeers reports whether the book has just these keys already.
func (b *Book) hasPeers(k *half.Keyring) bool {
	same := equal(b.intro, k.Intro) && len(b.peers) == len(k.Peers)
	for _, p := range k.Peers {
		have, ok := b.peers[p.Handle]
		same = same && ok && equal(have.pair, p.Pair) && equal(have.last, p.Last) && equal(have.intro, p.Intro)
	}
	return same
}

// equal compares a key that is kept with one that is told.
func equal(kept, told *key.Secret) bool {
	if kept == nil {
		return told == nil || told.IsZero()
	}
	return told != nil && kept.Equal(told)
}

func keep(k *key.Secret) *key.Secret {
	if k == nil || k.IsZero() {
		return nil
	}
	c := *k
	return &c
}

func wipe(all ...*key.Secret) {
	for _, k := range all {
		if k != nil {
			k.Wipe()
		}
	}
}

func (b *Book) wipePeers() {
	wipe(b.intro)
	for _, p := range b.peers {
		wipe(p.pair, p.last, p.intro)
	}
	clear(b.peers)
}

func (b *Book) wipeGroups() {
	for _, g := range b.group {
		wipe(g.Secret)
	}
	b.group = b.group[:0]
}

// derive makes the veils of a seat.
func (b *Book) derive(i int) {
	m := &b.seats[i]
	p := b.peers[m.handle]
	in := seal.Way{From: m.handle, To: b.self, FromConn: m.conn, ToConn: b.conn}
	out := seal.Way{From: b.self, To: m.handle, FromConn: b.conn, ToConn: m.conn}
	there := !m.handle.IsZero() && m.handle != b.self
	hear := func(which int, k *key.Secret, f func(*key.Secret, seal.Way) key.Secret) {
		at := firstSeat + perSeat*i + which
		if k == nil || !there {
			b.finder.Set(at, nil, finder.Source{})
			return
		}
		d := f(k, in)
		b.finder.Set(at, &d, finder.Source{From: m.handle, Place: -1})
		d.Wipe()
	}
	say := func(k *key.Secret, f func(*key.Secret, seal.Way) key.Secret) *seal.Veil {
		if k == nil || !there {
			return nil
		}
		d := f(k, out)
		defer d.Wipe()
		return seal.NewVeil(&d)
	}
	hear(now, p.pair, seal.ContactVeil)
	hear(last, p.last, seal.ContactVeil)
	hear(toUs, b.intro, seal.IntroVeil)
	hear(fromHim, p.intro, seal.IntroVeil)
	m.contact = say(p.pair, seal.ContactVeil)
	m.initiator = say(p.intro, seal.IntroVeil)
	m.responder = say(b.intro, seal.IntroVeil)
}

// deriveGroups makes the veils of the places of the groups.
func (b *Book) deriveGroups() {
	b.speak = nil
	for g := range generations {
		for place := range half.MaxGroup {
			b.deriveGroup(g, place)
		}
	}
}

func (b *Book) deriveGroup(g, place int) {
	at := g*half.MaxGroup + place
	b.finder.Set(at, nil, finder.Source{})
	if g >= len(b.group) || b.group[g].Secret == nil {
		return
	}
	group := &b.group[g]
	h := group.Members[place]
	if place == group.Place {
		if g == 0 {
			k := seal.GroupVeil(group.Secret, place, b.self, b.conn)
			b.speak = seal.NewVeil(&k)
			k.Wipe()
		}
		return
	}
	if i, ok := b.at[h]; ok && !h.IsZero() {
		k := seal.GroupVeil(group.Secret, place, h, b.seats[i].conn)
		b.finder.Set(at, &k, finder.Source{Place: place})
		k.Wipe()
	}
}

// Can reports whether there is a veil for what is said.
func (b *Book) Can(s *half.Say) bool { return b.veil(s) != nil }

// veil returns the one for what is said, nil if there is none.
func (b *Book) veil(s *half.Say) *seal.Veil {
	switch s.Kind {
	case cell.Stream, cell.Letter, cell.Ring:
	case cell.Cover, cell.Control:
		return nil
	default:
		return nil
	}
	if s.Group {
		return b.speak
	}
	i, ok := b.at[s.To]
	if !ok {
		return nil
	}
	m := &b.seats[i]
	if s.Kind == cell.Stream {
		return m.contact
	}
	switch seal.LetterClass(&s.Body) {
	case seal.FromInitiator:
		return m.initiator
	case seal.FromResponder:
		return m.responder
	}
	return m.contact
}

// Seal writes a veiled cell for slot n to dst: what is said, or garbage if there
// is nothing to say, nobody to say it to, or n does not rise. It is total, and
// always the same work. extra is as long as dst has room for.
func (b *Book) Seal(dst []byte, n cell.Slot, s *half.Say, extra []byte) {
	v, plain := b.veil(s), b.plain[:len(dst)-seal.VeilTagSize]
	if v != nil && n > b.said {
		b.said = n
		plain[kindAt] = byte(s.Kind)
		copy(plain[bodyAt:], s.Body[:])
		clear(plain[extraAt+copy(plain[extraAt:], extra):])
	} else {
		v = b.garbage
		clear(plain)
	}
	v.Cloak(dst, n, plain)
}

// Open looks who says what in a veiled cell of slot n. found.Body points into the
// book until the next call; what is returned is the extra.
func (b *Book) Open(n cell.Slot, veiled []byte, found *half.Found) (extra []byte) {
	plain := b.plain[:len(veiled)-seal.VeilTagSize]
	s, ok := b.finder.Lift(plain, n, veiled)
	copy(b.body[:], plain[bodyAt:])
	*found = half.Found{Slot: n, Kind: cell.Cover, From: s.From, Place: s.Place, Body: &b.body}
	switch kind := cell.Kind(plain[kindAt]); {
	case !ok:
	case kind == cell.Stream:
		found.Kind = kind
	case (kind == cell.Letter || kind == cell.Ring) && s.Place < 0:
		found.Kind = kind
		seal.SetLetterAddress(&b.body, s.From)
	}
	return plain[extraAt:]
}
