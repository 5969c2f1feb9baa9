package safety

import (
	"crypto/sha256"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/tyler-smith/go-bip39/wordlists"
	"pgregory.net/rapid"

	"undertone/transport/key"
)

func fingerprint(b byte) key.Fingerprint { return sha256.Sum256([]byte{b}) }

// The words are a format: two versions of the program must show the same ones.
func TestVector(t *testing.T) {
	const want = "sword spend ball initial\nmagic law market exhaust"
	if got := Of(fingerprint(1), fingerprint(2)).String(); got != want {
		t.Errorf("the words are\n%s\nwant\n%s", got, want)
	}
}

func TestBothSeeTheSameWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := key.Fingerprint(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "a"))
		b := key.Fingerprint(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "b"))
		if Of(a, b) != Of(b, a) {
			t.Fatal("the words depend on who looks")
		}
	})
}

func TestAnotherPersonHasOtherWords(t *testing.T) {
	us := Of(fingerprint(1), fingerprint(2))
	for b := byte(3); b < 100; b++ {
		if them := Of(fingerprint(1), fingerprint(b)); them == us {
			t.Errorf("person %d has the words of person 2: %s", b, them)
		}
	}
}

// The whole hash is read as one number here, and divided.
func TestBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 11, 11).Draw(t, "b")
		n := new(big.Int).SetBytes(b)
		for i := Count - 1; i >= 0; i-- {
			var rest big.Int
			n.DivMod(n, big.NewInt(2048), &rest)
			if got := bits(b, i*wordBits); int64(got) != rest.Int64() {
				t.Fatalf("word %d is number %d, want %d", i, got, rest.Int64())
			}
		}
	})
}

func TestList(t *testing.T) {
	list := wordlists.English
	if len(list) != 1<<wordBits || !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
		t.Fatalf("the list has %d words, or not in order, or one twice", len(list))
	}
	for _, w := range list {
		if strings.ContainsAny(w, " \n") || w == "" {
			t.Errorf("%q is no word", w)
		}
	}
}
