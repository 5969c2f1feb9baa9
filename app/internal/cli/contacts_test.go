package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"undertone/app/internal/profile"
)

func TestContacts(t *testing.T) {
	anna, bert := makeProfile(t, "Anna", nil), makeProfile(t, "Bert", nil)
	p := newConsole(t)
	p.run(exitDone, "contacts", "list", "--profile", anna)
	says(t, p.out.String(), "no contacts yet", "undertone id")
	p.run(exitDone, "contacts", "list", "--profile", anna, "--json")
	says(t, p.out.String(), "[]")

	p.run(exitDone, "contacts", "add", linkOf(t, bert), "--profile", anna)
	says(t, p.out.String(), "Bert is a contact now", "undertone call Bert", "undertone contacts verify Bert")
	p.run(exitDone, "contacts", "list", "--profile", anna)
	says(t, p.out.String(), "NAME", "Bert", "no", "keys are exchanged")

	p.run(exitDone, "contacts", "block", "bert", "--profile", anna)
	says(t, p.out.String(), "Bert is blocked")
	if c := content(t, anna); !c.Contacts[0].Blocked {
		t.Error("it says so, but he is not blocked")
	}
	p.run(exitFailed, "call", "BERT", "--profile", anna, "--in", "none", "--out", "none")
	says(t, p.err.String(), "Bert is blocked", "undertone contacts unblock Bert")
	p.run(exitDone, "contacts", "unblock", "bert", "--profile", anna)
	if c := content(t, anna); c.Contacts[0].Blocked {
		t.Error("he is still blocked")
	}

	p.run(exitDone, "contacts", "remove", "bert", "--profile", anna)
	says(t, p.out.String(), "Bert is no contact any more", "block")
	if c := content(t, anna); len(c.Contacts) != 0 {
		t.Error("he is still there")
	}
	for _, command := range []string{"block", "unblock", "remove", "verify"} {
		p.run(exitFailed, "contacts", command, "bert", "--profile", anna)
		says(t, p.err.String(), `no such contact: "bert"`, "undertone contacts list")
	}
}

func TestContactsJSON(t *testing.T) {
	dir := makeProfile(t, "Anna", func(c *profile.Content) {
		withContact(t, "Bert")(c)
		c.Contacts[0].Verified, c.Contacts[0].State = true, []byte{1}
	})
	p := newConsole(t)
	p.run(exitDone, "contacts", "list", "--profile", dir, "--json")
	var all []contactEntry
	if err := json.Unmarshal(p.out.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].Name != "Bert" || !all[0].Verified || !all[0].Paired || all[0].Blocked ||
		all[0].Fingerprint != content(t, dir).Contacts[0].Fingerprint.String() {
		t.Errorf("the list is %+v", all)
	}
}

// A name that comes with another identity is the moment at which somebody in
// between would show.
func TestAddAnotherIdentity(t *testing.T) {
	anna, bert, other := makeProfile(t, "Anna", nil), makeProfile(t, "Bert", nil), makeProfile(t, "Bert", nil)
	p := newConsole(t)
	p.run(exitDone, "contacts", "add", linkOf(t, bert), "--profile", anna)
	before := content(t, anna).Contacts[0].Fingerprint
	p.run(exitFailed, "contacts", "add", linkOf(t, other), "--profile", anna)
	says(t, p.err.String(), "another identity", "another person", "set up Undertone anew", "undertone contacts remove Bert", "--name")
	if c := content(t, anna); len(c.Contacts) != 1 || c.Contacts[0].Fingerprint != before {
		t.Error("the contact has changed nevertheless")
	}
	p.run(exitDone, "contacts", "add", linkOf(t, other), "--name", "Bert from work", "--profile", anna)
	says(t, p.out.String(), "undertone call 'Bert from work'")
}

func TestAddAgain(t *testing.T) {
	anna, bert := makeProfile(t, "Anna", nil), makeProfile(t, "Bert", nil)
	p := newConsole(t)
	p.run(exitDone, "contacts", "add", linkOf(t, bert), "--name", "Bertie", "--profile", anna)
	p.run(exitDone, "id", "--new-link", "--profile", bert)
	p.run(exitDone, "contacts", "add", linkOf(t, bert), "--profile", anna)
	says(t, p.out.String(), "Bertie is a contact already")
	known := content(t, anna).Contacts
	if intro := content(t, bert).Intro(); len(known) != 1 || !known[0].Intro.Equal(&intro.Secret) {
		t.Error("the new link was not noted")
	}
}

func TestAddBadLinks(t *testing.T) {
	anna, bert := makeProfile(t, "Anna", nil), makeProfile(t, "Bert", nil)
	link := linkOf(t, bert)
	cut, _, _ := strings.Cut(link, "#")
	for name, c := range map[string]struct {
		link, name string
		words      string
	}{
		"own":      {linkOf(t, anna), "", "your own contact link"},
		"invite":   {testInvite(1).String(), "", "an invite to a server"},
		"cut off":  {cut, "", "cut off"},
		"nonsense": {"hello", "", "undertone://"},
		"bad name": {link, " x", "begins or ends with a space"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newConsole(t)
			p.run(exitFailed, "contacts", "add", c.link, "--name", c.name, "--profile", anna)
			says(t, p.err.String(), c.words)
			if len(content(t, anna).Contacts) != 0 {
				t.Error("somebody was added")
			}
		})
	}
}

func TestAddFromAnotherServer(t *testing.T) {
	anna := makeProfile(t, "Anna", nil)
	bert := makeProfile(t, "Bert", func(c *profile.Content) { c.Account.Server.Host = "other.example:1" })
	p := newConsole(t)
	p.run(exitDone, "contacts", "add", linkOf(t, bert), "--profile", anna)
	says(t, p.err.String(), "other.example:1", "mix.example:7443", "cannot call each other")
}

func TestVerify(t *testing.T) {
	anna, bert := makeProfile(t, "Anna", nil), makeProfile(t, "Bert", nil)
	p := newConsole(t)
	p.run(exitDone, "contacts", "add", linkOf(t, bert), "--profile", anna)
	p.run(exitDone, "contacts", "add", linkOf(t, anna), "--profile", bert)

	words := func(dir, name string) (w struct {
		Words    []string
		Verified bool
	}) {
		p.run(exitDone, "contacts", "verify", name, "--profile", dir, "--json")
		if err := json.Unmarshal(p.out.Bytes(), &w); err != nil {
			t.Fatal(err)
		}
		return w
	}
	a, b := words(anna, "bert"), words(bert, "anna")
	if len(a.Words) != 8 || strings.Join(a.Words, " ") != strings.Join(b.Words, " ") || a.Verified {
		t.Errorf("they see %v and %v", a, b)
	}

	p.run(exitDone, "contacts", "verify", "bert", "--profile", anna)
	says(t, p.out.String(), a.Words[0]+" "+a.Words[1], "Bert is not verified", "verify Bert --yes")
	if content(t, anna).Contacts[0].Verified {
		t.Error("nobody said that the words are the same")
	}
	p.run(exitDone, "contacts", "verify", "bert", "--profile", anna, "--yes")
	says(t, p.out.String(), "Bert is verified")
	if !content(t, anna).Contacts[0].Verified {
		t.Error("it was not remembered")
	}
	if !words(anna, "bert").Verified {
		t.Error("it is not shown")
	}
}
