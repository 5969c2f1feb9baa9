package pairing

import (
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/uri"
)

// hello is what both sides say of themselves.
func (s *Session) hello() []byte {
	b := s.cfg.Self.Public().Bytes()
	b = append(b, s.fresh.PublicKey().Bytes()...)
	name := make([]byte, nameSize)
	name[0] = byte(copy(name[1:], s.cfg.Name))
	return append(b, name...)
}

const (
	freshSize = 32
	nameSize  = 1 + uri.MaxName
	helloSize = key.PublicSize + freshSize + nameSize
	hourSize  = 8
	kemSize   = 1088 // the cipher text of ML-KEM-768
)

// parseHello reads what the other side says of itself, and checks who it is.
func (s *Session) parseHello(b []byte) (*ecdh.PublicKey, error) {
	peer, err := key.ParsePublic(b[:key.PublicSize])
	if err != nil {
		return nil, ErrMessage
	}
	fresh, err := ecdh.X25519().NewPublicKey(b[key.PublicSize : key.PublicSize+freshSize])
	if err != nil {
		return nil, ErrMessage
	}
	name := b[key.PublicSize+freshSize:]
	if int(name[0]) > uri.MaxName || uri.CheckName(string(name[1:1+name[0]])) != nil {
		return nil, ErrMessage
	}
	f := peer.Fingerprint()
	if f.Handle() != s.cfg.Peer || (s.cfg.Expect != key.Fingerprint{} && f != s.cfg.Expect) {
		return nil, ErrIdentity
	}
	s.peer, s.peerName = peer, string(name[1:1+name[0]])
	return fresh, nil
}

// The agreements of X25519, in the order in which they go into the key.
const (
	freshFresh     = iota // fresh key with fresh key
	initiatorFresh        // the initiator's identity with the responder's fresh key
	responderFresh        // the responder's identity with the initiator's fresh key
	selfSelf              // identity with identity
	agreements
)

// first does the first half of the arithmetic for the other side's hello: it
// checks who that is, and agrees with his fresh key.
func (s *Session) first(hello []byte) error {
	fresh, err := s.parseHello(hello)
	if err != nil {
		return err
	}
	if s.fresh == nil {
		if s.fresh, err = ecdh.X25519().GenerateKey(rand.Reader); err != nil {
			return err
		}
	}
	ff, err1 := s.fresh.ECDH(fresh)
	sf, err2 := s.cfg.Self.Agree(fresh)
	if errors.Join(err1, err2) != nil {
		return ErrMessage
	}
	s.agreed[freshFresh] = ff
	if s.initiator {
		s.agreed[initiatorFresh] = sf
	} else {
		s.agreed[responderFresh] = sf
	}
	s.halfway = true
	return nil
}

// second does the second half: it agrees with the other side's identity.
func (s *Session) second() error {
	s.halfway = false
	fs, err1 := s.fresh.ECDH(s.peer.DH())
	ss, err2 := s.cfg.Self.Agree(s.peer.DH())
	if errors.Join(err1, err2) != nil {
		return ErrMessage
	}
	s.agreed[selfSelf] = ss
	if s.initiator {
		s.agreed[responderFresh] = fs
	} else {
		s.agreed[initiatorFresh] = fs
	}
	s.shared = append(s.shared, s.agreed[:]...)
	return nil
}

// reply makes message 2 (responder), in two steps.
func (s *Session) reply() {
	if !s.halfway {
		s.message1 = s.in.bytes(helloSize + hourSize)
		if s.message1 == nil {
			s.fail(ErrMessage)
			return
		}
		s.hour = binary.BigEndian.Uint64(s.message1[helloSize:])
		if s.hour+1 < s.cfg.Hour || s.hour > s.cfg.Hour+1 {
			s.fail(ErrMessage) // Replayed, or made by a clock that is not the set's.
			return
		}
		if err := s.first(s.message1[:helloSize]); err != nil {
			s.fail(err)
		}
		return
	}
	if err := s.second(); err != nil {
		s.fail(err)
		return
	}
	secret, ciphertext := s.peer.Encapsulate()
	s.shared = append(s.shared, secret)
	s.message2 = append(s.hello(), ciphertext...)
	s.say(2, s.message2)
	s.state = awaiting
}

// check reads message 2 and makes message 3 (initiator), in two steps.
func (s *Session) check() {
	if !s.halfway {
		s.message2 = s.in.bytes(helloSize + kemSize)
		if s.message2 == nil {
			s.fail(ErrMessage)
			return
		}
		if err := s.first(s.message2[:helloSize]); err != nil {
			s.fail(err)
		}
		return
	}
	if err := s.second(); err != nil {
		s.fail(err)
		return
	}
	secret, err := s.cfg.Self.Decapsulate(s.message2[helloSize:])
	if err != nil {
		s.fail(ErrMessage)
		return
	}
	own, ciphertext := s.peer.Encapsulate()
	s.shared = append(s.shared, secret, own)
	s.derive(ciphertext)
	s.say(3, append(ciphertext, s.proof("initiator")...))
	s.state = proving
}

// judge reads message 3 and makes message 4 (responder).
func (s *Session) judge() {
	msg := s.in.bytes(kemSize + sha256.Size)
	if msg == nil {
		s.fail(ErrMessage)
		return
	}
	secret, err := s.cfg.Self.Decapsulate(msg[:kemSize])
	if err != nil {
		s.fail(ErrMessage)
		return
	}
	s.shared = append(s.shared, secret)
	s.derive(msg[:kemSize])
	s.verify(msg[kemSize:], "initiator")
	if s.state == done {
		s.say(4, s.proof("responder"))
		s.replies = true
	}
}

func (s *Session) derive(ciphertext []byte) {
	h := sha256.New()
	h.Write(s.message1)
	h.Write(s.message2)
	h.Write(ciphertext)
	h.Sum(s.transcript[:0])
	s.pair, s.confirm = seal.PairKey(s.transcript, append(s.shared, s.cfg.Intro.Bytes())...)
}

func (s *Session) proof(who string) []byte {
	m := hmac.New(sha256.New, s.confirm.Bytes())
	m.Write([]byte(who))
	return m.Sum(nil)
}

func (s *Session) verify(proof []byte, who string) {
	if proof == nil || !hmac.Equal(proof, s.proof(who)) {
		s.fail(ErrProof)
		return
	}
	s.state = done
	s.wipe()
}
