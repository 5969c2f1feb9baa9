package seal

import (
	"bytes"
	"testing"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/vectors"
)

// computed pins every derivation and every format of the package. Another
// implementation can be checked against the file.
func computed(t *testing.T) vectors.Vectors {
	t.Helper()
	pair := secret(t, 1)
	a, b := key.Handle(bytes.Repeat([]byte{0xa}, key.HandleSize)), key.Handle(bytes.Repeat([]byte{0xb}, key.HandleSize))
	v := vectors.Vectors{}
	put := v.Put

	up, down := LinkKeys(&pair)
	put("link key up", up.Bytes())
	put("link key down", down.Bytes())
	next := Ratchet(&pair)
	put("ratchet", next.Bytes())
	letter := LetterKey(&pair, a, b)
	put("letter key", letter.Bytes())
	intro := IntroKey(&pair, a, b)
	put("introduction key", intro.Bytes())
	toCallee, toCaller, welcome := CallKeys(&pair, bytes.Repeat([]byte{2}, 32), [8]byte{3}, a, b, bytes.Repeat([]byte{4}, 32), bytes.Repeat([]byte{5}, 32))
	put("call key to callee", toCallee.Bytes())
	put("call key to caller", toCaller.Bytes())
	put("call key of a welcome", welcome.Bytes())
	group := secret(t, 8)
	masked := Mask(&welcome, &group, 0x0102, 3)
	put("masked secret, generation 0x0102, place 3", masked.Bytes())
	voice := GroupKey(&group, 3)
	put("voice key of a group, place 3", voice.Bytes())
	pk, confirm := PairKey([32]byte{6}, []byte("one"), []byte("two"))
	put("pair key", pk.Bytes())
	put("confirm key", confirm.Bytes())

	var c cell.Cell
	var body cell.Body
	copy(body[:], "body")
	s := NewSealer(&up, 0)
	s.random.buf[0], s.random.left = 0x55, 1 // the variant
	s.Seal(&c, 0x123456789, Head{Feedback: -5, Kind: cell.Letter}, &body)
	put("cell, slot 0x123456789, variant 0x55, feedback -5, a letter", c[:])

	var plain [cell.StreamSize]byte
	copy(plain[:], "voice")
	NewStreamSealer(&toCallee).Seal(&body, 0x123456789, &plain)
	put("stream, slot 0x123456789", body[:])

	var text [cell.LetterSize]byte
	copy(text[:], "letter")
	copy(body[:], b[:])
	body[classAt] = byte(HourClass(70))
	copy(body[nonceAt:sealedAt], bytes.Repeat([]byte{7}, cell.NonceSize))
	NewLetterbox(&letter).close(&body, &text)
	put("letter, hour 70, nonce of sevens", body[:])
	w := Way{From: a, To: b, FromConn: key.Connection{8}, ToConn: key.Connection{9}}
	contact, introVeil, group := ContactVeil(&pair, w), IntroVeil(&pair, w), GroupVeil(&pair, 3, a, w.FromConn)
	put("contact veil key", contact.Bytes())
	put("introduction veil key", introVeil.Bytes())
	put("group veil key, place 3", group.Bytes())
	veiled := make([]byte, VeilTagSize+40)
	NewVeil(&contact).Cloak(veiled, 0x123456789, bytes.Repeat([]byte{0xcc}, 40))
	put("veiled, slot 0x123456789, 40 bytes of cc", veiled)
	return v
}

func secret(t testing.TB, b byte) key.Secret {
	t.Helper()
	s, err := key.NewSecret(bytes.Repeat([]byte{b}, key.SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVectors(t *testing.T) { computed(t).Check(t) }
