package seal

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"testing"

	"undertone/transport/cell"
	"undertone/transport/key"

	"pgregory.net/rapid"
)

func padSecret(i byte) *key.Secret {
	s := PadSecret([]byte{i}, []byte{i}, key.Connection{1}, key.Connection{2})
	return &s
}

// slowPad computes the pad of a slot block by block.
func slowPad(pair *key.Secret, e Epoch, messages int, t cell.Slot) []byte {
	k := expand(pair, labelPadEpoch, e[:])
	block, _ := aes.NewCipher(k.Bytes())
	out := make([]byte, messages*ShareSize)
	for i := range messages * padBlocks {
		var in [16]byte
		binary.BigEndian.PutUint64(in[8:], uint64(t)*uint64(messages*padBlocks)+uint64(i)) //nolint:gosec // positive
		block.Encrypt(out[16*i:], in[:])
	}
	return out
}

// Pads against an oracle that computes every block by itself, for slots in any
// order, and any number of peers and messages.
func TestPadsAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		messages, peers := rapid.IntRange(1, 4).Draw(t, "messages"), rapid.IntRange(0, 4).Draw(t, "peers")
		e := Epoch{rapid.Byte().Draw(t, "epoch")}
		p := NewPads(messages)
		for i := range peers {
			p.Add(padSecret(byte(i)), e)
		}
		for _, n := range rapid.SliceOfN(rapid.Uint64Range(1, 12), 1, 8).Draw(t, "slots") {
			want := make([]byte, messages*ShareSize)
			for i := range peers {
				for j, b := range slowPad(padSecret(byte(i)), e, messages, cell.Slot(n)) {
					want[j] ^= b
				}
			}
			got := make([]byte, messages*ShareSize)
			p.XOR(got, cell.Slot(n))
			if !bytes.Equal(got, want) {
				t.Fatalf("slot %d: the pads are not those of the oracle", n)
			}
		}
	})
}

// No block of any pad is that of another slot, message, epoch or pair.
func TestNoPadTwice(t *testing.T) {
	seen := map[[16]byte]bool{}
	for _, pair := range []byte{1, 2} {
		for _, e := range []Epoch{{1}, {2}} {
			p := NewPads(2)
			p.Add(padSecret(pair), e)
			for n := cell.Slot(1); n < 5; n++ {
				b := make([]byte, 2*ShareSize)
				p.XOR(b, n)
				for ; len(b) > 0; b = b[16:] {
					if seen[[16]byte(b)] {
						t.Fatal("a block of a pad comes twice")
					}
					seen[[16]byte(b)] = true
				}
			}
		}
	}
}

func TestPadSecretDependsOnAll(t *testing.T) {
	a, b := key.Connection{1}, key.Connection{2}
	base := PadSecret([]byte{1}, []byte{2}, a, b)
	for i, s := range []key.Secret{
		PadSecret([]byte{9}, []byte{2}, a, b), PadSecret([]byte{1}, []byte{9}, a, b),
		PadSecret([]byte{1}, []byte{2}, b, a), PadSecret([]byte{1}, []byte{2}, a, a),
	} {
		if s.Equal(&base) {
			t.Errorf("the secret does not depend on input %d", i)
		}
	}
}

func TestPadsAllocateNothing(t *testing.T) {
	p, b, n := NewPads(1), make([]byte, ShareSize), cell.Slot(5)
	p.Add(padSecret(1), Epoch{})
	p.XOR(b, n)
	if a := testing.AllocsPerRun(100, func() { n++; p.XOR(b, n) }); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

// BenchmarkPads is what a slot costs a member of a set of 300, with 8 channels.
func BenchmarkPads(b *testing.B) {
	p, dst := NewPads(1), make([]byte, ShareSize)
	for i := range 299 {
		p.Add(padSecret(byte(i)), Epoch{byte(i >> 8)})
	}
	b.ReportAllocs()
	for n := range b.N {
		p.XOR(dst, cell.Slot(n+1))
	}
}
