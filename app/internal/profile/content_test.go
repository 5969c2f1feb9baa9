package profile

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"undertone/transport/cell"
	"undertone/transport/key"
)

func TestValidateRefuses(t *testing.T) {
	many := func(n int) []Contact {
		contacts := make([]Contact, n)
		for i := range contacts {
			contacts[i] = Contact{Name: fmt.Sprint("c", i), Fingerprint: key.Fingerprint{1, byte(i), byte(i >> 8)}}
		}
		return contacts
	}
	for name, spoil := range map[string]func(*Content){
		"no identity":              func(c *Content) { c.Seed.Wipe() },
		"no name":                  func(c *Content) { c.Name = "" },
		"a name that is too long":  func(c *Content) { c.Name = strings.Repeat("a", 100) },
		"no server":                func(c *Content) { c.Account.Server.Host = "" },
		"no mode":                  func(c *Content) { c.Account.Server.Mode = 0 },
		"an odd interval":          func(c *Content) { c.Account.Server.Interval = cell.Interval(time.Second) },
		"introductions unordered":  func(c *Content) { c.Intros[1].ID = 1 },
		"an empty introduction":    func(c *Content) { c.Intros[1].Secret.Wipe() },
		"many introductions":       func(c *Content) { c.Intros = make([]Intro, MaxIntros+1) },
		"two contacts of one name": func(c *Content) { c.Contacts[1].Name = "BOB" },
		"one contact twice":        func(c *Content) { c.Contacts[1].Fingerprint = c.Contacts[0].Fingerprint },
		"a contact of nobody":      func(c *Content) { c.Contacts[0].Fingerprint = key.Fingerprint{} },
		"a contact without name":   func(c *Content) { c.Contacts[0].Name = " " },
		"many contacts":            func(c *Content) { c.Contacts = many(MaxContacts + 1) },
		"a large state":            func(c *Content) { c.Contacts[0].State = make([]byte, MaxState+1) },
		"a call with nobody":       func(c *Content) { c.Calls[0].With = key.Handle{} },
		"a call in no direction":   func(c *Content) { c.Calls[0].Direction = 0 },
		"a call of no outcome":     func(c *Content) { c.Calls[0].Outcome = Declined + 1 },
		"a call at a second":       func(c *Content) { c.Calls[0].Start = c.Calls[0].Start.Add(time.Second) },
		"a call before 1970":       func(c *Content) { c.Calls[0].Start = time.Unix(-60, 0) },
		"a call of less than none": func(c *Content) { c.Calls[0].Length = -time.Second },
		"a call of milliseconds":   func(c *Content) { c.Calls[0].Length = time.Millisecond },
		"many calls":               func(c *Content) { c.Calls = make([]Call, MaxCalls+1) },
		"an odd way to answer":     func(c *Content) { c.Settings.Answer = 9 },
		"an endless device":        func(c *Content) { c.Settings.Speaker = strings.Repeat("a", 1000) },
		"another such device":      func(c *Content) { c.Settings.RingDevice = strings.Repeat("a", 1000) },
		"an endless latency":       func(c *Content) { c.Settings.Latency = time.Hour },
		"sound before it is made":  func(c *Content) { c.Settings.Latency = -1 },
	} {
		c := sample(t)
		if err := c.Validate(); err != nil {
			t.Fatalf("the sample itself: %v", err)
		}
		if spoil(c); c.Validate() == nil {
			t.Errorf("accepted %s", name)
		}
	}
}

func TestContacts(t *testing.T) {
	c := sample(t)
	if o, err := c.Contact("bOB"); err != nil || o.Name != "Bob" {
		t.Errorf("bOB: %v", err)
	}
	if _, err := c.Contact("Eve"); !errors.Is(err, ErrNoContact) {
		t.Errorf("Eve: %v", err)
	}
	own, err := key.IdentityFromSeed(&c.Seed)
	if err != nil {
		t.Fatal(err)
	}
	for why, o := range map[string]Contact{
		"another contact is called": {Name: "BOB", Fingerprint: key.Fingerprint{9}},
		"is a contact already":      {Name: "Robert", Fingerprint: key.Fingerprint{1}},
		"your own":                  {Name: "Me", Fingerprint: own.Fingerprint()},
	} {
		if err := c.AddContact(o); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
	if err := c.AddContact(Contact{Name: "Carl", Fingerprint: key.Fingerprint{3}}); err != nil {
		t.Error(err)
	}
	state := c.Contacts[0].State
	if err := c.RemoveContact("bob"); err != nil {
		t.Error(err)
	}
	if len(c.Contacts) != 2 || c.Contacts[0].Name != "Élise" || c.Contacts[1].Name != "Carl" {
		t.Errorf("left: %v", c.Contacts)
	}
	if strings.Trim(string(state), "\x00") != "" {
		t.Error("the keys of a removed contact are still in memory")
	}
}

func TestIntros(t *testing.T) {
	c := sample(t)
	if i := c.Intro(); i == nil || i.ID != 2 {
		t.Errorf("the valid introduction secret: %v", i)
	}
	c.Intros[1].Revoked = testDay
	if c.Intro() != nil {
		t.Error("a revoked introduction secret is given away")
	}
	secret := numbered(t, 9)
	if i := c.AddIntro(&secret, testDay); i.ID != 3 || c.Intro() != i {
		t.Errorf("a new introduction secret has number %d", i.ID)
	}
}

func TestCallsAreRoundedAndBounded(t *testing.T) {
	c := sample(t)
	if got := c.Calls[0]; got.Start.Second() != 0 || got.Start.Nanosecond() != 0 || got.Length != 83*time.Second {
		t.Errorf("kept %v, %v", got.Start, got.Length)
	}
	for i := range MaxCalls + 5 {
		c.AddCall(Call{With: key.Handle{1}, Direction: Outgoing, Outcome: NoAnswer, Start: time.Unix(int64(i)*60, 0)})
	}
	if len(c.Calls) != MaxCalls || c.Calls[0].Start.Unix() != 5*60 {
		t.Errorf("%d calls, the oldest at %v", len(c.Calls), c.Calls[0].Start)
	}
	c.Settings.NoHistory = true
	last := c.Calls[MaxCalls-1]
	c.AddCall(Call{With: key.Handle{8}, Direction: Outgoing, Outcome: NoAnswer, Start: time.Unix(0, 0)})
	if c.Calls[MaxCalls-1] != last {
		t.Error("a call was kept though there is to be no history")
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	c := sample(t)
	out := fmt.Sprintf("%v %+v %#v %s %x", c, *c, c.Contacts, c.Contacts[0], c.Intros)
	for _, secret := range []string{"ratchet", "726174", "0101", "0202", "1, 1", "0x1", "0x2"} {
		if strings.Contains(out, secret) {
			t.Errorf("printed %q: %s", secret, out)
		}
	}
}

func TestWipeAndClone(t *testing.T) {
	c := sample(t)
	d := c.Clone()
	state := c.Contacts[0].State
	c.Wipe()
	if strings.Trim(string(state), "\x00") != "" || !c.Seed.IsZero() || c.Contacts != nil {
		t.Error("something survived Wipe")
	}
	if string(d.Contacts[0].State) != "ratchet" || d.Seed.IsZero() || d.Intros[0].Secret.IsZero() {
		t.Error("wiping the original wiped its clone")
	}
}

func TestDay(t *testing.T) {
	if s := testDay.String(); s != "2026-03-04" {
		t.Error(s)
	}
}

func TestNames(t *testing.T) {
	for _, a := range []AnswerMode{AnswerAsk, AnswerAuto, AnswerNever} {
		if got, err := ParseAnswerMode(a.String()); err != nil || got != a {
			t.Errorf("%v is read as %v (%v)", a, got, err)
		}
	}
	if _, err := ParseAnswerMode("always"); err == nil {
		t.Error("read a way to answer that does not exist")
	}
	got := fmt.Sprint(Outgoing, Incoming, Direction(0), Answered, NoAnswer, Declined, Outcome(9), AnswerMode(9))
	if want := "outgoing incoming unknown answered no answer declined unknown unknown"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
