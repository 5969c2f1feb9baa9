package call

import (
	"crypto/ecdh"
	"crypto/rand"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
)

// Due reports whether arithmetic is waiting for Step.
func (m *Machine) Due() bool { return m.due != nothing }

// Step does the arithmetic that is due: a fresh key, an agreement, or both. A
// key of the other side that cannot be used counts as no answer.
func (m *Machine) Step(n cell.Slot) {
	d := m.due
	m.due = nothing
	switch d {
	case freshKey:
		if m.fresh = newKey(); m.fresh != nil {
			m.knock.key = [32]byte(m.fresh.PublicKey().Bytes())
		}
	case answerKey:
		if m.fresh = newKey(); m.fresh != nil {
			m.answered = [32]byte(m.fresh.PublicKey().Bytes())
			m.agree(m.knock.key)
		}
		if m.out == nil {
			m.end(n, Lost, false)
		}
	case agree:
		if m.agree(m.answered) {
			m.enter(n, Talking)
		}
	case nothing:
	}
}

func newKey() *ecdh.PrivateKey {
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil
	}
	return k
}

// agree derives the keys of the call from our fresh key and the other side's,
// and drops ours.
func (m *Machine) agree(theirs [32]byte) bool {
	public, err := ecdh.X25519().NewPublicKey(theirs[:])
	if err != nil {
		return false
	}
	shared, err := m.fresh.ECDH(public)
	if err != nil {
		return false
	}
	defer clear(shared)
	pair, ok := m.peer.PairwiseKey(m.knock.hour)
	if !ok {
		return false
	}
	defer pair.Wipe()
	ours := m.fresh.PublicKey().Bytes()
	var out, in key.Secret
	if m.outgoing {
		out, in, m.welcome = seal.CallKeys(&pair, shared, m.knock.call, m.self, m.peer.Handle(), ours, theirs[:])
	} else {
		in, out, m.welcome = seal.CallKeys(&pair, shared, m.knock.call, m.peer.Handle(), m.self, theirs[:], ours)
	}
	m.out, m.in = seal.NewStreamSealer(&out), seal.NewStreamOpener(&in)
	out.Wipe()
	in.Wipe()
	m.fresh = nil
	return true
}
