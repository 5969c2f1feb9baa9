package screen

import (
	"strings"
	"testing"
	"time"

	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/picture"
	"undertone/app/internal/ui/words"
)

func TestHistory(t *testing.T) {
	r := newRig(t, atHome())
	r.show(func(v *model.View) { v.Missed = 1 })
	if text := r.home.tabs.buttons[pastTab].Text; text != "History (1)" {
		t.Errorf("the tab says %q", text)
	}
	r.home.tabs.choose(pastTab)
	r.show(func(*model.View) {})
	p := r.home.past
	if len(p.all) != 2 || !r.desk.seen {
		t.Errorf("%d calls; looked at: %t", len(p.all), r.desk.seen)
	}
	p.list.Select(1)
	if !p.again.Disabled() {
		t.Error("somebody who is no contact can be called")
	}
	p.list.Select(0)
	r.tap("Call again")
	r.toldOf("call Ann")
	r.tap("Clear the history")
	if r.desk.has("clear") {
		t.Error("cleared without a question")
	}
	r.tap("Clear the history") // The one of the question.
	r.toldOf("clear")
	r.show(func(v *model.View) { v.Past = nil })
	if !p.empty.Visible() || !p.clear.Disabled() {
		t.Error("nothing says that there are no calls")
	}
}

func TestOwnLink(t *testing.T) {
	r := newRig(t, atHome())
	r.home.tabs.choose(cardTab)
	r.tap("Copy")
	if r.clip.Content() != r.desk.view.Card.Link {
		t.Errorf("copied %q", r.clip.Content())
	}
	r.tap("OK")
	r.tap("Make a new link")
	r.tap("Make a new link") // The one of the question.
	r.toldOf("new link")
	c := r.home.card
	if !c.code.Visible() || c.code.Image == nil {
		t.Error("there is no QR picture")
	}
	if large := enlarge(c.code.Image, qrPoints); large.Bounds().Dx() != qrPoints*c.code.Image.Bounds().Dx() || large.At(qrPoints*5, qrPoints*5) != c.code.Image.At(5, 5) {
		t.Errorf("the picture in a file is of %v", large.Bounds())
	}
}

func TestWire(t *testing.T) {
	r := newRig(t, atHome())
	if r.Moves() {
		t.Error("the contacts move")
	}
	for i := range 250 {
		r.desk.scene.Wire = append(r.desk.scene.Wire, picture.Crossing{At: moment.Add(-time.Duration(i) * 40 * time.Millisecond), Sent: true, Size: 177})
	}
	r.home.tabs.choose(wireTab)
	r.show(func(*model.View) {})
	if w := r.home.wire; !strings.Contains(w.sums.Text, "25 packets a second sent, most of 177 bytes; 0 a second") {
		t.Errorf("says %q", w.sums.Text)
	}
	if n := strings.Count(r.home.wire.promise.Text, "•"); n != 5 || !strings.Contains(r.home.wire.promise.Text, "The server sees that you are online, and nothing else.") {
		t.Errorf("%d lines: %s", n, r.home.wire.promise.Text)
	}
	if !r.Moves() {
		t.Error("the picture stands still")
	}
	if img := r.home.wire.draw(300, 90); img.Bounds().Dx() != 300 {
		t.Errorf("the picture is %v", img.Bounds())
	}
}

// In every language every page can be made and shown.
func TestLanguages(t *testing.T) {
	for _, language := range words.Languages() {
		r := newRigWith(t, atHome(), func(c *Config) { c.Words = words.In(language) })
		for page := model.Looking; page <= model.Leaving; page++ {
			v := atHome()
			v.Page = page
			r.Update(v)
			if r.Page() != page {
				t.Errorf("%s: page %d", language, r.Page())
			}
		}
	}
}

func TestWhen(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	english := words.In("en")
	for want, at := range map[string]time.Time{
		"today, 00:30":      time.Date(2030, 1, 1, 23, 30, 0, 0, time.UTC),
		"yesterday, 23:59":  time.Date(2030, 1, 1, 22, 59, 0, 0, time.UTC),
		"2029-12-31, 12:00": time.Date(2029, 12, 31, 11, 0, 0, 0, time.UTC),
		"2030-01-03, 00:00": time.Date(2030, 1, 2, 23, 0, 0, 0, time.UTC),
	} {
		if got := english.Say(whenOf(at, now)); got != want {
			t.Errorf("%v was %q, not %q", at, got, want)
		}
	}
}
