package profile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/uri"
)

// Limits of a content. They bound the file, and so what a damaged one may ask
// for.
const (
	// MaxContacts is the number of contacts one profile can have.
	MaxContacts = 1000
	// MaxIntros is the number of introduction secrets, revoked ones included.
	MaxIntros = 100
	// MaxCalls is the number of calls that the history keeps.
	MaxCalls = 200
	// MaxState is the length of a contact's state, in bytes.
	MaxState = 8 << 10
	// maxDevice is the length of a device's name, in bytes.
	maxDevice = 256
	// maxLatency is more than any machine needs.
	maxLatency = time.Second
	// maxSofter is as soft as it can ring, in percent: not at all.
	maxSofter = 100
	// maxLanguage is the length of a language's name, in bytes.
	maxLanguage = 16
)

// A Content is what a profile holds. It is a plain value; the open Profile has
// one of its own and hands out copies.
type Content struct {
	// Seed is what the identity is derived from (key.IdentityFromSeed).
	Seed key.Secret
	// Name is what the user calls himself; it stands in his contact link.
	Name string
	// Account is where he goes online.
	Account Account
	// Intros are his own introduction secrets, oldest first.
	Intros []Intro
	// Contacts are in the order in which they were added.
	Contacts []Contact
	// Calls is the history, oldest first.
	Calls []Call
	// Settings are his choices.
	Settings Settings
}

// An Account is where a user goes online.
type Account struct {
	// Server is the server that the invite named.
	Server uri.Server
	// Token lets a new user in; it is zero once the server has accepted it.
	Token uri.Token
}

// An Intro is a secret without which a stranger cannot ring: whoever knows one
// that is not revoked can introduce himself.
type Intro struct {
	// ID numbers the secrets of a profile, from 1.
	ID uint32
	// Secret stands in the contact links given away since Made.
	Secret key.Secret
	// Made is the day on which it was made.
	Made Day
	// Revoked is the day from which it is worth nothing, 0 if it is valid.
	Revoked Day
}

// A Contact is somebody the user can call.
type Contact struct {
	// Name is what the user calls him; unique in the profile, whatever the case.
	Name string
	// Fingerprint names his identity.
	Fingerprint key.Fingerprint
	// Intro is his introduction secret, from his link; zero if there was none.
	Intro key.Secret
	// State is the engine's (pairwise keys, ratchet), opaque here.
	State []byte
	// Verified: the two compared their safety words.
	Verified bool
	// Blocked: his calls are not shown, and he cannot tell.
	Blocked bool
	// Changed: he introduced himself by the name of a contact with other keys, and is
	// blocked until a person accepts him.
	Changed bool
	// Added is the day on which he became a contact.
	Added Day
}

// Handle returns the contact's address at the server.
func (c *Contact) Handle() key.Handle { return c.Fingerprint.Handle() }

// A Direction says who called.
type Direction uint8

// The directions.
const (
	// Outgoing: the user called.
	Outgoing Direction = iota + 1
	// Incoming: the contact called.
	Incoming
)

// An Outcome says what became of a call, as the user saw it.
type Outcome uint8

// The outcomes.
const (
	// Answered: the two talked.
	Answered Outcome = iota + 1
	// NoAnswer: nobody answered, or, for a caller, one of the cases that look
	// the same to him.
	NoAnswer
	// Declined: the user declined, or, if he was told, the contact.
	Declined
)

// A Call is an entry of the history.
type Call struct {
	// With is the contact's handle; he may be gone from the contacts since.
	With key.Handle
	// Direction says who called.
	Direction Direction
	// Outcome says what became of it.
	Outcome Outcome
	// Start is when it began, to the minute, in UTC.
	Start time.Time
	// Length is for how long the two talked, to the second.
	Length time.Duration
}

// An AnswerMode says what happens when it rings.
type AnswerMode uint8

// The answer modes.
const (
	// AnswerAsk rings until a person decides. It is the default.
	AnswerAsk AnswerMode = iota
	// AnswerAuto answers contacts at once.
	AnswerAuto
	// AnswerNever does not ring.
	AnswerNever
)

// Settings are the user's choices. The zero value is the default.
type Settings struct {
	// Answer says what happens when it rings.
	Answer AnswerMode
	// TellBusy lets contacts know that the user is in a call or declined.
	TellBusy bool
	// Microphone and Speaker name sound devices; "" is the system's default.
	Microphone, Speaker string
	// RingDevice names the loudspeaker on which it rings; "" is the system's default.
	RingDevice string
	// NoHistory keeps calls out of the history.
	NoHistory bool
	// NoEcho, NoNoise and NoGain leave what a microphone hears as it is: with the
	// echo of the loudspeaker, with its noise, as loud as it is.
	NoEcho, NoNoise, NoGain bool
	// Latency is how much sound is kept waiting at microphone and loudspeaker; 0 is
	// the least that is safe on an idle machine.
	Latency time.Duration
	// RingSofter is by how many percent it rings softer than it can.
	RingSofter int
	// Notify shows who calls through the desktop's notifications. Other programs see
	// those, and some pass them on by radio or a network: so it is off unless wanted.
	Notify bool
	// PushToTalk keeps the user muted in the window but for as long as a key is held.
	PushToTalk bool
	// TalkAnywhere has that key work in other windows too, if the desktop gives one.
	TalkAnywhere bool
	// StartHidden opens no window at first, only the icon of the tray.
	StartHidden bool
	// Language is that of the window, such as "de"; "" is the system's.
	Language string
	// Theme is whether the window is light or dark.
	Theme Theme
	// OnlyVerified has the calls of others than verified contacts not ring in the
	// window. They are in the history, and who calls cannot tell.
	OnlyVerified bool
}

// DoNotDisturb has nobody ring, or everybody who may.
func (s *Settings) DoNotDisturb(on bool) {
	s.Answer = AnswerAsk
	if on {
		s.Answer = AnswerNever
	}
}

// A Theme is what a window looks like.
type Theme uint8

// The themes.
const (
	// ThemeSystem is that of the desktop. It is the default.
	ThemeSystem Theme = iota
	// ThemeLight is dark writing on light.
	ThemeLight
	// ThemeDark is light writing on dark.
	ThemeDark
)

// A Day is a date, in days since 1970-01-01 UTC: as exactly as the profile says
// when something happened that is no call.
type Day int32

// DayOf returns the day of t in UTC.
func DayOf(t time.Time) Day { return Day(t.Unix() / int64(24*time.Hour/time.Second)) } //nolint:gosec // until the year 5881580

// String prints the day as 2006-01-02.
func (d Day) String() string {
	return time.Unix(0, 0).UTC().AddDate(0, 0, int(d)).Format(time.DateOnly)
}

// ErrNoContact is wrapped by errors about a name that no contact has.
var ErrNoContact = errors.New("no such contact")

// Contact returns the contact of that name, whatever the case.
func (c *Content) Contact(name string) (*Contact, error) {
	for i := range c.Contacts {
		if strings.EqualFold(c.Contacts[i].Name, name) {
			return &c.Contacts[i], nil
		}
	}
	return nil, fmt.Errorf("%w: %q; see: undertone contacts list", ErrNoContact, name)
}

// AddContact adds a contact, unless the name or the person is there already.
func (c *Content) AddContact(added Contact) error {
	own, err := key.IdentityFromSeed(&c.Seed)
	if err != nil {
		return err
	}
	if added.Fingerprint == own.Fingerprint() {
		return errors.New("this is your own contact link; give it to the person who is to call you")
	}
	for i := range c.Contacts {
		switch known := &c.Contacts[i]; {
		case known.Fingerprint == added.Fingerprint:
			return fmt.Errorf("this person is a contact already, as %q", known.Name)
		case strings.EqualFold(known.Name, added.Name):
			return fmt.Errorf("another contact is called %q; choose another name with --name", known.Name)
		}
	}
	c.Contacts = append(c.Contacts, added)
	return nil
}

// RemoveContact removes the contact of that name and wipes his keys.
func (c *Content) RemoveContact(name string) error {
	found, err := c.Contact(name)
	if err != nil {
		return err
	}
	gone := found.Fingerprint // found points to another contact once they move up.
	found.wipe()
	c.Contacts = slices.DeleteFunc(c.Contacts, func(o Contact) bool { return o.Fingerprint == gone })
	return nil
}

// Intro returns the newest valid introduction secret: the one for new contact
// links. It returns nil if there is none.
func (c *Content) Intro() *Intro {
	for i := range slices.Backward(c.Intros) {
		if c.Intros[i].Revoked == 0 {
			return &c.Intros[i]
		}
	}
	return nil
}

// AddIntro adds an introduction secret, made on that day.
func (c *Content) AddIntro(secret *key.Secret, made Day) *Intro {
	id := uint32(1)
	if n := len(c.Intros); n > 0 {
		id = c.Intros[n-1].ID + 1
	}
	c.Intros = append(c.Intros, Intro{ID: id, Secret: *secret, Made: made})
	return &c.Intros[len(c.Intros)-1]
}

// AddCall adds a call to the history, rounded as it is kept. The oldest entry
// makes room.
func (c *Content) AddCall(call Call) {
	if c.Settings.NoHistory {
		return
	}
	call.Start = call.Start.UTC().Truncate(time.Minute)
	call.Length = min(max(call.Length, 0), maxLength).Truncate(time.Second)
	c.Calls = append(c.Calls, call)
	if excess := len(c.Calls) - MaxCalls; excess > 0 {
		c.Calls = slices.Delete(c.Calls, 0, excess)
	}
}

// Clone returns a deep copy.
func (c *Content) Clone() *Content {
	d := *c
	d.Intros = slices.Clone(c.Intros)
	d.Contacts = slices.Clone(c.Contacts)
	for i := range d.Contacts {
		d.Contacts[i].State = slices.Clone(d.Contacts[i].State)
	}
	d.Calls = slices.Clone(c.Calls)
	return &d
}

// Wipe overwrites all secrets and forgets the rest.
func (c *Content) Wipe() {
	c.Seed.Wipe()
	for i := range c.Intros {
		c.Intros[i].Secret.Wipe()
	}
	for i := range c.Contacts {
		c.Contacts[i].wipe()
	}
	clear(c.Account.Token[:])
	*c = Content{}
}

func (c *Contact) wipe() {
	c.Intro.Wipe()
	clear(c.State)
}

// Format keeps the content out of every log and message, whatever the verb.
func (c Content) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(profile)")) }

// Format keeps the contact's keys out of every log and message: only the name
// is printed.
func (c Contact) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.Name)) }

// maxLength is the longest call that is told from longer ones: a week.
const maxLength = 7 * 24 * time.Hour

// validServer says what is wrong with where the user goes online.
func validServer(s *uri.Server) error {
	if err := uri.CheckHost(s.Host); err != nil {
		return err
	}
	if _, err := cell.ParseMode(s.Mode.String()); err != nil {
		return err
	}
	_, err := cell.ParseInterval(s.Interval.String())
	return err
}
