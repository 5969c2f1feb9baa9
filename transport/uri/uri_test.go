package uri

import (
	"errors"
	"strings"
	"testing"

	"undertone/transport/cell"
	"undertone/transport/key"
)

func sampleInvite() Invite {
	return Invite{
		Server: Server{Host: "calls.example.org:7443", Pin: Pin{1, 2, 3}, Mode: cell.TMIX, Interval: cell.Interval40},
		Token:  Token{9, 8, 7},
	}
}

func sampleContact(t testing.TB) *Contact {
	t.Helper()
	intro, err := key.NewSecret([]byte(strings.Repeat("i", 32)))
	if err != nil {
		t.Fatal(err)
	}
	return &Contact{Name: "Ann Öhm & co", Host: "[::1]:7443", Fingerprint: key.Fingerprint{4, 5}, Intro: intro}
}

// The links are written down by people and outlive versions of the program.
func TestInviteVector(t *testing.T) {
	const want = "undertone://calls.example.org:7443/?pin=AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&mode=tmix&interval=40ms&v=1#CQgHAAAAAAAAAAAAAAAAAA"
	i := sampleInvite()
	if got := i.String(); got != want {
		t.Errorf("the invite is\n%s, want\n%s", got, want)
	}
	p, err := ParseInvite(" " + want + "\n")
	if err != nil || p != i {
		t.Errorf("ParseInvite gave %+v, %v", p, err)
	}
}

func TestContactRoundTrip(t *testing.T) {
	c := sampleContact(t)
	p, err := ParseContact(c.String())
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != c.Name || p.Host != c.Host || p.Fingerprint != c.Fingerprint || !p.Intro.Equal(&c.Intro) {
		t.Errorf("%s became %s", c, p)
	}
}

// Each mistake that a person makes with a link has a message that says what to
// do.
func TestMistakes(t *testing.T) {
	invite, contact := sampleInvite().String(), sampleContact(t).String()
	for _, c := range []struct{ in, says string }{
		{"", "does not begin with undertone://"},
		{"https://example.org", "does not begin with undertone://"},
		{contact, "contact link, not an invite"},
		{strings.Split(invite, "#")[0], "cut off"},
		{strings.Split(invite, "&")[0], "in quotes"},
		{strings.Replace(invite, "v=1", "v=2", 1), "update the older of the two"},
		{strings.Replace(invite, "pin=AQ", "pin=A*", 1), "its pin is"},
		{strings.Replace(invite, "pin=AQ", "pin=", 1), "its pin is"},
		{strings.Replace(invite, "tmix", "mix", 1), "use tmix, bmix or smix"},
		{strings.Replace(invite, "40ms", "30ms", 1), "use 20ms, 40ms or 100ms"},
		{strings.Replace(invite, ":7443", "", 1), "not host:port"},
		{strings.Replace(invite, ":7443", ":0", 1), "no port between"},
		{strings.Replace(invite, "&v=1", "&v=1&v=1", 1), `must say "v" once`},
		{strings.Replace(invite, "&v=1", "&v=1&x=1", 1), "parameters that no link has"},
		{strings.Replace(invite, "calls", "user@calls", 1), "parts that no link has"},
		{strings.Replace(invite, "/?", "/x?", 1), "copy the whole link"},
		{invite + strings.Repeat("A", MaxLength), "longer than"},
	} {
		if _, err := ParseInvite(c.in); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.60q: %v, want %q", c.in, err, c.says)
		}
	}
	for _, c := range []struct{ in, says string }{
		{invite, "invite to a server, not a contact link"},
		{strings.Split(contact, "#")[0], "cut off"},
		{strings.Replace(contact, "name=Ann", "name=%0A", 1), "name"},
		{strings.Replace(contact, "name=Ann", "name="+strings.Repeat("n", 40), 1), "longer than 32"},
		{strings.Replace(contact, "id=", "id=A", 1), "not a fingerprint"},
	} {
		if _, err := ParseContact(c.in); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.60q: %v, want %q", c.in, err, c.says)
		}
	}
	if _, err := ParseInvite(strings.Replace(invite, "v=1", "v=2", 1)); !errors.Is(err, ErrVersion) {
		t.Errorf("another version gives %v", err)
	}
}

func TestCheckName(t *testing.T) {
	for _, bad := range []string{"", " ", " a", "a ", "a\nb", "\x00", strings.Repeat("ä", 17), "\xff", "a\u202eb"} {
		if CheckName(bad) == nil {
			t.Errorf("CheckName accepted %q", bad)
		}
	}
	for _, good := range []string{"a", "Ann Öhm", "日本"} {
		if err := CheckName(good); err != nil {
			t.Errorf("CheckName(%q): %v", good, err)
		}
	}
}

// Whatever parses prints as something that parses to the same.
func FuzzParse(f *testing.F) {
	f.Add(sampleInvite().String())
	f.Add(sampleContact(f).String())
	f.Fuzz(func(t *testing.T, s string) {
		if i, err := ParseInvite(s); err == nil {
			if again, err := ParseInvite(i.String()); err != nil || again != i {
				t.Errorf("%q: %+v became %+v, %v", s, i, again, err)
			}
		}
		if c, err := ParseContact(s); err == nil {
			again, err := ParseContact(c.String())
			if err != nil || again.Name != c.Name || again.Host != c.Host || again.Fingerprint != c.Fingerprint || !again.Intro.Equal(&c.Intro) {
				t.Errorf("%q: %s became %v, %v", s, c, again, err)
			}
		}
	})
}
