package superpose

import (
	"crypto/sha256"
	"testing"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/vectors"
)

// computed pins what both halves have to compute alike. Another implementation can
// be checked against the file.
func computed(t *testing.T) vectors.Vectors {
	t.Helper()
	v := vectors.Vectors{}
	put := v.Put
	const slot = cell.Slot(0x123456789)

	e := Epoch{Counter: 0x01020304, Start: slot, Lapse: true, Nonce: [8]byte{9, 8, 7}, Members: []Number{1, 5, 0x7fff}}
	name, _ := e.Name(8, func(n Number) (key.Connection, bool) { return key.Connection{byte(n)}, true })
	put("name of an epoch", name[:])
	put("list of an epoch", e.List(make([]byte, 100), name))
	news := make([]byte, ChunkSize)
	n := NewsOf([]Number{1, 4}, &e, name)
	n.Put(news)
	put("news, one leaves and two enter", news)

	token := NewToken(&name, slot, [4]byte{1, 2, 3, 4})
	put("token", token[:])
	in := token.Name(&name, slot)
	put("name of the token", in[:])

	b := make([]byte, Size)
	h := Head{Slot: slot.Low(), Part: 1, K: 2, Flags: Share, Epoch: e.Low(), Seen: 0x6785, Ack: 3, Grain: 4, Count: 5}
	h.PutUp(b)
	put("head up", b[:BodyAt])
	clear(b)
	h = Head{Slot: slot.Low(), Part: 1, K: 2, Flags: Complete | Told, Epoch: e.Low(), Feedback: -5, Ack: 3, Grain: 4, Count: 5}
	h.PutDown(b)
	put("head down", b[:BodyAt])

	var seed key.Secret
	seed.Bytes()[0] = 1
	id, err := key.IdentityFromSeed(&seed)
	if err != nil {
		t.Fatal(err)
	}
	head := append([]byte{recordVersion}, id.Account().Bytes()...)
	head = append(head, make([]byte, connSize+dhSize)...)
	put("signature of a record", id.Sign(signed(head, [32]byte{2}, [32]byte{3})))

	pair := seal.PadSecret([]byte("agreed"), []byte("encapsulated"), key.Connection{1}, key.Connection{2})
	put("secret of a pair", pair.Bytes())
	pads := seal.NewPads(2)
	pads.Add(&pair, name)
	sum := make([]byte, 2*seal.ShareSize)
	pads.XOR(sum, slot)
	hash := sha256.Sum256(sum)
	put("hash of the pads of a slot of two messages", hash[:])
	return v
}

func TestVectors(t *testing.T) { computed(t).Check(t) }
