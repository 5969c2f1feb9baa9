package phone

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"undertone/app/internal/profile"
	"undertone/app/internal/safety"
	"undertone/mixclient/contact"
	"undertone/transport/key"
	"undertone/transport/uri"
)

// ErrNameTaken is returned for a link whose person cannot get a name that another
// contact has: one of the two must be called something else, or has a new identity.
var ErrNameTaken = errors.New("another contact has this name")

// ErrSelf is returned for the user's own contact link.
var ErrSelf = errors.New("this is your own contact link; give it to the person who is to call you")

// A Person is what there is to show of a contact. It holds no key.
type Person struct {
	Name string
	// Paired: there are keys, so that it can ring at once.
	Paired bool
	// Verified: the two compared safety words.
	Verified bool
	// Blocked: his calls are not shown, and he cannot tell.
	Blocked bool
	// Changed: he introduced himself by the name of another contact, so that he may be
	// that one with new keys, or somebody who wants to be taken for him. He is blocked
	// until that is lifted.
	Changed bool
	// Words are what the two compare.
	Words safety.Words
	// Since is the day on which he became a contact.
	Since profile.Day
}

// A PastCall is a call of the history. With is "" if he is no contact any more.
type PastCall struct {
	With    string
	Out     bool
	Outcome profile.Outcome
	Start   time.Time
	Length  time.Duration
}

// A Card is what the user gives to others, and where he goes online.
type Card struct {
	Name   string
	Server uri.Server
	// Link is his contact link, "" if there is none.
	Link string
}

// People returns the contacts, by name.
func (p *Phone) People() []Person {
	c := p.cfg.Profile.Snapshot()
	defer c.Wipe()
	all := make([]Person, 0, len(c.Contacts))
	for i := range c.Contacts {
		o := &c.Contacts[i]
		all = append(all, Person{
			Name: o.Name, Paired: len(o.State) > 0, Verified: o.Verified, Blocked: o.Blocked, Changed: o.Changed && o.Blocked,
			Words: safety.Of(p.identity, o.Fingerprint), Since: o.Added,
		})
	}
	slices.SortFunc(all, func(a, b Person) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return all
}

// History returns the calls that are remembered, the latest first.
func (p *Phone) History() []PastCall {
	c := p.cfg.Profile.Snapshot()
	defer c.Wipe()
	names := make(map[key.Handle]string, len(c.Contacts))
	for i := range c.Contacts {
		names[c.Contacts[i].Handle()] = c.Contacts[i].Name
	}
	all := make([]PastCall, 0, len(c.Calls))
	for _, l := range slices.Backward(c.Calls) {
		all = append(all, PastCall{
			With: names[l.With], Out: l.Direction == profile.Outgoing,
			Outcome: l.Outcome, Start: l.Start, Length: l.Length,
		})
	}
	return all
}

// Card returns what the user gives to others.
func (p *Phone) Card() Card {
	c := p.cfg.Profile.Snapshot()
	defer c.Wipe()
	card := Card{Name: c.Name, Server: c.Account.Server}
	if intro := c.Intro(); intro != nil {
		link := uri.Contact{Name: c.Name, Host: card.Server.Host, Fingerprint: p.identity, Intro: intro.Secret}
		card.Link = link.String()
		link.Intro.Wipe()
	}
	return card
}

// Settings returns the user's choices.
func (p *Phone) Settings() profile.Settings {
	c := p.cfg.Profile.Snapshot()
	defer c.Wipe()
	return c.Settings
}

// AddPerson makes a contact of who gave this link, and exchanges keys with him when
// both are online. It returns what he is called: name, or if that is "" the name in
// his link. Whoever is a contact already keeps his name, and gets the new link.
func (p *Phone) AddPerson(link, name string) (string, error) {
	l, err := uri.ParseContact(link)
	if err != nil {
		return "", err
	}
	defer l.Intro.Wipe()
	if name == "" {
		name = l.Name
	}
	if err := uri.CheckName(name); err != nil {
		return "", err
	}
	if l.Fingerprint.Handle() == p.self {
		return "", ErrSelf
	}
	known := false
	err = p.change(func(c *profile.Content) (err error) {
		name, known, err = addPerson(c, l, name)
		return err
	})
	switch {
	case err != nil:
		return "", err
	case known: // The engine has him, with keys newer than the profile's.
		return name, p.engine.Introduce(l.Fingerprint.Handle(), &l.Intro)
	}
	p.mu.Lock()
	p.names[l.Fingerprint.Handle()] = name
	p.mu.Unlock()
	x := contact.New(p.self, name, l.Fingerprint)
	x.Intro = l.Intro
	return name, p.engine.AddContact(x)
}

// addPerson puts the person of a link into the profile, and returns his name there
// and whether he was known.
func addPerson(c *profile.Content, l *uri.Contact, name string) (is string, known bool, err error) {
	for i := range c.Contacts {
		switch o := &c.Contacts[i]; {
		case o.Fingerprint == l.Fingerprint:
			o.Intro = l.Intro
			return o.Name, true, nil
		case strings.EqualFold(o.Name, name):
			return "", false, fmt.Errorf("%w: %q", ErrNameTaken, o.Name)
		}
	}
	return name, false, c.AddContact(profile.Contact{Name: name, Fingerprint: l.Fingerprint, Intro: l.Intro, Added: profile.DayOf(time.Now())})
}

// RemovePerson forgets a contact, with his keys. A call with him ends.
func (p *Phone) RemovePerson(name string) error {
	h, err := p.handleOf(name)
	if err != nil {
		return err
	}
	if err := p.change(func(c *profile.Content) error { return c.RemoveContact(name) }); err != nil {
		return err
	}
	return p.engine.RemoveContact(h)
}

// Block has a contact's calls not shown any more, or shown again, which also accepts
// one with changed keys. He cannot tell.
func (p *Phone) Block(name string, on bool) error {
	h, err := p.handleOf(name)
	if err != nil {
		return err
	}
	err = p.change(func(c *profile.Content) error {
		o, err := c.Contact(name)
		if err == nil {
			o.Blocked, o.Changed = on, false
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.engine.Block(h, on)
}

// Verify remembers whether the two have the same safety words.
func (p *Phone) Verify(name string, same bool) error {
	return p.change(func(c *profile.Content) error {
		o, err := c.Contact(name)
		if err == nil {
			o.Verified = same
		}
		return err
	})
}

// ClearHistory forgets all calls.
func (p *Phone) ClearHistory() error {
	return p.change(func(c *profile.Content) error {
		c.Calls = nil
		return nil
	})
}

// Choose changes settings. Those of devices and of the bell are for whoever opened
// them to follow; all others count from now on.
func (p *Phone) Choose(change func(*profile.Settings)) error {
	var now profile.Settings
	err := p.change(func(c *profile.Content) error {
		change(&c.Settings)
		now = c.Settings
		if now.NoHistory {
			c.Calls = nil
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.answer.Store(uint32(now.Answer))
	return p.engine.SetTellBusy(now.TellBusy)
}

// NewLink makes a new contact link. Those given away so far introduce nobody any more;
// who is a contact already stays one.
func (p *Phone) NewLink() error {
	var secret key.Secret
	defer secret.Wipe()
	err := p.change(func(c *profile.Content) error {
		err := c.RenewIntro(profile.DayOf(time.Now()))
		if err == nil {
			secret = c.Intro().Secret
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.engine.SetIntro(&secret)
}

// change is update for what a person wants: he learns what is wrong with it.
func (p *Phone) change(f func(*profile.Content) error) error { return p.cfg.Profile.Update(f) }
