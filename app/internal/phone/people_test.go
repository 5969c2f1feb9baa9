package phone

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/profile"
	"undertone/codec"
	"undertone/mixclient"
	"undertone/mixclient/contact"
	"undertone/mixclient/core"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/uri"
)

// A dumb voice says and hears nothing.
type dumb struct{ muted bool }

func (d *dumb) Mouth(cell.Slot, bool, *codec.Frame)                                 {}
func (d *dumb) Ear(cell.Slot, bool, []*codec.Frame, []*codec.Frame, int) (more int) { return 0 }
func (d *dumb) SetMuted(on bool)                                                    { d.muted = on }
func (d *dumb) Muted() bool                                                         { return d.muted }

func secret(t *testing.T, b byte) key.Secret {
	t.Helper()
	s, err := key.NewSecret(slices.Repeat([]byte{b}, key.SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var errAway = errors.New("the server is away")

// newPhone returns a phone that runs, and whose server cannot be reached.
func newPhone(t *testing.T) *Phone {
	t.Helper()
	id, err := key.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	c := &profile.Content{
		Seed: *id.Seed(), Name: "Me",
		Account: profile.Account{Server: uri.Server{Host: "h:1", Pin: uri.Pin{1}, Mode: cell.TMIX, Interval: cell.Interval40}},
	}
	intro := secret(t, 9)
	c.AddIntro(&intro, 1)
	o, err := profile.Create(filepath.Join(t.TempDir(), "p"), c, profile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{
		Profile: o, Voice: &dumb{}, Sound: audio.NewJack(audio.Silence{}),
		Connect: func(context.Context, string, string) (net.Conn, error) { return nil, errAway },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	go func() {
		for range p.Events() { //nolint:revive // they must be taken, and tell nothing here
		}
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		o.Close()
	})
	return p
}

// linkOf returns the link of somebody new.
func linkOf(t *testing.T, name string) string {
	t.Helper()
	id, err := key.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return (&uri.Contact{Name: name, Host: "h:1", Fingerprint: id.Fingerprint(), Intro: secret(t, 5)}).String()
}

func TestPeopleWhileOnline(t *testing.T) {
	p := newPhone(t)
	if all := p.People(); len(all) != 0 {
		t.Fatalf("there are %v already", all)
	}
	link := linkOf(t, "bob")
	for _, c := range []struct{ link, name, want string }{{link, "", "bob"}, {linkOf(t, "x"), "Ann", "Ann"}, {link, "Robert", "bob"}} {
		if got, err := p.AddPerson(c.link, c.name); err != nil || got != c.want {
			t.Errorf("added %q, not %q (%v)", got, c.want, err)
		}
	}
	if _, err := p.AddPerson(linkOf(t, "BOB"), ""); !errors.Is(err, ErrNameTaken) {
		t.Errorf("two of one name: %v", err)
	}
	if _, err := p.AddPerson(p.Card().Link, ""); !errors.Is(err, ErrSelf) {
		t.Errorf("oneself: %v", err)
	}
	if _, err := p.AddPerson("undertone://", ""); err == nil {
		t.Error("a link that is none")
	}
	all := p.People()
	if len(all) != 2 || all[0].Name != "Ann" || all[1].Name != "bob" || all[0].Paired || all[0].Verified || all[0].Words == all[1].Words {
		t.Errorf("%+v", all)
	}
	if err := errors.Join(p.Verify("bob", true), p.Block("Ann", true)); err != nil {
		t.Fatal(err)
	}
	if err := p.Call("Ann"); !errors.Is(err, mixclient.ErrOffline) {
		t.Errorf("calling without a line: %v", err)
	}
	all = p.People()
	if !all[0].Blocked || all[1].Blocked || !all[1].Verified {
		t.Errorf("%+v", all)
	}
	if err := p.RemovePerson("Ann"); err != nil {
		t.Fatal(err)
	}
	if err := p.RemovePerson("Ann"); !errors.Is(err, profile.ErrNoContact) {
		t.Errorf("removed twice: %v", err)
	}
	if err := p.Call("Ann"); !errors.Is(err, profile.ErrNoContact) {
		t.Errorf("calling who is gone: %v", err)
	}
}

func TestCardAndSettings(t *testing.T) {
	p := newPhone(t)
	card := p.Card()
	l, err := uri.ParseContact(card.Link)
	if err != nil || l.Name != "Me" || l.Fingerprint.Handle() != p.Self() || card.Name != "Me" || card.Server.Host != "h:1" {
		t.Errorf("%+v: %v", card, err)
	}
	if err := p.NewLink(); err != nil || p.Card().Link == card.Link {
		t.Errorf("the new link is the old one: %v", err)
	}
	err = p.Choose(func(s *profile.Settings) { s.Answer, s.Speaker = profile.AnswerAuto, "Headset" })
	if s := p.Settings(); err != nil || s.Speaker != "Headset" || profile.AnswerMode(p.answer.Load()) != profile.AnswerAuto {
		t.Errorf("%+v: %v", s, err)
	}
	if err := p.Choose(func(s *profile.Settings) { s.RingSofter = 1000 }); err == nil || p.Settings().RingSofter != 0 {
		t.Errorf("a setting that cannot be: %v", err)
	}
}

func TestHistoryWhileOnline(t *testing.T) {
	p := newPhone(t)
	name, err := p.AddPerson(linkOf(t, "Bob"), "")
	if err != nil {
		t.Fatal(err)
	}
	h, err := p.handleOf(name)
	if err != nil {
		t.Fatal(err)
	}
	p.update(func(c *profile.Content) error {
		c.AddCall(profile.Call{With: h, Direction: profile.Outgoing, Outcome: profile.Answered, Start: time.Unix(6000, 0), Length: time.Minute})
		c.AddCall(profile.Call{With: key.Handle{1}, Direction: profile.Incoming, Outcome: profile.NoAnswer, Start: time.Unix(12000, 0)})
		return nil
	})
	all := p.History()
	if len(all) != 2 || all[0].With != "" || all[0].Out || all[1].With != "Bob" || !all[1].Out || all[1].Length != time.Minute {
		t.Errorf("%+v", all)
	}
	if err := p.ClearHistory(); err != nil || len(p.History()) != 0 {
		t.Errorf("%v, %d left", err, len(p.History()))
	}
}

func TestDeafen(t *testing.T) {
	p := newPhone(t)
	p.Deafen(true)
	if !p.Deafened() {
		t.Error("hears on")
	}
	if mouth, ear := p.Levels(); mouth.Peak != 0 || ear.Peak != 0 {
		t.Errorf("silence is %v and %v loud", mouth, ear)
	}
}

// Who introduces himself by the name of a contact, but with other keys, is not shown and
// cannot be called until a person accepts him.
func TestChangedKeysWaitForAPerson(t *testing.T) {
	p := newPhone(t)
	if _, err := p.AddPerson(linkOf(t, "Ann"), ""); err != nil {
		t.Fatal(err)
	}
	introduces := func(name string) *contact.Contact {
		link, err := uri.ParseContact(linkOf(t, name))
		if err != nil {
			t.Fatal(err)
		}
		x := contact.New(p.self, name, link.Fingerprint)
		if err := p.engine.AddContact(x); err != nil {
			t.Fatal(err)
		}
		if got, want := p.paired(core.Event{Kind: core.Paired, Peer: x.Handle(), New: true, Contact: x}), name == "Ann"; got != want {
			t.Errorf("%s: changed: %t", name, got)
		}
		return x
	}
	second, other := introduces("Ann"), introduces("Zoe")
	all := p.People()
	if len(all) != 3 || all[0].Changed || all[0].Blocked || all[1].Name != "Ann 2" || !all[1].Changed || !all[1].Blocked || all[2].Changed || all[2].Blocked {
		t.Errorf("%+v", all)
	}
	if !second.Blocked || other.Blocked {
		t.Errorf("the engine: %t, %t", second.Blocked, other.Blocked)
	}
	if err := p.Block("Ann 2", false); err != nil {
		t.Fatal(err)
	}
	if all := p.People(); all[1].Changed || all[1].Blocked || second.Blocked {
		t.Errorf("accepted: %+v, the engine %t", all[1], second.Blocked)
	}
}
