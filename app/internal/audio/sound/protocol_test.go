package sound

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestMessageVectors pins the layout of the package comment.
func TestMessageVectors(t *testing.T) {
	for name, test := range map[string]struct {
		message message
		want    string
	}{
		"beat":   {message{kind: kindBeat}, "5553" + "01" + "11" + "0000"},
		"list":   {message{kind: kindList}, "5553" + "01" + "02" + "0000"},
		"closed": {message{kindClosed, numbered(258, nil)}, "5553" + "01" + "13" + "0004" + "00000102"},
		"live": {
			message{kindLive, numbered(1, encode(Choice{Mic: true}))},
			"5553" + "01" + "01" + "0020" + "00000001" + hex.EncodeToString([]byte(`{"mic":true,"speaker":false}`)),
		},
	} {
		var b bytes.Buffer
		if err := writeMessage(&b, test.message); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(b.Bytes()); got != test.want {
			t.Errorf("%s is %s, want %s", name, got, test.want)
		}
		back, err := readMessage(&b)
		if err != nil || back.kind != test.message.kind || !bytes.Equal(back.body, test.message.body) {
			t.Errorf("%s comes back as %v, %v", name, back, err)
		}
	}
}

func TestMessagesOfOtherVersionsAreRefused(t *testing.T) {
	for _, s := range []string{"555302110000", "585301110000"} {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readMessage(bytes.NewReader(b)); !errors.Is(err, errProtocol) {
			t.Errorf("%s: error %v, want errProtocol", s, err)
		}
	}
	if err := writeMessage(io.Discard, message{kindNone, make([]byte, maxPayload+1)}); !errors.Is(err, errProtocol) {
		t.Errorf("error %v, want errProtocol", err)
	}
}

// FuzzParent feeds what a helper says to the parent's half: no bytes may crash
// it, and the text it shows is safe for a terminal.
func FuzzParent(f *testing.F) {
	for _, m := range []message{
		{kind: kindBeat},
		{kindOpened, numbered(0, encode(Opened{InputLatency: 1}))},
		{kindClosed, numbered(0, nil)},
		{kindFailed, numbered(0, []byte("no\x1b[2J"))},
		{kindDevices, encode([]Device{{Name: "a"}})},
		{kindNone, []byte("none")},
		{kindCautions, numbered(0, encode(Cautions{Mic: "a\x1b[2J"}))},
	} {
		var b bytes.Buffer
		if err := writeMessage(&b, m); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes(), uint8(opening))
	}
	f.Fuzz(func(t *testing.T, b []byte, s uint8) {
		card := &Card{memory: &Memory{}}
		defer func() {
			if c := card.micCaution.Load(); c != nil && strings.ContainsAny(c.Error(), "\x1b\r\n\x00") {
				t.Errorf("unsafe text %q", c.Error())
			}
		}()
		reply := make(chan listed, 1)
		k := &keeper{card: card, orders: io.Discard, state: state(s % uint8(gone)), asking: []chan<- listed{reply}}
		r := bytes.NewReader(b)
		for {
			m, err := readMessage(r)
			if err != nil {
				return
			}
			if err := k.hear(m, time.Time{}); err != nil {
				if strings.ContainsAny(err.Error(), "\x1b\r\n\x00") {
					t.Fatalf("unsafe text %q", err)
				}
				return
			}
		}
	})
}

// FuzzHelper feeds orders to the helper's half.
func FuzzHelper(f *testing.F) {
	for _, m := range []message{
		{kindLive, numbered(7, encode(Choice{Mic: true}))},
		{kindLive, numbered(8, encode(Choice{}))},
		{kindLive, []byte{1}},
		{kind: kindList},
	} {
		var b bytes.Buffer
		if err := writeMessage(&b, m); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			err := serve(bytes.NewReader(b), &out, &fakeBackend{kind: fakeGood}, &Memory{}, func() {})
			if err != nil && !errors.Is(err, errProtocol) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatal(err)
			}
			for {
				if _, err := readMessage(&out); err != nil {
					if !errors.Is(err, io.EOF) {
						t.Fatalf("the helper said %v", err)
					}
					return
				}
			}
		})
	})
}
