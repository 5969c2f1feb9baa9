package screen

import (
	"errors"
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"undertone/app/internal/profile"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

func TestSettings(t *testing.T) {
	r := newRig(t, atHome())
	r.home.tabs.choose(settingsTab)
	r.show(func(v *model.View) {
		v.Settings = profile.Settings{NoEcho: true, Speaker: "gone", RingSofter: 40, Language: "de", Theme: profile.ThemeDark}
	})
	p := r.home.settings
	if p.volume.Value != 60 || p.language.Selected != "Deutsch" || p.look.Selected != "Dark" {
		t.Errorf("volume %v, language %q, look %q", p.volume.Value, p.language.Selected, p.look.Selected)
	}
	if p.speaker.Selected != "gone (not plugged in)" || p.speaker.chosen() != "gone" {
		t.Errorf("a loudspeaker that is away: %q, %q", p.speaker.Selected, p.speaker.chosen())
	}
	p.mic.SetSelected("Headset")
	p.look.SetSelected("Light")
	p.language.SetSelected("English")
	p.rings.SetSelected("Only verified contacts")
	p.volume.OnChangeEnded(25)
	for _, c := range p.switches {
		c.box.SetChecked(!c.box.Checked)
	}
	want := profile.Settings{
		Microphone: "hw0", RingSofter: 75, Language: "en", Theme: profile.ThemeLight, Answer: profile.AnswerNever,
		NoNoise: true, NoGain: true, TellBusy: true, PushToTalk: true, TalkAnywhere: true, Notify: true, NoHistory: true, StartHidden: true, OnlyVerified: true,
	}
	if r.desk.settings != want {
		t.Errorf("chosen: %+v\nwanted: %+v", r.desk.settings, want)
	}
	if r.desk.has("check hw0 ") {
		t.Error("the microphone is open out of a call")
	}
}

// A backup is written with a passphrase that was typed twice, and read with it.
func TestPassphrases(t *testing.T) {
	r := newRig(t, atHome())
	var got []byte
	r.askNew(words.M("passphrase.set"), words.M("passphrase.lost"), func(p []byte) { got = p })
	fields := func() (all []*field) {
		walk(r.window.Canvas().Overlays().Top(), func(o fyne.CanvasObject) {
			if f, ok := o.(*field); ok {
				all = append(all, f)
			}
		})
		return all
	}
	all := fields()
	if len(all) != 2 || !all[0].Password || !all[1].Password {
		t.Fatalf("%d fields", len(all))
	}
	r.tap("OK")
	test.Type(all[0], "correct")
	test.Type(all[1], "horse")
	r.tap("OK")
	if got != nil {
		t.Errorf("took %q", got)
	}
	all[1].SetText("correct")
	all[1].TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if string(got) != "correct" || r.window.Canvas().Overlays().Top() != nil {
		t.Errorf("took %q", got)
	}
	r.askOld(words.M("backup.use"), words.M("backup.once"), func(p []byte) { got = p })
	test.Type(fields()[0], "battery")
	r.tap("OK")
	if string(got) != "battery" {
		t.Errorf("took %q", got)
	}
}

// Who is blocked is listed, and can be let in again there.
func TestBlockList(t *testing.T) {
	r := newRig(t, atHome())
	r.home.tabs.choose(settingsTab)
	r.show(func(*model.View) {})
	r.tap("Unblock")
	r.toldOf("block Mallory false")
	r.show(func(v *model.View) {
		for i := range v.People {
			v.People[i].Blocked = false
		}
	})
	if r.button("Unblock") != nil || !r.says("Nobody is blocked") {
		t.Error("somebody is still blocked")
	}
	if !r.says("packet every 40 milliseconds") {
		t.Error("nothing says how the server runs")
	}
}

// An others is profiles that are opened nowhere.
type others struct {
	opened []string
	fails  error
}

func (o *others) Current() string  { return "" }
func (o *others) Others() []string { return []string{"work"} }
func (o *others) Check(name string) error {
	if name == ".." {
		return errors.New("bad")
	}
	return nil
}

func (o *others) Open(name string) error {
	o.opened = append(o.opened, name)
	return o.fails
}

func TestProfiles(t *testing.T) {
	o := &others{}
	r := newRigWith(t, atHome(), func(c *Config) { c.Profiles = o })
	r.home.tabs.choose(settingsTab)
	r.tap("Open")
	name := r.field("A name for a new profile")
	name.SetText("..")
	r.tap("Make")
	if !r.says("1 to 32 letters") || name.Text != ".." {
		t.Errorf("nothing says what is wrong with the name; it is %q", name.Text)
	}
	name.SetText(" choir ")
	name.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	o.fails = errors.New("no more memory")
	r.tap("Open")
	if want := []string{"work", "choir", "work"}; !slices.Equal(o.opened, want) || !r.says("no more memory") {
		t.Errorf("opened %q", o.opened)
	}
}
