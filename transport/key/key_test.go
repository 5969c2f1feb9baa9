package key

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

func seeded(t testing.TB, b byte) *Identity {
	t.Helper()
	s, err := NewSecret(bytes.Repeat([]byte{b}, SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	i, err := IdentityFromSeed(&s)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// The derivation is part of the format of profiles and links: a change would
// take every user's identity away.
func TestVector(t *testing.T) {
	const want = "c2c5e1b457de4b54aaa9ebb272cad029bf826929a61438210cb5908015531c58"
	f := seeded(t, 1).Fingerprint()
	if got := hex.EncodeToString(f[:]); got != want {
		t.Errorf("the fingerprint of the seed of ones is %s, want %s", got, want)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	s, err := NewSecret(bytes.Repeat([]byte{0xAB}, SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "pointer", &s)
	for _, text := range []string{
		fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %x %q %d", s, s, s, s, s, s, s),
		fmt.Sprintf("%v %x", struct{ S Secret }{s}, &s), log.String(),
	} {
		if low := strings.ToLower(text); strings.Contains(low, "abab") || strings.Contains(low, "171 171") || strings.Contains(low, "0xab") {
			t.Errorf("a secret was printed: %s", text)
		}
	}
	if reflect.TypeOf(s).Comparable() {
		t.Error("secrets can be compared with ==, which takes time that depends on them")
	}
	if _, ok := any(s).(fmt.Stringer); ok {
		t.Error("secrets have a String")
	}
	s.Wipe()
	if !s.IsZero() {
		t.Error("a wiped secret is not zero")
	}
}

func TestPublicRoundTrip(t *testing.T) {
	i := seeded(t, 2)
	p, err := ParsePublic(i.Public().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if p.Fingerprint() != i.Fingerprint() || p.Account() != i.Account() {
		t.Error("the public half changed on the way")
	}
	if _, err := ParsePublic(i.Public().Bytes()[1:]); err == nil {
		t.Error("a short public half was accepted")
	}
	bad := i.Public().Bytes()
	copy(bad[64:], bytes.Repeat([]byte{0xff}, 100))
	if _, err := ParsePublic(bad); err == nil {
		t.Error("an ML-KEM key out of range was accepted")
	}
}

func TestAgreement(t *testing.T) {
	a, b := seeded(t, 3), seeded(t, 4)
	ab, err1 := a.Agree(b.Public().DH())
	ba, err2 := b.Agree(a.Public().DH())
	if err1 != nil || err2 != nil || !bytes.Equal(ab, ba) {
		t.Errorf("X25519 does not agree: %v, %v", err1, err2)
	}
	secret, ciphertext := b.Public().Encapsulate()
	got, err := b.Decapsulate(ciphertext)
	if err != nil || !bytes.Equal(got, secret) {
		t.Errorf("ML-KEM does not agree: %v", err)
	}
	if other, err := a.Decapsulate(ciphertext); err == nil && bytes.Equal(other, secret) {
		t.Error("another identity opens the cipher text")
	}
}

func TestAccount(t *testing.T) {
	i := seeded(t, 5)
	acc, err := ParseAccount(i.Account().Bytes())
	if err != nil || acc != i.Account() {
		t.Fatalf("the account changed on the way: %v", err)
	}
	sig := i.Sign([]byte("msg"))
	if !acc.Verify([]byte("msg"), sig) || acc.Verify([]byte("msh"), sig) || acc.Verify([]byte("msg"), sig[1:]) {
		t.Error("signatures are not checked")
	}
	if _, err := ParseAccount(nil); err == nil {
		t.Error("an empty account was accepted")
	}
	h, err := ParseHandle(acc.Handle().String())
	if err != nil || h != acc.Handle() {
		t.Errorf("the handle changed on the way: %v", err)
	}
	f, err := ParseFingerprint(acc.Fingerprint().String())
	if err != nil || f != acc.Fingerprint() {
		t.Errorf("the fingerprint changed on the way: %v", err)
	}
	for _, bad := range []string{"", "zz", strings.Repeat("a", 43) + "=", strings.Repeat("ab", 17)} {
		if _, err := ParseHandle(bad); err == nil {
			t.Errorf("ParseHandle accepted %q", bad)
		}
		if _, err := ParseFingerprint(bad); err == nil {
			t.Errorf("ParseFingerprint accepted %q", bad)
		}
	}
}

func TestEmptySeed(t *testing.T) {
	if _, err := IdentityFromSeed(new(Secret)); err == nil {
		t.Error("an identity was made from nothing")
	}
	if _, err := NewSecret(make([]byte, 31)); err == nil {
		t.Error("a short secret was accepted")
	}
}
