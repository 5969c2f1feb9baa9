// Package pairing is the one-time key exchange of two contacts, in letters. It
// is pure: letters in, letters out, one step of arithmetic at a time;
// mixclient/core owns the sessions.
//
// The initiator holds the responder's contact link: his fingerprint and his
// introduction secret, which seals every letter of the pairing (seal.IntroKey).
// Both sides prove their identities by key agreement, X25519 and ML-KEM-768
// alike, and sign nothing, so that neither can prove to a third party that they
// are contacts.
//
//	1 initiator → responder   identity 1,248 · fresh X25519 32 · name 33 · hour 8  22 letters
//	2 responder → initiator   identity 1,248 · fresh X25519 32 · name 33 ·
//	                          ML-KEM for the initiator 1,088                       39 letters
//	3 initiator → responder   ML-KEM for the responder 1,088 · proof 32            19 letters
//	4 responder → initiator   proof 32                                              1 letter
//
// Letters can be lost, so a side repeats all letters of its message until the
// first letter of the reply comes; message 4 is sent again for every letter of
// message 3. A letter goes every tenth slot, call or no call (mixclient/core says
// why), so 81 letters take 32 s at 40 ms. (The design guessed 1.3 kB each way,
// which has room for one ML-KEM only. With one in each direction, a forger needs
// to break both kinds of keys to pose as either side.)
//
//	asking ──2──▶ checking ──3──▶ proving ──4──▶ done          initiator
//	hearing ──1──▶ replying ──2──▶ awaiting ──3──▶ done        responder
//
// The hour is the one in which the pairwise key begins to be ratcheted, so that
// both sides begin at the same one.
//
// Any state goes to failed when the other side's proof or identity is wrong.
package pairing

import (
	"crypto/ecdh"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"

	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/wire"
)

// Errors of a failed pairing.
var (
	// ErrIdentity means that whoever answered is not who the link names.
	ErrIdentity = errors.New("the identity is not the one of the contact link: somebody may be posing as your contact")
	// ErrProof means that whoever answered does not hold the identity's keys.
	ErrProof = errors.New("the contact could not prove his identity")
	// ErrMessage means that the other side sent something that no Undertone of
	// this version sends.
	ErrMessage = errors.New("the contact's Undertone speaks another version of pairing")
)

type state uint8

const (
	asking   state = iota // initiator: sends message 1
	checking              // initiator: message 2 is complete, the arithmetic is due
	proving               // initiator: sends message 3
	hearing               // responder: message 1 is not complete
	replying              // responder: message 1 is complete, the arithmetic is due
	awaiting              // responder: sends message 2 until message 3 is complete
	judging               // responder: message 3 is complete, the arithmetic is due
	done
	failed
)

// Config is what a session needs to know.
type Config struct {
	// Self is the user's identity, Name what he calls himself.
	Self *key.Identity
	Name string
	// Peer is the address of the other side.
	Peer key.Handle
	// Expect is the fingerprint that the other side must prove. A responder who
	// does not know it leaves it zero: then the handle, which the server vouches
	// for, must belong to the identity.
	Expect key.Fingerprint
	// Intro is the introduction secret of the responder.
	Intro *key.Secret
	// Hour is the current hour of the server's clock.
	Hour uint64
}

// A Session is one pairing. It is for one goroutine at a time.
type Session struct {
	cfg       Config
	initiator bool
	state     state
	err       error

	id      uint32
	in      assembly
	out     []wire.Fragment
	next    int  // the fragment of out to send next
	replies bool // responder: message 4 is due

	fresh      *ecdh.PrivateKey
	message1   []byte
	message2   []byte
	transcript [sha256.Size]byte
	peer       *key.Public
	peerName   string
	hour       uint64
	halfway    bool // of the arithmetic for the other side's hello
	agreed     [agreements][]byte
	shared     [][]byte
	pair       key.Secret
	confirm    key.Secret

	sealer *seal.Letterbox
	opener *seal.Letterbox
}

// Initiate starts a pairing with whoever gave us his contact link.
func Initiate(cfg Config) (*Session, error) {
	s := newSession(cfg, true)
	fresh, err := ecdh.X25519().GenerateKey(crand.Reader)
	if err != nil {
		return nil, err
	}
	s.fresh = fresh
	var id [4]byte
	_, _ = crand.Read(id[:]) // Never fails: the program ends if the system has no randomness.
	s.id = binary.BigEndian.Uint32(id[:])
	s.state = asking
	s.hour = cfg.Hour
	s.message1 = binary.BigEndian.AppendUint64(s.hello(), s.hour)
	s.say(1, s.message1)
	return s, nil
}

// Respond starts a pairing for the first letter that somebody sent us.
func Respond(cfg Config) *Session {
	s := newSession(cfg, false)
	s.state = hearing
	return s
}

func newSession(cfg Config, initiator bool) *Session {
	self := cfg.Self.Account().Handle()
	out := seal.IntroKey(cfg.Intro, self, cfg.Peer)
	in := seal.IntroKey(cfg.Intro, cfg.Peer, self)
	defer out.Wipe()
	defer in.Wipe()
	return &Session{cfg: cfg, initiator: initiator, sealer: seal.NewLetterbox(&out), opener: seal.NewLetterbox(&in)}
}

// Initiator reports whether this side asked.
func (s *Session) Initiator() bool { return s.initiator }

// Class returns the class of the letters that this side sends.
func (s *Session) Class() seal.Class {
	if s.initiator {
		return seal.FromInitiator
	}
	return seal.FromResponder
}

// Sealer and Opener return the letterboxes of the pairing.
func (s *Session) Sealer() *seal.Letterbox { return s.sealer }

// Opener returns the letterbox that opens the other side's letters.
func (s *Session) Opener() *seal.Letterbox { return s.opener }

// Done reports whether both sides have proved themselves, as far as this side
// can know.
func (s *Session) Done() bool { return s.state == done }

// Err returns why the pairing failed, nil if it did not.
func (s *Session) Err() error { return s.err }

// Result returns the identity of the other side, the name he gives himself, and
// the pairwise key with the hour that it is of. It is valid once Done.
func (s *Session) Result() (*key.Public, string, *key.Secret, uint64) {
	return s.peer, s.peerName, &s.pair, s.hour
}

// Next returns the letter to send now; false when there is none.
func (s *Session) Next() (wire.Fragment, bool) {
	switch s.state {
	case asking, proving, awaiting:
		if s.next == len(s.out) {
			// Another order each time: where two users pair with a third, every
			// other letter of each is lost, and must not be the same one.
			rand.Shuffle(len(s.out), func(i, j int) { s.out[i], s.out[j] = s.out[j], s.out[i] }) //nolint:gosec // hides nothing
			s.next = 0
		}
		s.next++
		return s.out[s.next-1], true
	case done:
		if s.replies {
			s.replies = false
			return s.out[0], true
		}
	case checking, hearing, replying, judging, failed:
	}
	return wire.Fragment{}, false
}

// Handle takes in a letter of the other side.
func (s *Session) Handle(f wire.Fragment) {
	if s.initiator && f.Session != s.id {
		return
	}
	switch s.state {
	case hearing:
		if f.Session != s.id {
			// The other side began again, after a restart for example.
			s.id, s.in = f.Session, assembly{}
		}
		s.take(f, 1, replying)
	case asking:
		s.take(f, 2, checking)
	case awaiting:
		s.take(f, 3, judging)
	case proving:
		s.take(f, 4, proving)
		if s.in.complete() {
			s.verify(s.in.bytes(sha256.Size), "responder")
		}
	case done:
		// The other side has not heard message 4 yet.
		s.replies = s.replies || (!s.initiator && f.Session == s.id && f.Message == 3)
	case checking, replying, judging, failed:
	}
}

// Fresh reports whether nothing has been heard of the other side yet.
func (s *Session) Fresh() bool { return s.in.have == nil && s.out == nil }

// Number returns the number that the initiator drew for the pairing.
func (s *Session) Number() uint32 { return s.id }

func (s *Session) take(f wire.Fragment, message uint8, then state) {
	if f.Message != message || f.Session != s.id {
		return
	}
	if !s.in.add(f) {
		s.fail(ErrMessage)
		return
	}
	if s.in.complete() {
		s.state = then
	}
}

// Due reports whether arithmetic is waiting for Step.
func (s *Session) Due() bool { return s.state == checking || s.state == replying || s.state == judging }

// Step does the arithmetic that is due, or half of it: two agreements of X25519,
// and a key or one or two operations of ML-KEM. The core takes a step in one slot of
// ten, here or in a dummy (see Dummy), so that pairing costs about what idling
// costs; it is done well before the tick.
func (s *Session) Step() {
	switch s.state {
	case replying:
		s.reply()
	case checking:
		s.check()
	case judging:
		s.judge()
	case asking, proving, hearing, awaiting, done, failed:
	}
}

func (s *Session) fail(err error) {
	s.state, s.err = failed, err
	s.wipe()
}

func (s *Session) wipe() {
	for _, b := range s.shared {
		clear(b)
	}
	for _, b := range s.agreed {
		clear(b)
	}
	s.shared, s.fresh = nil, nil
}

// say makes msg the message that Next sends.
func (s *Session) say(message uint8, msg []byte) {
	s.out, s.next = wire.Fragments(s.id, message, msg), 0
	s.in = assembly{}
}
