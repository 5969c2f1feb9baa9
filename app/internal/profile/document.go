package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/uri"
)

// The document is the content as JSON, inside the sealed box. Fields stand in a
// fixed order and lists keep theirs, so the same content gives the same bytes.
// An unknown field is an error: a later version that adds one raises
// formatVersion.
type document struct {
	Seed     []byte       `json:"seed"`
	Name     string       `json:"name"`
	Host     string       `json:"host"`
	Pin      []byte       `json:"pin"`
	Mode     string       `json:"mode"`
	Interval string       `json:"interval"`
	Token    string       `json:"token,omitempty"`
	Intros   []introDoc   `json:"intros"`
	Contacts []contactDoc `json:"contacts"`
	Calls    []callDoc    `json:"calls"`
	Settings settingsDoc  `json:"settings"`
	Online   *mark        `json:"online,omitempty"`
}

type introDoc struct {
	ID      uint32 `json:"id"`
	Secret  []byte `json:"secret"`
	Made    Day    `json:"made"`
	Revoked Day    `json:"revoked,omitempty"`
}

type contactDoc struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	Intro       []byte `json:"intro,omitempty"`
	State       []byte `json:"state,omitempty"`
	Verified    bool   `json:"verified"`
	Blocked     bool   `json:"blocked"`
	Added       Day    `json:"added"`
	Changed     bool   `json:"changed,omitempty"` // since version 3
}

// callDoc has times as numbers: minutes since 1970 and seconds.
type callDoc struct {
	With      string    `json:"with"`
	Direction Direction `json:"direction"`
	Outcome   Outcome   `json:"outcome"`
	Minute    int64     `json:"minute"`
	Seconds   int64     `json:"seconds"`
}

type settingsDoc struct {
	Answer     AnswerMode `json:"answer"`
	TellBusy   bool       `json:"tell_busy"`
	Microphone string     `json:"microphone,omitempty"`
	Speaker    string     `json:"speaker,omitempty"`
	RingDevice string     `json:"ring_device,omitempty"`
	NoHistory  bool       `json:"no_history"`

	// Since version 2.
	NoEcho  bool          `json:"no_echo"`
	NoNoise bool          `json:"no_noise"`
	NoGain  bool          `json:"no_gain"`
	Latency time.Duration `json:"latency_ns"`

	// Since version 3.
	RingSofter   int    `json:"ring_softer"`
	Notify       bool   `json:"notify"`
	PushToTalk   bool   `json:"push_to_talk"`
	TalkAnywhere bool   `json:"talk_anywhere"`
	StartHidden  bool   `json:"start_hidden"`
	Language     string `json:"language,omitempty"`
	Theme        Theme  `json:"theme"`

	OnlyVerified bool `json:"only_verified"`
}

const (
	// stateRoom is the granularity of the room for a contact's state, in bytes.
	stateRoom = 1 << 10
	// maxStart is the latest start of a call, in seconds: the year 9999.
	maxStart = 253402300799
)

func newDocument(c *Content, online *mark) *document {
	d := &document{
		Seed: c.Seed.Bytes(), Name: c.Name,
		Host: c.Account.Server.Host, Pin: c.Account.Server.Pin[:],
		Mode: c.Account.Server.Mode.String(), Interval: c.Account.Server.Interval.String(),
		Settings: settingsDoc(c.Settings), Online: online,
	}
	// What is the content's is copied: whoever wipes the document must not wipe it.
	d.Seed, d.Pin = bytes.Clone(d.Seed), bytes.Clone(d.Pin)
	if !c.Account.Token.IsZero() {
		d.Token = c.Account.Token.String()
	}
	for i := range c.Intros {
		o := &c.Intros[i]
		d.Intros = append(d.Intros, introDoc{o.ID, bytes.Clone(o.Secret.Bytes()), o.Made, o.Revoked})
	}
	for i := range c.Contacts {
		d.Contacts = append(d.Contacts, newContactDoc(&c.Contacts[i]))
	}
	for _, o := range c.Calls {
		d.Calls = append(d.Calls, callDoc{
			o.With.String(), o.Direction, o.Outcome,
			o.Start.Unix() / 60, int64(o.Length / time.Second),
		})
	}
	return d
}

func newContactDoc(o *Contact) contactDoc {
	d := contactDoc{
		Name: o.Name, Fingerprint: o.Fingerprint.String(), State: bytes.Clone(o.State),
		Verified: o.Verified, Blocked: o.Blocked, Added: o.Added, Changed: o.Changed,
	}
	if !o.Intro.IsZero() {
		d.Intro = bytes.Clone(o.Intro.Bytes())
	}
	return d
}

// encode returns the document's bytes, and how much room they are to have.
func (d *document) encode() (plain []byte, room int, err error) {
	if plain, err = json.Marshal(d); err != nil {
		return nil, 0, err
	}
	full, err := json.Marshal(d.full())
	return plain, len(full), err
}

// full returns a document of the same user with everything in it that calls may
// add, a full history of the longest entries, rounded-up states and a mark, and
// with the longest settings. So the size of the file depends on neither.
func (d *document) full() *document {
	f := *d
	longest := callDoc{key.Handle{}.String(), Incoming, Declined, maxStart / 60, int64(maxLength / time.Second)}
	f.Calls = make([]callDoc, MaxCalls)
	for i := range f.Calls {
		f.Calls[i] = longest
	}
	f.Contacts = make([]contactDoc, len(d.Contacts))
	for i, o := range d.Contacts {
		o.State = make([]byte, max(1, (len(o.State)+stateRoom-1)/stateRoom)*stateRoom)
		o.Intro = make([]byte, key.SecretSize)
		o.Changed = true
		o.Verified, o.Blocked = false, false // Which is longer in JSON than true.
		f.Contacts[i] = o
	}
	f.Online = &mark{Machine: string(make([]byte, 2*machineSize)), Name: string(make([]byte, maxMachine))}
	f.Token = uri.Token{}.String()
	name := string(make([]byte, maxDevice)) // Nothing is longer in JSON than zeros.
	f.Settings = settingsDoc{
		Microphone: name, Speaker: name, RingDevice: name, Latency: maxLatency,
		RingSofter: maxSofter, Language: string(make([]byte, maxLanguage)), Theme: ThemeDark,
	}
	return &f
}

// parseDocument reads what encode wrote.
func parseDocument(plain []byte) (*document, error) {
	d := new(document)
	decoder := json.NewDecoder(bytes.NewReader(plain))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(d)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows its end")
		}
	}
	if err == nil {
		_, err = d.content() // A version that cannot be used counts as damaged.
	}
	if err != nil {
		d.wipe()
		return nil, damaged("its content cannot be read: %v", err)
	}
	return d, nil
}

// content returns the document as a valid content.
func (d *document) content() (*Content, error) {
	c := &Content{Name: d.Name, Settings: Settings(d.Settings)}
	err := errors.Join(readSecret(&c.Seed, d.Seed), d.readAccount(&c.Account))
	for _, o := range d.Intros {
		intro := Intro{ID: o.ID, Made: o.Made, Revoked: o.Revoked}
		err = errors.Join(err, readSecret(&intro.Secret, o.Secret))
		c.Intros = append(c.Intros, intro)
	}
	for i := range d.Contacts {
		contact, bad := d.Contacts[i].contact()
		err = errors.Join(err, bad)
		c.Contacts = append(c.Contacts, contact)
	}
	for _, o := range d.Calls {
		with, bad := key.ParseHandle(o.With)
		err = errors.Join(err, bad)
		if o.Minute < 0 || o.Minute > maxStart/60 || o.Seconds < 0 || o.Seconds > int64(maxLength/time.Second) {
			err = errors.Join(err, errors.New("a call at a time that does not exist"))
		}
		c.Calls = append(c.Calls, Call{
			with, o.Direction, o.Outcome,
			time.Unix(o.Minute*60, 0).UTC(), time.Duration(o.Seconds) * time.Second,
		})
	}
	if err == nil {
		err = c.Validate()
	}
	if err != nil {
		c.Wipe()
		return nil, err
	}
	return c, nil
}

func (d *document) readAccount(a *Account) error {
	a.Server.Host = d.Host
	if len(d.Pin) != len(a.Server.Pin) {
		return fmt.Errorf("a pin of %d bytes", len(d.Pin))
	}
	copy(a.Server.Pin[:], d.Pin)
	var err error
	if a.Server.Mode, err = cell.ParseMode(d.Mode); err != nil {
		return err
	}
	if a.Server.Interval, err = cell.ParseInterval(d.Interval); err != nil {
		return err
	}
	if d.Token != "" {
		a.Token, err = uri.ParseToken(d.Token)
	}
	return err
}

func (d *contactDoc) contact() (Contact, error) {
	o := Contact{
		Name: d.Name, State: bytes.Clone(d.State),
		Verified: d.Verified, Blocked: d.Blocked, Added: d.Added, Changed: d.Changed,
	}
	var err error
	if o.Fingerprint, err = key.ParseFingerprint(d.Fingerprint); err != nil {
		return o, err
	}
	if len(d.Intro) > 0 {
		err = readSecret(&o.Intro, d.Intro)
	}
	return o, err
}

func readSecret(s *key.Secret, b []byte) error {
	var err error
	*s, err = key.NewSecret(b)
	return err
}

// wipe overwrites the secrets of the document.
func (d *document) wipe() {
	clear(d.Seed)
	for i := range d.Intros {
		clear(d.Intros[i].Secret)
	}
	for i := range d.Contacts {
		clear(d.Contacts[i].Intro)
		clear(d.Contacts[i].State)
	}
}
