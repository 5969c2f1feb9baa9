package screen

import (
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"undertone/app/internal/ui/desk"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

// Whatever is wrong with a link is said in a sentence with what to do, in each language,
// and what was typed stays.
func TestBrokenLinks(t *testing.T) {
	good := testInvite().String()
	head, token, _ := strings.Cut(good, "#")
	broken := map[string]string{
		"another site": "https://example.org/invite", "cut off": head, "cut short": head + "#" + token[:5],
		"a contact": contactLink(t), "another version": strings.Replace(good, "v=1", "v=9", 1), "a word": "hello",
	}
	for _, language := range words.Languages() {
		r := newRigWith(t, model.View{Page: model.FirstRun}, func(c *Config) { c.Words = words.In(language) })
		p := r.start
		p.name.SetText("Ann")
		for name, link := range broken {
			p.invite.SetText(link)
			if !p.bad.Visible() || strings.Count(strings.TrimRight(p.bad.Text, "."), ".")+strings.Count(p.bad.Text, ":") < 1 {
				t.Errorf("%s, %s: says only %q", language, name, p.bad.Text)
			}
			if !p.join.Disabled() || p.next.Text == "" || p.invite.Text != link || p.name.Text != "Ann" {
				t.Errorf("%s, %s: one can join: %t; %q; the fields are %q and %q", language, name, !p.join.Disabled(), p.next.Text, p.invite.Text, p.name.Text)
			}
		}
		p.invite.SetText(good)
		if p.bad.Visible() || p.join.Disabled() {
			t.Errorf("%s: of the right one it says %q", language, p.bad.Text)
		}
	}
}

// What goes wrong at the server is said below, the button to try again is there, and
// what was typed stays.
func TestJoiningFails(t *testing.T) {
	r := newRig(t, model.View{Page: model.FirstRun})
	p := r.start
	p.invite.SetText(testInvite().String())
	p.name.SetText("Ann")
	for name, c := range map[string]struct {
		problem words.Message
		says    []string
	}{
		"wrong key of the server": {words.M("error.pin"), []string{"Somebody else answers", "ask the operator"}},
		"used invite":             {words.M("error.invite.used"), []string{"used before", "new one"}},
		"server away":             {words.M("error.unreachable"), []string{"cannot be reached", "on the internet"}},
		"no packets":              {words.M("error.noline"), []string{"firewall", "another network"}},
		"another program":         {words.M("error.notundertone"), []string{"no Undertone server", "Is the address right"}},
	} {
		before := len(r.desk.told)
		r.tap("Join")
		if !slices.Contains(r.desk.told[before:], "join") {
			t.Errorf("before %s: one cannot try", name)
		}
		r.show(func(v *model.View) { v.Busy = true })
		r.show(func(v *model.View) { v.Busy, v.Problem = false, c.problem })
		for _, part := range c.says {
			if !r.says(part) {
				t.Errorf("%s: it says %q", name, p.failed.Text)
			}
		}
		if p.invite.Text != testInvite().String() || p.name.Text != "Ann" || p.join.Disabled() {
			t.Errorf("%s: what was typed is lost: %q, %q", name, p.invite.Text, p.name.Text)
		}
	}
}

// Without a microphone one is told, and can join all the same.
func TestNoMicrophone(t *testing.T) {
	r := newRig(t, model.View{Page: model.FirstRun})
	r.desk.hearing = desk.Hearing{Trouble: words.M("check.trouble", "why", "no microphone was found")}
	r.start.invite.SetText(testInvite().String())
	r.start.name.SetText("Ann")
	r.show(func(*model.View) {})
	c := r.start.sound
	if !c.trouble.Visible() || !strings.Contains(c.trouble.Text, "no microphone was found") || c.advice.Visible() || !c.again.Disabled() {
		t.Errorf("it says %q and %q", c.trouble.Text, c.advice.Text)
	}
	if r.start.join.Disabled() {
		t.Error("one cannot join")
	}
	r.show(func(v *model.View) {
		*v = atHome()
		v.Beware = []words.Message{words.M("sound.none", "why", "no microphone was found")}
	})
	if !r.says("There will be no sound in a call: no microphone was found. Plug one in") {
		t.Errorf("at home it says %q", r.home.beware.Text)
	}
}

// While the server is away everything but calling goes on, and what to do is said.
func TestServerAway(t *testing.T) {
	r := newRig(t, atHome())
	r.show(func(v *model.View) {
		v.Line = model.Line{Text: words.M("line.lost"), Why: words.M("error.unreachable")}
		for i := range v.People {
			v.People[i].Callable = false
		}
	})
	r.home.people.list.Select(0)
	if !r.says("Line lost, trying again") || !r.says("The server cannot be reached") || !r.home.people.person.call.Disabled() {
		t.Errorf("it says %q and %q", r.home.line.Text, r.home.why.Text)
	}
	r.show(func(v *model.View) { v.Line = atHome().Line })
	if r.home.why.Visible() || r.home.notices.Visible() || r.home.line.Text != "Online" {
		t.Errorf("with a line it says %q", r.home.why.Text)
	}
}

// After a wrong passphrase one tries again at once.
func TestWrongPassphrase(t *testing.T) {
	r := newRig(t, model.View{Page: model.Locked})
	test.Type(r.locked.passphrase, "wrong")
	r.tap("Open")
	r.show(func(v *model.View) { v.Busy = true })
	if !r.locked.open.Disabled() || !r.locked.busy.Visible() {
		t.Error("nothing says that it is at work")
	}
	r.show(func(v *model.View) { v.Busy, v.Problem = false, words.M("error.passphrase") })
	if !r.says("not the passphrase of this profile. Try again") || r.window.Canvas().Focused() != fyne.Focusable(r.locked.passphrase) {
		t.Errorf("it says %q; the cursor is on %v", r.locked.problem.Text, r.window.Canvas().Focused())
	}
	test.Type(r.locked.passphrase, "right")
	r.locked.passphrase.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	r.toldOf("unlock right")
}
