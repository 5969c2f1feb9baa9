package superpose

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/trickle"
)

// A Number is what the server calls a member for as long as his connection lasts.
// Zero is nobody's, and the highest bit is free.
type Number uint16

// Specification constants.
const (
	// MaxNumber is the largest number.
	MaxNumber Number = 1<<15 - 1
	// MaxMembers is how many members an epoch may have: their list fits into a
	// body.
	MaxMembers = (seal.ShareSize - epochHead - checkSize) / 2
	// OpeningSlots is for how many slots all of a body is reservations, in an
	// epoch in which all leases have ended.
	OpeningSlots = 3
	// MaxChanges is how many members news can tell of.
	MaxChanges = 4

	epochHead = 4 + 8 + 1 + nonceLen + 2
	checkSize = 8
	nonceLen  = 8
)

// An Epoch is a time in which the members do not change.
type Epoch struct {
	// Counter numbers the epochs of a server.
	Counter uint32
	// Start is its first slot. It lasts until another starts.
	Start cell.Slot
	// Lapse says that all leases end before it.
	Lapse bool
	// Nonce is drawn by the server.
	Nonce [nonceLen]byte
	// Members are in rising order.
	Members []Number
}

// Low returns the bits of the counter that messages have.
func (e *Epoch) Low() uint16 { return uint16(e.Counter) } //nolint:gosec // the low bits are meant

// Has reports whether a member is in the epoch.
func (e *Epoch) Has(n Number) bool {
	_, ok := slices.BinarySearch(e.Members, n)
	return ok
}

// Opening reports whether all of slot t is reservations.
func (e *Epoch) Opening(t cell.Slot) bool {
	return e.Lapse && t >= e.Start && t < e.Start+OpeningSlots
}

// TokenSlot returns the slot that a token put into slot t is made for.
func (e *Epoch) TokenSlot(t cell.Slot) cell.Slot {
	if e.Opening(t) {
		return e.Start
	}
	return t
}

// Name returns the name of the epoch. conn tells the value of a member's
// connection; if it does not know one, there is no name.
func (e *Epoch) Name(channels int, conn func(Number) (key.Connection, bool)) (seal.Epoch, bool) {
	h := sha256.New()
	h.Write([]byte("undertone v1 epoch"))
	var b [epochHead + 1]byte
	e.head(b[:])
	b[epochHead] = byte(channels)
	h.Write(b[:])
	for _, n := range e.Members {
		c, ok := conn(n)
		if !ok {
			return seal.Epoch{}, false
		}
		binary.BigEndian.PutUint16(b[:], uint16(n))
		h.Write(b[:2])
		h.Write(c[:])
	}
	return seal.Epoch(h.Sum(nil)), true
}

func (e *Epoch) head(b []byte) {
	binary.BigEndian.PutUint32(b, e.Counter)
	binary.BigEndian.PutUint64(b[4:], uint64(e.Start))
	b[12] = 0
	if e.Lapse {
		b[12] = 1
	}
	copy(b[13:], e.Nonce[:])
	binary.BigEndian.PutUint16(b[13+nonceLen:], uint16(len(e.Members)))
}

// List writes the epoch as it stands in a body, or in an item:
//
//	| counter 4 | start 8 | lapse 1 | nonce 8 | count 2 | check 8 | numbers 2 … |
//
// check is the first bytes of the epoch's name. It returns what was written.
func (e *Epoch) List(b []byte, name seal.Epoch) []byte {
	e.head(b)
	at := epochHead + copy(b[epochHead:epochHead+checkSize], name[:])
	for _, n := range e.Members {
		binary.BigEndian.PutUint16(b[at:], uint16(n))
		at += 2
	}
	return b[:at]
}

// ParseList reads what List wrote, into e; Members keeps its memory. The check is
// returned.
func (e *Epoch) ParseList(b []byte) (check [checkSize]byte, ok bool) {
	if len(b) < epochHead+checkSize || b[12] > 1 {
		return check, false
	}
	count := int(binary.BigEndian.Uint16(b[13+nonceLen:]))
	if count > MaxMembers || len(b) < epochHead+checkSize+2*count {
		return check, false
	}
	e.Counter, e.Start = binary.BigEndian.Uint32(b), cell.Slot(binary.BigEndian.Uint64(b[4:]))
	e.Lapse, e.Nonce = b[12] == 1, [nonceLen]byte(b[13:])
	e.Members = e.Members[:0]
	last := Number(0)
	for i := range count {
		n := Number(binary.BigEndian.Uint16(b[epochHead+checkSize+2*i:]))
		if n <= last || n > MaxNumber {
			return check, false
		}
		last = n
		e.Members = append(e.Members, n)
	}
	return [checkSize]byte(b[epochHead:]), true
}

// News are what a member of an epoch must know to follow into the next:
//
//	| counter 4 | start low 2 | lapse 1 | listed 1 | nonce 8 | changes 4 × 2 | check 8 |
//
// A change is the number of a member who leaves, or enters if the highest bit is
// set. If more change, listed is 1 and bodies have the list.
type News struct {
	Counter uint32
	Start   uint16
	Lapse   bool
	Listed  bool
	Nonce   [nonceLen]byte
	Changes [MaxChanges]uint16
	Check   [checkSize]byte
}

const enters = uint16(1) << 15

// NewsOf returns the news that lead from the members of one epoch to the next.
func NewsOf(from []Number, e *Epoch, name seal.Epoch) News {
	n := News{Counter: e.Counter, Start: e.Start.Low(), Lapse: e.Lapse, Nonce: e.Nonce, Check: [checkSize]byte(name[:])}
	at := 0
	change := func(c uint16) {
		if n.Listed = at == MaxChanges || n.Listed; !n.Listed {
			n.Changes[at] = c
			at++
		}
	}
	for _, m := range from {
		if !e.Has(m) {
			change(uint16(m))
		}
	}
	for _, m := range e.Members {
		if _, ok := slices.BinarySearch(from, m); !ok {
			change(uint16(m) | enters)
		}
	}
	return n
}

// Put writes the news to the place of a chunk.
func (n *News) Put(b []byte) {
	_ = b[trickle.Grain-1]
	binary.BigEndian.PutUint32(b, n.Counter)
	binary.BigEndian.PutUint16(b[4:], n.Start)
	b[6], b[7] = 0, 0
	if n.Lapse {
		b[6] = 1
	}
	if n.Listed {
		b[7] = 1
	}
	copy(b[8:], n.Nonce[:])
	for i, c := range n.Changes {
		binary.BigEndian.PutUint16(b[16+2*i:], c)
	}
	copy(b[24:], n.Check[:])
}

// ParseNews reads what Put wrote.
func ParseNews(b []byte) (n News, ok bool) {
	if len(b) < trickle.Grain || b[6] > 1 || b[7] > 1 {
		return n, false
	}
	n = News{
		Counter: binary.BigEndian.Uint32(b), Start: binary.BigEndian.Uint16(b[4:]), Lapse: b[6] == 1, Listed: b[7] == 1,
		Nonce: [nonceLen]byte(b[8:]), Check: [checkSize]byte(b[24:]),
	}
	for i := range n.Changes {
		n.Changes[i] = binary.BigEndian.Uint16(b[16+2*i:])
	}
	return n, true
}

// Apply makes e the epoch that the news lead to from the given members. ref is a
// slot near its start. It reports false if the news do not tell all.
func (n *News) Apply(e *Epoch, from []Number, ref cell.Slot) bool {
	if n.Listed {
		return false
	}
	e.Counter, e.Start, e.Lapse, e.Nonce = n.Counter, cell.Extend(ref, n.Start), n.Lapse, n.Nonce
	e.Members = append(e.Members[:0], from...)
	for _, c := range n.Changes {
		m := Number(c &^ enters)
		if m == 0 {
			continue
		}
		at, in := slices.BinarySearch(e.Members, m)
		switch {
		case c&enters == 0 && in:
			e.Members = slices.Delete(e.Members, at, at+1)
		case c&enters != 0 && !in:
			if len(e.Members) >= MaxMembers {
				return false
			}
			e.Members = slices.Insert(e.Members, at, m)
		default:
			return false
		}
	}
	return true
}
