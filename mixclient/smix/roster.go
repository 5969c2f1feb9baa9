package smix

import (
	"crypto/sha256"

	"undertone/mixclient/half"
	"undertone/transport/key"
	"undertone/transport/superpose"
)

// A peer is a member with whom there is a secret.
type peer struct {
	record *superpose.Record
	handle key.Handle
	place  int // in the book
	pair   key.Secret
}

// A roster is who is online, as far as the server has told.
type roster struct {
	me    superpose.Number
	peers map[superpose.Number]*peer
	conns map[key.Connection]superpose.Number
	taken []bool // places in the book
	known map[key.Handle]bool
}

// maxPeers bounds the roster, and backlog the cipher texts that wait, in grains:
// an honest server needs less.
const (
	maxPeers = superpose.MaxMembers
	backlog  = maxPeers * 36
)

func (r *roster) init() {
	r.peers = make(map[superpose.Number]*peer)
	r.conns = make(map[key.Connection]superpose.Number)
	r.known = make(map[key.Handle]bool)
}

// keys takes in whom the user knows: those with whom there is a key.
func (r *roster) keys(k *half.Keyring) {
	clear(r.known)
	for _, p := range k.Peers {
		if p.Pair != nil {
			r.known[p.Handle] = true
		}
	}
}

// item takes in an item of the server. What an honest server would not say is
// ignored.
func (h *Half) item(b []byte) {
	i, ok := superpose.ParseItem(b)
	if !ok {
		return
	}
	switch i.Kind {
	case superpose.Welcome:
		if h.roster.me == 0 && h.roster.peers[i.Number] == nil {
			h.roster.me = i.Number
		}
	case superpose.Elder:
		h.elder(&i)
	case superpose.Newcomer:
		h.newcomer(&i)
	case superpose.Gone:
		h.gone(i.Number)
	case superpose.Entry:
		h.follow(i.List)
	case superpose.Cipher:
	}
}

// elder agrees on a secret with who was there before, and has him told.
func (h *Half) elder(i *superpose.Item) {
	if !h.roster.room(i.Number) || h.out.End()-h.out.Acked() > backlog {
		return
	}
	r, err := superpose.ParseRecord(i.Record, h.pin)
	if err != nil {
		return
	}
	pair, cipher, ok := h.secrets.Encapsulate(r)
	if ok && h.admit(i.Number, r, &pair) {
		h.out.Queue(superpose.FrameItem(superpose.Cipher, i.Number, cipher))
	}
	pair.Wipe()
}

// newcomer agrees on a secret with who came later.
func (h *Half) newcomer(i *superpose.Item) {
	if !h.roster.room(i.Number) {
		return
	}
	r, err := superpose.ParseShort(i.Record, h.pin)
	if err != nil {
		return
	}
	if pair, ok := h.secrets.Decapsulate(r, i.Cipher); ok {
		h.admit(i.Number, r, &pair)
		pair.Wipe()
	}
}

// room reports whether a number may be given to somebody new.
func (r *roster) room(n superpose.Number) bool {
	return n != r.me && r.peers[n] == nil && len(r.peers) < maxPeers
}

// admit puts somebody on the roster. A connection can be there once only: pads
// with the same secret would cancel each other.
func (h *Half) admit(n superpose.Number, r *superpose.Record, pair *key.Secret) bool {
	if _, twice := h.roster.conns[r.Conn]; twice || r.Conn == h.conn {
		return false
	}
	p := &peer{record: r, handle: r.Account.Handle(), place: h.roster.free(), pair: *pair}
	h.roster.peers[n], h.roster.conns[r.Conn] = p, n
	h.book.Seat(p.place, p.handle, r.Conn)
	return true
}

func (r *roster) free() int {
	for i, t := range r.taken {
		if !t {
			r.taken[i] = true
			return i
		}
	}
	r.taken = append(r.taken, true)
	return len(r.taken) - 1
}

// gone forgets somebody. Epochs that he is in keep his pads.
func (h *Half) gone(n superpose.Number) {
	p := h.roster.peers[n]
	if p == nil {
		return
	}
	p.pair.Wipe()
	h.roster.taken[p.place] = false
	h.book.Seat(p.place, key.Handle{}, key.Connection{})
	delete(h.roster.peers, n)
	delete(h.roster.conns, p.record.Conn)
}

// conn tells the connection of a member.
func (h *Half) connOf(n superpose.Number) (key.Connection, bool) {
	if n == h.roster.me {
		return h.conn, true
	}
	if p := h.roster.peers[n]; p != nil {
		return p.record.Conn, true
	}
	return key.Connection{}, false
}

// digest names what is in a message for all members alike.
func digest(public []byte) [16]byte {
	d := sha256.Sum256(public)
	return [16]byte(d[:])
}
