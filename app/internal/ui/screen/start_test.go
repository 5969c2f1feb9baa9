package screen

import (
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/test"

	"undertone/app/internal/ui/desk"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/qr"
	"undertone/app/internal/ui/words"
)

func TestFirstRun(t *testing.T) {
	r := newRig(t, model.View{Page: model.FirstRun})
	p := r.start
	if r.window.Canvas().Focused() != fyne.Focusable(p.invite) {
		t.Error("the cursor is not where one begins")
	}
	if !p.join.Disabled() || !strings.Contains(p.next.Text, "invite") {
		t.Errorf("one can join without an invite; it says %q", p.next.Text)
	}
	p.invite.SetText("https://example.org")
	if !p.bad.Visible() || !strings.Contains(p.bad.Text, "undertone://") {
		t.Errorf("a wrong link: %q", p.bad.Text)
	}
	r.clip.SetContent(testInvite().String())
	r.tap("Paste")
	if p.bad.Visible() || !strings.Contains(p.found.Text, "calls.example:7443") {
		t.Errorf("an invite: %q, %q", p.bad.Text, p.found.Text)
	}
	if !strings.Contains(p.next.Text, "name") {
		t.Errorf("of the name it says %q", p.next.Text)
	}
	test.Type(p.name, "Ann")
	if p.next.Text != "" || p.join.Disabled() {
		t.Errorf("all is there, but it says %q", p.next.Text)
	}
	p.first.SetText("correct horse")
	if !p.join.Disabled() {
		t.Error("one can join with half a passphrase")
	}
	p.second.SetText("battery staple")
	if !p.badPass.Visible() {
		t.Error("nothing says that the passphrases differ")
	}
	p.second.SetText("correct horse")
	r.tap("Join")
	r.toldOf("join")
	if u := r.desk.user; u.Name != "Ann" || u.Invite != testInvite() || string(u.Passphrase) != "correct horse" {
		t.Errorf("joined as %+v", u)
	}
	r.show(func(v *model.View) { v.Busy = true })
	if !p.join.Disabled() || !p.busy.Visible() {
		t.Error("nothing says that it is at work")
	}
	r.show(func(v *model.View) { v.Busy, v.Problem = false, words.M("error.invite.used") })
	if !p.failed.Visible() || !strings.Contains(p.failed.Text, "used before") || p.join.Disabled() || p.name.Text != "Ann" {
		t.Errorf("after a used invite: %q, and the name is %q", p.failed.Text, p.name.Text)
	}
}

// From the invite one gets on with the tabulator, although it has several lines.
func TestTabLeavesTheInvite(t *testing.T) {
	r := newRig(t, model.View{Page: model.FirstRun})
	if f, ok := fyne.Focusable(r.start.invite).(fyne.Tabbable); !ok || f.AcceptsTab() {
		t.Error("it keeps the tabulator")
	}
}

func TestSoundCheck(t *testing.T) {
	r := newRig(t, model.View{Page: model.FirstRun})
	r.toldOf("check  ")
	c := r.start.sound
	if want := []string{"The system's choice", "Headset"}; !slices.Equal(c.mic.Options, want) || len(c.ear.Options) != 3 {
		t.Errorf("one can choose %v and %v", c.mic.Options, c.ear.Options)
	}
	c.mic.SetSelected("Headset")
	r.toldOf("check hw0 ")
	for want, h := range map[string]desk.Hearing{
		"Opening": {}, "Say something": {On: true}, "hears you": {On: true, Mic: 0.2},
		"Speak for": {On: true, Says: true}, "how you sound": {On: true, Hears: true},
	} {
		r.desk.hearing = h
		r.show(func(*model.View) {})
		if !strings.Contains(c.advice.Text, want) {
			t.Errorf("%+v: says %q", h, c.advice.Text)
		}
	}
	r.desk.hearing = desk.Hearing{On: true}
	r.show(func(*model.View) {})
	r.tap("Echo test")
	r.toldOf("hear 40ms")
	r.show(func(v *model.View) { *v = atHome() })
	r.toldOf("stop")
}

func TestInviteAsAPicture(t *testing.T) {
	r := newRig(t, model.View{Page: model.FirstRun})
	img, err := qr.Image(testInvite().String())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "invite.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, enlarged{img, 4}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	r.dropped(fyne.NewPos(1, 1), []fyne.URI{storage.NewFileURI(path)})
	if r.start.invite.Text != testInvite().String() {
		t.Errorf("read %q; %q", r.start.invite.Text, r.start.bad.Text)
	}
	if err := os.WriteFile(path, []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.dropped(fyne.NewPos(1, 1), []fyne.URI{storage.NewFileURI(path)})
	if !strings.Contains(r.start.bad.Text, "no picture") {
		t.Errorf("of a text it says %q", r.start.bad.Text)
	}
	r.start.invite.SetText("")
	if err := os.WriteFile(path, []byte("Hello!\n"+testInvite().String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.dropped(fyne.NewPos(1, 1), []fyne.URI{storage.NewFileURI(path)})
	if r.start.invite.Text != testInvite().String() || r.start.bad.Visible() {
		t.Errorf("of a text with a link it read %q; %q", r.start.invite.Text, r.start.bad.Text)
	}
}

func TestLocked(t *testing.T) {
	r := newRig(t, model.View{Page: model.Locked})
	test.Type(r.locked.passphrase, "secret")
	r.locked.passphrase.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	r.toldOf("unlock secret")
	if r.locked.passphrase.Text != "" {
		t.Error("the passphrase stays in the window")
	}
	r.show(func(v *model.View) { v.Page, v.Problem = model.Stuck, words.M("error.inuse") })
	if r.locked.passphrase.Visible() || !strings.Contains(r.locked.problem.Text, "in use") {
		t.Errorf("says %q", r.locked.problem.Text)
	}
	r.tap("Try again")
	r.toldOf("open")
	r.tap("Quit")
	if r.quits != 1 {
		t.Errorf("%d quits", r.quits)
	}
}
