package wire

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"

	"undertone/transport/cell"
	"undertone/transport/key"
)

const (
	// Places is how many there may be in a group call, its host included.
	Places = 8
	// NameSize is how many bytes of a member's name a letter holds.
	NameSize = 33
)

// A CallLetter is any letter about a call. Fields that its type has no room for
// are zero.
type CallLetter struct {
	Type    LetterType
	Call    CallID
	Key     [32]byte  // Knock, Answer: a fresh X25519 public key; Welcome: the masked secret
	Slot    cell.Slot // Knock: when the call was dialed, so that a replay is stale
	Hour    uint64    // Knock: of the pairwise key that the call's keys come from
	Several bool      // Knock: the call is one of several
	Reason  Reason    // Tell

	Generation uint16         // Welcome: its number; Member: since when he sits there
	Place      uint8          // Welcome: the reader's; Member: his
	Since      [Places]uint16 // Welcome: since when each place is taken, 0 if it is not
	Handle     key.Handle     // Member
	Name       [NameSize]byte // Member: zeros after its end
}

// A Plain is the plain text of a letter.
type Plain = [cell.LetterSize]byte

// The longest letter fits, or the package does not compile.
const (
	groupHead = 1 + len(CallID{}) + 2 + 1
	_         = uint(cell.LetterSize - groupHead - key.HandleSize - NameSize)
	_         = uint(cell.LetterSize - groupHead - 2*Places - key.SecretSize)
)

// Put writes the letter into p.
func (l *CallLetter) Put(p *Plain) {
	*p = Plain{byte(l.Type)}
	b := p[1:]
	b = b[copy(b, l.Call[:]):]
	switch l.Type {
	case Knock:
		b = b[copy(b, l.Key[:]):]
		binary.BigEndian.PutUint64(b, uint64(l.Slot))
		binary.BigEndian.PutUint64(b[8:], l.Hour)
		if l.Several {
			b[16] = 1
		}
	case Answer:
		copy(b, l.Key[:])
	case Tell:
		b[0] = byte(l.Reason)
	case Welcome, Member:
		l.putGroup(b)
	case Over, Resume, FragmentLetter:
	}
}

func (l *CallLetter) putGroup(b []byte) {
	binary.BigEndian.PutUint16(b, l.Generation)
	b[2] = l.Place
	b = b[3:]
	if l.Type == Member {
		copy(b[copy(b, l.Handle[:]):], l.Name[:])
		return
	}
	for i, g := range l.Since {
		binary.BigEndian.PutUint16(b[2*i:], g)
	}
	copy(b[2*Places:], l.Key[:])
}

// ParseCall reads a letter about a call. It fails for any other letter, for one
// that makes no sense, and for one with bytes where there are none.
func ParseCall(p *Plain) (CallLetter, bool) {
	l := CallLetter{Type: LetterType(p[0])}
	b := p[1:]
	b = b[copy(l.Call[:], b):]
	ok := true
	switch l.Type {
	case Knock:
		b = b[copy(l.Key[:], b):]
		l.Slot = cell.Slot(binary.BigEndian.Uint64(b))
		l.Hour = binary.BigEndian.Uint64(b[8:])
		l.Several, ok = b[16] == 1, b[16] <= 1
		b = b[17:]
	case Answer:
		b = b[copy(l.Key[:], b):]
	case Tell:
		l.Reason = Reason(b[0])
		b, ok = b[1:], l.Reason == Busy || l.Reason == Declined
	case Welcome, Member:
		b, ok = l.parseGroup(b)
	case Over, Resume:
	default:
		return CallLetter{}, false
	}
	if !ok || !zero(b) {
		return CallLetter{}, false
	}
	return l, true
}

// parseGroup reads what putGroup writes, and returns what is left.
func (l *CallLetter) parseGroup(b []byte) ([]byte, bool) {
	l.Generation, l.Place = binary.BigEndian.Uint16(b), b[2]
	b = b[3:]
	// The host's place is given to nobody, and told to nobody.
	ok := l.Generation > 0 && 0 < l.Place && l.Place < Places
	if l.Type == Member {
		b = b[copy(l.Handle[:], b):]
		b = b[copy(l.Name[:], b):]
		return b, ok && !l.Handle.IsZero() && isName(&l.Name)
	}
	for i := range l.Since {
		l.Since[i] = binary.BigEndian.Uint16(b[2*i:])
		ok = ok && l.Since[i] <= l.Generation
	}
	b = b[2*Places:]
	b = b[copy(l.Key[:], b):]
	return b, ok && l.Since[0] > 0 && l.Since[l.Place] > 0
}

// PutName cuts a name so that it fits into a letter. What cannot be shown is
// left out.
func PutName(name string) (b [NameSize]byte) {
	n := 0
	for _, r := range name {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			continue
		}
		if n+utf8.RuneLen(r) > len(b) {
			break
		}
		n += utf8.EncodeRune(b[n:], r)
	}
	return b
}

// NameString returns the name that stands in a letter.
func (l *CallLetter) NameString() string { return string(l.Name[:nameLen(&l.Name)]) }

func nameLen(b *[NameSize]byte) int {
	for i, x := range b {
		if x == 0 {
			return i
		}
	}
	return len(b)
}

// isName reports whether b is a name that can be shown, and then zeros.
func isName(b *[NameSize]byte) bool {
	n := nameLen(b)
	if !utf8.Valid(b[:n]) || !zero(b[n:]) {
		return false
	}
	for _, r := range string(b[:n]) {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
