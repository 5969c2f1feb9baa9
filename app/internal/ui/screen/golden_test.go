package screen

import (
	"flag"
	"image"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"undertone/app/internal/profile"
	"undertone/app/internal/ui/desk"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/picture"
	"undertone/app/internal/ui/words"
)

var update = flag.Bool("update", false, "draw the pictures of testdata anew")

// rounding is by how much a colour may differ. The fonts are part of the program and
// nothing is drawn by the machine's graphics, so pictures are the same everywhere but
// for how a processor rounds at the edges of letters. A letter that differs, or is moved
// by one point, differs by ten times as much.
const rounding = 12

// A state is one that people see often.
type state struct {
	view  func() model.View
	begin func(r *rig)
}

func states() map[string]state {
	talking := model.Call{
		Stage: model.Talking, Allowed: model.Hangup | model.Mute | model.Deafen | model.Add, With: []string{"Bob"},
		Title: words.M("call.talking", "names", "Bob"), Lasts: "12:30", Mic: 0.1, Speaker: 0.03,
		Quality: words.M("quality.good"), Numbers: words.M("quality.numbers", "lost", "0.0", "wait", 40, "faults", 0), Words: testWords.String(),
	}
	with := func(change func(*model.View)) func() model.View {
		return func() model.View {
			v := atHome()
			change(&v)
			return v
		}
	}
	inCall := with(func(v *model.View) { v.Call = talking })
	tab := func(i int) func(*rig) { return func(r *rig) { r.home.tabs.choose(i) } }
	return map[string]state{
		"first": {func() model.View { return model.View{Page: model.FirstRun} }, func(r *rig) {
			r.start.invite.SetText(testInvite().String())
			r.start.name.SetText("Ann")
			r.desk.hearing = desk.Hearing{On: true, Mic: 0.1}
		}},
		"locked": {func() model.View { return model.View{Page: model.Locked, Problem: words.M("error.passphrase")} }, nil},
		"home":   {atHome, func(r *rig) { r.home.people.list.Select(0) }},
		"empty":  {with(func(v *model.View) { v.People = nil }), nil},
		"offline": {with(func(v *model.View) {
			v.Line = model.Line{Text: words.M("line.lost"), Why: words.M("error.unreachable")}
			v.Missed = 2
		}), nil},
		"rings": {with(func(v *model.View) {
			v.Call = model.Call{Stage: model.RingsHere, Allowed: model.Answer | model.Decline, With: []string{"Ann"}, Title: words.M("call.rings", "names", "Ann"), Verified: true}
		}), nil},
		"talking": {inCall, nil},
		"verify":  {inCall, func(r *rig) { r.verify("Bob") }},
		"add": {atHome, func(r *rig) {
			added := r.addPerson()
			added.link.SetText(exampleLink)
			added.say(words.M("error.nametaken"))
		}},
		"history": {atHome, tab(pastTab)},
		"card":    {with(func(v *model.View) { v.Card.Link = exampleLink }), tab(cardTab)},
		"wire": {inCall, func(r *rig) {
			r.desk.scene = speaking()
			r.home.tabs.choose(wireTab)
		}},
		"settings": {atHome, tab(settingsTab)},
	}
}

// exampleLink is a contact link as long as they are.
const exampleLink = "undertone://calls.example:7443/contact?id=AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&name=Zoe&v=1#BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"

// The main states look as they did when somebody last looked at them. -update draws
// them anew, to be looked at.
func TestGoldens(t *testing.T) {
	looks := func(name string, look profile.Theme) {
		t.Run(name+"_"+look.String(), func(t *testing.T) {
			golden(t, name+"_"+look.String()+".png", drawn(t, states()[name], look, "en"))
		})
	}
	for name := range states() {
		looks(name, profile.ThemeLight)
	}
	for _, name := range []string{"first", "home", "talking", "verify", "wire"} {
		looks(name, profile.ThemeDark)
	}
}

// In German the words are longer.
func TestGermanGoldens(t *testing.T) {
	for _, name := range []string{"settings", "talking", "first"} {
		t.Run(name, func(t *testing.T) {
			golden(t, name+"_german.png", drawn(t, states()[name], profile.ThemeLight, "de"))
		})
	}
}

// drawn is what a state looks like.
func drawn(t *testing.T, s state, look profile.Theme, language string) image.Image {
	t.Helper()
	r := newRigOf(t, s.view(), look, func(c *Config) { c.Words = words.In(language) })
	r.window.Canvas().Unfocus() // The cursor blinks.
	if s.begin != nil {
		s.begin(r)
	}
	r.window.Canvas().Unfocus() // Of a question, too.
	r.show(func(*model.View) {})
	r.window.Resize(fyne.NewSize(860, 640))
	return r.window.Canvas().Capture()
}

// golden compares a picture with the one in testdata.
func golden(t *testing.T, name string, got image.Image) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		save(t, path, got)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if n, where := differ(got, want); n > 0 {
		failed := filepath.Join(t.ArtifactDir(), name)
		save(t, failed, got)
		t.Errorf("%d points differ, the first at %v: see %s; if it is right, -update", n, where, failed)
	}
}

func save(t *testing.T, path string, img image.Image) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// differ counts the points that differ by more than rounding, and returns the first.
func differ(a, b image.Image) (n int, where image.Point) {
	if a.Bounds().Size() != b.Bounds().Size() {
		return a.Bounds().Dx() * a.Bounds().Dy(), a.Bounds().Max
	}
	x, y := plain(a), plain(b)
	for i := 0; i < len(x.Pix); i += 4 {
		for c := range 4 {
			if d := int(x.Pix[i+c]) - int(y.Pix[i+c]); d > rounding || -d > rounding {
				if n == 0 {
					where = image.Pt(i%x.Stride/4, i/x.Stride)
				}
				n++
				break
			}
		}
	}
	return n, where
}

func plain(img image.Image) *image.NRGBA {
	p := image.NewNRGBA(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(p, p.Bounds(), img, img.Bounds().Min, draw.Src)
	return p
}

// The control of the goldens: one other letter, or a line that is moved by one point,
// shows.
func TestDifferencesShow(t *testing.T) {
	home := states()["home"]
	picture := drawn(t, home, profile.ThemeLight, "en")
	other := home
	other.view = func() model.View {
		v := atHome()
		v.People[1].Name = "Bo."
		return v
	}
	if n, _ := differ(picture, drawn(t, other, profile.ThemeLight, "en")); n == 0 {
		t.Error("a letter does not show")
	}
	moved := plain(picture)
	draw.Draw(moved, image.Rect(210, 60, 500, 100), picture, image.Pt(210, 61), draw.Src)
	if n, _ := differ(picture, moved); n < 20 {
		t.Errorf("what is moved by a point shows in %d points", n)
	}
}

// speaking is ten seconds of somebody who speaks and is silent in turn.
func speaking() picture.Scene {
	s := picture.Scene{Now: moment}
	for ms := 0; ms < 10000; ms += 40 {
		at := moment.Add(-time.Duration(ms) * time.Millisecond)
		s.Wire = append(s.Wire, picture.Crossing{At: at, Sent: true, Size: 177}, picture.Crossing{At: at.Add(-17 * time.Millisecond), Size: 177})
	}
	for ms := 10000; ms >= 0; ms -= 50 {
		loud := float32(0)
		if ms/2000%2 == 1 {
			loud = float32(0.05 + 0.2*math.Abs(math.Sin(float64(ms)/170)))
		}
		s.Voice = append(s.Voice, picture.Loudness{At: moment.Add(-time.Duration(ms) * time.Millisecond), RMS: loud})
	}
	return s
}
