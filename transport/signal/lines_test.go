package signal

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/synctest"
)

const lineFile = "testdata/lines.json"

// A lineVector lets another client check what it writes and reads in a session
// description.
type lineVector struct {
	SDP      string `json:"sdp"`
	Record   string `json:"record,omitempty"`
	Channels int    `json:"channels,omitempty"`
	Written  string `json:"written"`
}

func TestLineVectors(t *testing.T) {
	var all []lineVector
	for _, record := range [][]byte{nil, {0}, bytes.Repeat([]byte{0xfb}, 16)} {
		text, err := withRecord(offer, record)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, lineVector{SDP: offer, Record: hex.EncodeToString(record), Written: text})
	}
	for _, channels := range []int{0, 1, MaxChannels} {
		all = append(all, lineVector{SDP: answer, Channels: channels, Written: withChannels(answer, channels)})
	}
	got, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(lineFile, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(lineFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the lines have changed; a change needs a new Version\n%s", got)
	}
}

// The record of a member and the channels of the set come through, whatever
// their size, and everybody's packets are the same.
func TestRecordAndChannels(t *testing.T) {
	var first int
	for _, record := range [][]byte{nil, bytes.Repeat([]byte{7}, 16), bytes.Repeat([]byte{8}, MaxRecord)} {
		synctest.Test(t, func(t *testing.T) {
			var seen Request
			w := newWorld(t, gateFunc(func(_ context.Context, r Request) (string, error) {
				seen = r
				return answer, nil
			}), func(c *Config) { c.Channels = len(record) / 2 % (MaxChannels + 1) })
			defer w.close()
			c := w.client(identity(t, "anna"))
			c.Record = record
			got, err := c.Online(t.Context(), offer)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(seen.Record, record) || seen.Offer != offer {
				t.Errorf("the gate saw a record of %d bytes, not %d, and %q", len(seen.Record), len(record), seen.Offer)
			}
			if want := len(record) / 2 % (MaxChannels + 1); got.Channels != want || got.SDP != answer {
				t.Errorf("the client read %d channels, not %d, and %q", got.Channels, want, got.SDP)
			}
			total := 0
			for _, p := range w.star.Packets() {
				total += p.Size
			}
			if first == 0 {
				first = total
			}
			if total != first {
				t.Errorf("%d bytes on the wire with a record of %d bytes, and %d without one", total, len(record), first)
			}
		})
	}
}

// A record that is too long is said so before anything is sent.
func TestRecordTooLong(t *testing.T) {
	c := &Client{Identity: identity(t, "anna"), Record: make([]byte, MaxRecord+1)}
	_, err := c.Online(t.Context(), offer)
	wantError(t, err, ErrMalformed, "at most 3072 bytes")
}

// Whoever writes the lines otherwise than the package comment says is refused.
func TestOddLines(t *testing.T) {
	for name, sdp := range map[string]string{
		"empty record":      offer + memberStart + lineEnd,
		"no base64":         offer + memberStart + "%%" + lineEnd,
		"padded base64":     offer + memberStart + "AA==" + lineEnd,
		"not the last line": offer + memberStart + "AAAA" + lineEnd + "a=x\r\n",
		"two records":       offer + memberStart + "AAAA" + lineEnd + memberStart + "AAAA" + lineEnd,
		"the first line":    memberStart + "AAAA" + lineEnd,
		"no end":            offer + memberStart + "AAAA",
		"too long":          offer + memberStart + strings.Repeat("A", MaxRecord/3*4+4) + lineEnd,
	} {
		if rest, record, err := cutRecord(sdp); err == nil {
			t.Errorf("%s: %d bytes, and %q is left", name, len(record), rest)
		}
	}
	for _, channels := range []string{"", "0", "-1", "08", "+8", "33", "x", "8 ", "99999999999999999999"} {
		if _, n, err := cutChannels(answer + setStart + channels + lineEnd); err == nil {
			t.Errorf("%q channels are %d", channels, n)
		}
	}
}

// A request that is signed but whose record makes no sense is refused, and does
// not reach the gate.
func TestOddRecordIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, gateFunc(func(context.Context, Request) (string, error) {
			t.Error("the gate was asked")
			return answer, nil
		}))
		defer w.close()
		_, err := w.client(identity(t, "anna")).Online(t.Context(), offer+memberStart+"%"+lineEnd)
		wantError(t, err, ErrMalformed, "could not read")
	})
}

// FuzzLines checks that what is read is what was written, and nothing else.
func FuzzLines(f *testing.F) {
	f.Add(offer + memberStart + "AAAA" + lineEnd)
	f.Add(answer + setStart + "8" + lineEnd)
	f.Add("\n" + memberStart + "\n" + setStart)
	f.Fuzz(func(t *testing.T, sdp string) {
		if rest, record, err := cutRecord(sdp); err == nil {
			if again, err := withRecord(rest, record); err != nil || again != sdp {
				t.Fatalf("%q became %q, %v", sdp, again, err)
			}
		}
		if rest, channels, err := cutChannels(sdp); err == nil && withChannels(rest, channels) != sdp {
			t.Fatalf("%q became %q and %d channels", sdp, rest, channels)
		}
	})
}
