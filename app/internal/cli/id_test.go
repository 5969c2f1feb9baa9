package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"rsc.io/qr"

	"undertone/app/internal/join"
	"undertone/app/internal/profile"
	"undertone/transport/uri"
)

func TestID(t *testing.T) {
	dir := makeProfile(t, "Anna", nil)
	p := newConsole(t)
	p.run(exitDone, "id", "--profile", dir)
	link, err := uri.ParseContact(p.out.String())
	if err != nil {
		t.Fatalf("a pipe gets more than the link: %v\n%s", err, &p.out)
	}
	if link.Name != "Anna" || link.Host != testServer.Host {
		t.Errorf("the link is %v", link)
	}
	p.run(exitDone, "id", "--profile", dir, "--json")
	var got map[string]string
	if err := json.Unmarshal(p.out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got["link"] != link.String() || got["name"] != "Anna" || got["fingerprint"] != link.Fingerprint.String() || got["server"] != link.Host {
		t.Errorf("as JSON it is %v", got)
	}
	if !strings.Contains(p.out.String(), link.String()) {
		t.Errorf("who only searches finds another link in %s", &p.out)
	}
}

func TestNewLink(t *testing.T) {
	dir := makeProfile(t, "Anna", nil)
	p := newConsole(t)
	first := linkOf(t, dir)
	p.run(exitDone, "id", "--new-link", "--profile", dir)
	second := strings.TrimSpace(p.out.String())
	if first == second || second != linkOf(t, dir) {
		t.Errorf("the links are\n%s\n%s", first, second)
	}
	c := content(t, dir)
	if len(c.Intros) != 2 || c.Intros[0].Revoked == 0 || c.Intros[1].Revoked != 0 {
		t.Errorf("of %d secrets the first is revoked on day %d", len(c.Intros), c.Intros[0].Revoked)
	}
}

// However often somebody makes a new link, there is room for one more.
func TestManyNewLinks(t *testing.T) {
	c, err := join.Content(testInvite(1), "Anna")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * profile.MaxIntros {
		if err := c.RenewIntro(1); err != nil {
			t.Fatal(err)
		}
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
	}
	valid := 0
	for _, intro := range c.Intros {
		if intro.Revoked == 0 {
			valid++
		}
	}
	if valid != 1 {
		t.Errorf("%d links are valid", valid)
	}
}

// The picture is read back, character by character.
func TestQR(t *testing.T) {
	link := linkOf(t, makeProfile(t, "Anna", nil))
	want, err := qr.Encode(link, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	for _, colour := range []bool{false, true} {
		var b strings.Builder
		if err := printQR(&b, link, colour); err != nil {
			t.Fatal(err)
		}
		black := map[[2]int]bool{}
		text := strings.NewReplacer("\x1b[30;107m", "", "\x1b[0m", "").Replace(b.String())
		for row, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			for x, r := range []rune(line) {
				black[[2]int{x - quiet, 2*row - quiet}] = r == '█' || r == '▀'
				black[[2]int{x - quiet, 2*row + 1 - quiet}] = r == '█' || r == '▄'
			}
		}
		for y := -quiet; y < want.Size+quiet; y++ {
			for x := -quiet; x < want.Size+quiet; x++ {
				got, there := black[[2]int{x, y}]
				if !there || got != want.Black(x, y) {
					t.Fatalf("module %d,%d is %t (%t), want %t", x, y, got, there, want.Black(x, y))
				}
			}
		}
		if width := want.Size + 2*quiet; width > 80 {
			t.Errorf("it is %d columns wide", width)
		}
	}
}
