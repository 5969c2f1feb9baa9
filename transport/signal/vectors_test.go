package signal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"undertone/transport/key"
	"undertone/transport/uri"
)

var update = flag.Bool("update", false, "rewrite the vectors in testdata")

const vectorFile = "testdata/transcript.json"

// A vector lets another client check what it signs.
type vector struct {
	Seed       string `json:"seed"`
	Exporter   string `json:"exporter"`
	Offer      string `json:"offer"`
	Token      string `json:"token"`
	Account    string `json:"account"`
	Transcript string `json:"transcript"`
	Signature  string `json:"signature"`
}

func newVector(t *testing.T, n byte, offer string, token uri.Token) vector {
	t.Helper()
	seed, err := key.NewSecret(bytes.Repeat([]byte{n}, key.SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	id, err := key.IdentityFromSeed(&seed)
	if err != nil {
		t.Fatal(err)
	}
	exporter := [exporterSize]byte(bytes.Repeat([]byte{^n}, exporterSize))
	transcript := Transcript(exporter, id.Account(), []byte(offer), token)
	return vector{
		Seed:       hex.EncodeToString(seed.Bytes()),
		Exporter:   hex.EncodeToString(exporter[:]),
		Offer:      offer,
		Token:      token.String(),
		Account:    encode(id.Account().Bytes()),
		Transcript: hex.EncodeToString(transcript),
		Signature:  encode(id.Sign(transcript)),
	}
}

func TestTranscriptVectors(t *testing.T) {
	got, err := json.MarshalIndent([]vector{
		newVector(t, 1, offer, uri.Token{}),
		newVector(t, 2, "", uri.Token{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}),
	}, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(vectorFile, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the transcript has changed; a change needs a new Version\n%s", got)
	}
}

// Each field of the transcript has its place, as the package comment draws it.
func TestTranscriptLayout(t *testing.T) {
	id := identity(t, "anna")
	b := Transcript([exporterSize]byte{0: 1, 31: 2}, id.Account(), []byte(offer), uri.Token{})
	if len(b) != 179 || string(b[:19]) != labelOnline || b[19] != 1 || b[50] != 2 || !bytes.Equal(b[51:115], id.Account().Bytes()) {
		t.Errorf("the transcript is %x", b)
	}
}
