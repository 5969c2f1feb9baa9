package profile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"undertone/transport/key"
)

var update = flag.Bool("update", false, "rewrite the test vectors")

// withVersion returns file with another version in a sound header.
func withVersion(t *testing.T, file []byte, version uint16) []byte {
	t.Helper()
	binary.BigEndian.PutUint16(file[8:], version)
	sum := sha256.Sum256(file[:sumAt])
	copy(file[sumAt:], sum[:])
	return file
}

// vector is a whole file, made from fixed randomness. The file itself is mostly
// sealed zeros, so its hash stands for it.
type vector struct {
	Passphrase string `json:"passphrase"`
	Header     string `json:"header"`
	Document   string `json:"document"`
	Length     int    `json:"length"`
	SHA256     string `json:"sha256"`
}

func TestVector(t *testing.T) {
	const path = "testdata/v3.json"
	k := &fileKeys{protection: byPassphrase, cost: *cheap, salt: [saltSize]byte{1, 2, 3}}
	v := vector{Passphrase: "correct horse"}
	if err := k.derive(k.stretch([]byte(v.Passphrase))); err != nil {
		t.Fatal(err)
	}
	h := &header{protection: k.protection, cost: k.cost, salt: k.salt, check: k.check, generation: 5}
	h.writer[0], h.nonce[0] = 8, 9
	plain, room, err := newDocument(sample(t), &mark{Machine: "ab", Name: "laptop"}).encode()
	if err != nil {
		t.Fatal(err)
	}
	aead, err := k.aead()
	if err != nil {
		t.Fatal(err)
	}
	file, err := seal(aead, h, plain, room)
	if err != nil {
		t.Fatal(err)
	}
	v.Header, v.Document, v.Length = hex.EncodeToString(file[:headerSize]), string(plain), len(file)
	v.SHA256 = fmt.Sprintf("%x", sha256.Sum256(file))
	if *update {
		b, err := json.MarshalIndent(v, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, append(b, '\n'))
	}
	var want vector
	if err := json.Unmarshal(read(t, path), &want); err != nil {
		t.Fatal(err)
	}
	if v != want {
		t.Errorf("the format has changed: a new version is needed\n got %+v\nwant %+v", v, want)
	}
	doc, err := openDocument(k, h, file)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := doc.content(); err != nil || !reflect.DeepEqual(c, sample(t)) {
		t.Errorf("read back different (%v)", err)
	}
}

// A profile of an earlier version opens, as it was written then.
func TestEarlierVersionsOpen(t *testing.T) {
	want := sample(t)
	s := &want.Settings
	s.RingSofter, s.Notify, s.PushToTalk, s.TalkAnywhere, s.StartHidden, s.Language, s.Theme, s.OnlyVerified = 0, false, false, false, false, "", ThemeSystem, false
	t.Run("2", func(t *testing.T) { opensAs(t, "testdata/v2.json", want) })
	s.NoEcho, s.NoNoise, s.NoGain, s.Latency = false, false, false, 0
	t.Run("1", func(t *testing.T) { opensAs(t, "testdata/v1.json", want) })
}

func opensAs(t *testing.T, path string, want *Content) {
	t.Helper()
	var v vector
	if err := json.Unmarshal(read(t, path), &v); err != nil {
		t.Fatal(err)
	}
	head, err := hex.DecodeString(v.Header)
	if err != nil {
		t.Fatal(err)
	}
	h, err := parseHeader(head)
	if err != nil {
		t.Fatal(err)
	}
	k := &fileKeys{protection: h.protection, cost: h.cost, salt: h.salt}
	if err := k.derive(k.stretch([]byte(v.Passphrase))); err != nil {
		t.Fatal(err)
	}
	aead, err := k.aead()
	if err != nil {
		t.Fatal(err)
	}
	padded := make([]byte, v.Length-headerSize-aead.Overhead())
	binary.BigEndian.PutUint32(padded, uint32(len(v.Document)))
	copy(padded[lengthSize:], v.Document)
	file := aead.Seal(head, h.nonce[:], padded, head)
	if got := fmt.Sprintf("%x", sha256.Sum256(file)); got != v.SHA256 {
		t.Fatalf("this is not the file: %s", got)
	}
	doc, err := openDocument(k, &h, file)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := doc.content(); err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("read differently (%v)", err)
	}
}

// Every part of the header is authenticated: even with a checksum that fits, a
// changed header does not open.
func TestHeaderIsAuthenticated(t *testing.T) {
	p := create(t, Options{Passphrase: []byte("correct horse"), cost: cheap})
	p.Close()
	good := read(t, p.path(currentName))
	for at := 8; at < sumAt; at++ {
		file := bytes.Clone(good)
		file[at] ^= 1
		sum := sha256.Sum256(file[:sumAt])
		copy(file[sumAt:], sum[:])
		write(t, p.path(currentName), file)
		if q, err := Open(p.Dir(), Options{Passphrase: []byte("correct horse")}); err == nil {
			q.Close()
			t.Errorf("byte %d was changed and the profile opened", at)
		}
	}
}

func TestCostIsBounded(t *testing.T) {
	for _, c := range []cost{{}, {1, 1 << 30, 1}, {1 << 30, 64, 1}, {1, 64, 255}, {1, 64, 0}, {0, 64, 1}} {
		h := &header{protection: byPassphrase, cost: c}
		if _, err := parseHeader(h.append(nil)); !errors.Is(err, ErrDamaged) {
			t.Errorf("cost %+v: %v", c, err)
		}
	}
	h := &header{protection: byPassphrase, cost: defaultCost}
	if got, err := parseHeader(h.append(nil)); err != nil || got != *h {
		t.Errorf("the default: %v", err)
	}
}

// The size must not tell how many calls there were, that keys were ratcheted, or
// what was chosen.
func TestSizeDependsOnContactsOnly(t *testing.T) {
	size := func(c *Content) int {
		t.Helper()
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		_, room, err := newDocument(c, nil).encode()
		if err != nil {
			t.Fatal(err)
		}
		return room
	}
	quiet, busy := sample(t), sample(t)
	quiet.Calls, quiet.Contacts[0].State, quiet.Contacts[0].Intro = nil, nil, key.Secret{}
	for i := range 3 * MaxCalls {
		busy.AddCall(Call{
			With: key.Handle{1, byte(i)}, Direction: Outgoing, Outcome: Declined,
			Start: time.Unix(int64(i)*1e6, 0), Length: 400 * time.Hour,
		})
	}
	busy.Calls = busy.Calls[:MaxCalls]
	for i := range busy.Calls {
		busy.Calls[i].Start = time.Unix(maxStart, 0).UTC().Truncate(time.Minute)
	}
	busy.Contacts[0].State = make([]byte, stateRoom)
	name := strings.Repeat("<", maxDevice) // The longest in JSON that is a name.
	quiet.Settings = Settings{}
	busy.Settings = Settings{
		Answer: AnswerNever, Microphone: name, Speaker: name, RingDevice: name,
		NoEcho: true, NoNoise: true, NoGain: true, Latency: maxLatency,
		RingSofter: maxSofter, Notify: true, PushToTalk: true, TalkAnywhere: true, StartHidden: true, Language: strings.Repeat("<", maxLanguage), Theme: ThemeDark, OnlyVerified: true,
	}
	if a, b := size(quiet), size(busy); a != b {
		t.Errorf("room %d without calls and settings, %d with", a, b)
	}
	// The room is enough: what is stored fits into it.
	plain, room, err := newDocument(busy, &mark{strings.Repeat("a", 2*machineSize), strings.Repeat("n", maxMachine)}).encode()
	if err != nil || len(plain) > room {
		t.Errorf("%d bytes in a room for %d (%v)", len(plain), room, err)
	}
	// The control: contacts do count.
	busy.Contacts = busy.Contacts[:1]
	if size(quiet) == size(busy) {
		t.Error("a contact less made no difference, so this test sees nothing")
	}
}

func TestLargestProfileFits(t *testing.T) {
	c := sample(t)
	c.Contacts = nil
	for i := range MaxContacts {
		c.Contacts = append(c.Contacts, Contact{
			Name: fmt.Sprintf("%032d", i), Fingerprint: key.Fingerprint{1, byte(i), byte(i >> 8)},
			Intro: numbered(t, 1), State: make([]byte, MaxState),
		})
	}
	p := create(t, Options{})
	if err := p.Update(func(d *Content) error { *d = *c.Clone(); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := p.Save(); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if got := len(open(t, p.Dir(), Options{}).Snapshot().Contacts); got != MaxContacts {
		t.Errorf("%d contacts", got)
	}
	if info, err := os.Stat(p.path(currentName)); err != nil || info.Size()%stepSize != 0 {
		t.Errorf("%d bytes (%v)", info.Size(), err)
	}
}

func FuzzHeader(f *testing.F) {
	good := &header{protection: byPassphrase, cost: defaultCost}
	f.Add(good.append(nil))
	f.Add((&header{protection: byKeyFile}).append(nil))
	first := good.append(nil)
	binary.BigEndian.PutUint16(first[8:], 1)
	f.Add(first)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= headerSize { // Else nearly all inputs stop at the checksum.
			sum := sha256.Sum256(b[:sumAt])
			copy(b[sumAt:], sum[:])
		}
		h, err := parseHeader(b)
		if err != nil {
			return
		}
		// An earlier version is read, and written as this one: that much may change.
		want := slices.Clone(b[:headerSize])
		binary.BigEndian.PutUint16(want[8:], formatVersion)
		sum := sha256.Sum256(want[:sumAt])
		copy(want[sumAt:], sum[:])
		if got := h.append(nil); !bytes.Equal(got, want) {
			t.Errorf("read %x and written %x differ", b[:headerSize], got)
		}
	})
}

func FuzzDocument(f *testing.F) {
	plain, _, err := newDocument(sample(f), &mark{Machine: "ab", Name: "laptop"}).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseDocument(b)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("not a typed error: %v", err)
			}
			return
		}
		c, err := d.content()
		if err != nil {
			t.Fatalf("accepted, and has no content: %v", err)
		}
		again, room, err := newDocument(c, d.Online).encode()
		if err != nil || len(again) > max(room, len(b)) {
			t.Fatalf("cannot be stored again: %v", err)
		}
		e, err := parseDocument(again)
		if err != nil {
			t.Fatalf("what was stored again cannot be read: %v", err)
		}
		if f, err := e.content(); err != nil || !reflect.DeepEqual(c, f) {
			t.Errorf("stored again it differs (%v)", err)
		}
	})
}
