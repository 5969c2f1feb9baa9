package screen

import (
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

// In each stage of a call there are the buttons that make sense, and no others.
func TestButtonsOfACall(t *testing.T) {
	r := newRig(t, atHome())
	all := []string{"Answer", "Decline", "Hang up", "Mute", "Stop hearing"}
	for _, c := range []struct {
		stage   model.Stage
		allowed model.Command
		want    []string
	}{
		{model.NoCall, model.Dial, nil},
		{model.RingsHere, model.Answer | model.Decline, []string{"Answer", "Decline"}},
		{model.RingsThere, model.Hangup | model.Mute | model.Deafen, []string{"Hang up", "Mute", "Stop hearing"}},
		{model.Talking, model.Hangup | model.Mute | model.Deafen, []string{"Hang up", "Mute", "Stop hearing"}},
	} {
		r.show(func(v *model.View) {
			v.Call = model.Call{Stage: c.stage, Allowed: c.allowed, With: []string{"Bob"}, Title: words.M("call.talking", "names", "Bob")}
		})
		for _, text := range all {
			if got, want := r.button(text) != nil, slices.Contains(c.want, text); got != want {
				t.Errorf("stage %d: %q is shown: %t", c.stage, text, got)
			}
		}
		for _, text := range c.want {
			r.tap(text)
		}
	}
	for _, s := range []string{"answer", "decline", "hangup", "mute", "deafen"} {
		r.toldOf(s)
	}
}

func TestACallShowsHowItGoes(t *testing.T) {
	r := newRig(t, atHome())
	r.show(func(v *model.View) {
		v.Call = model.Call{Stage: model.Talking, Allowed: model.Hangup | model.Mute | model.Deafen, With: []string{"Bob"},
			Title: words.M("call.talking", "names", "Bob"), Lasts: "1:23", Mic: 0.5, Muted: true, Deaf: true,
			Quality: words.M("quality.good"), Numbers: words.M("quality.numbers", "lost", "0.0", "wait", 40, "faults", 0), Words: testWords.String()}
	})
	c := r.home.call
	if c.title.Text != "In a call with Bob" || c.lasts.Text != "1:23" || c.state.Text != "The line is good." || c.numbers.Visible() {
		t.Errorf("%q, %q, %q, numbers %t", c.title.Text, c.lasts.Text, c.state.Text, c.numbers.Visible())
	}
	test.Tap(c.more)
	if !c.numbers.Visible() || !strings.Contains(c.numbers.Text, "40 ms") {
		t.Errorf("numbers: %t, %q", c.numbers.Visible(), c.numbers.Text)
	}
	if c.mute.Text != "Muted: unmute" || c.deafen.Importance != widget.WarningImportance {
		t.Errorf("muted: %q; deafened: %v", c.mute.Text, c.deafen.Importance)
	}
	if c.mic.level < 0.8 || !strings.Contains(c.words.Text, "abandon ability") {
		t.Errorf("level %v, words %q", c.mic.level, c.words.Text)
	}
	if c.verified.Visible() {
		t.Error("he counts as verified")
	}
	r.tap("Compare safety words")
	r.tap("They are the same")
	r.toldOf("verify Bob true")
	r.show(func(v *model.View) { v.Call.Verified = true })
	if !c.verified.Visible() || c.safety.Visible() {
		t.Error("nothing says that he is verified")
	}
}

// Somebody can be added to a call where the mode has that, and only who is not in it.
func TestAddToACall(t *testing.T) {
	r := newRig(t, atHome())
	r.show(func(v *model.View) {
		v.Call = model.Call{Stage: model.Talking, Allowed: model.Hangup, With: []string{"Bob"}, Title: words.M("call.talking", "names", "Bob")}
	})
	if r.button("Add somebody") != nil {
		t.Error("somebody can be added where there are no group calls")
	}
	r.show(func(v *model.View) {
		v.Call.Allowed |= model.Add
		v.People[1].Callable = false // Bob, who is in it.
	})
	r.tap("Add somebody")
	var names []string
	walk(r.window.Canvas().Overlays().Top(), func(o fyne.CanvasObject) {
		if b, ok := o.(*button); ok {
			names = append(names, b.Text)
		}
	})
	if want := []string{"Ann", "Cancel"}; !slices.Equal(names, want) {
		t.Errorf("one can press %q, not %q", names, want)
	}
	r.tap("Ann")
	r.toldOf("call Ann")
}

// Verifying by picture: the code on the other screen is the same, or another, or none.
func TestVerifyByPicture(t *testing.T) {
	r := newRig(t, atHome())
	said := ""
	bad := func(problem words.Message) { said = r.t(problem) }
	code := model.SafetyCode(testWords)
	other := testWords
	other[0] = "zoo"
	r.compared("Bob", "https://example.org", code, bad)
	if !strings.Contains(said, "no picture of safety words") || len(r.desk.told) != 0 {
		t.Errorf("of another picture it says %q, and told %q", said, r.desk.told)
	}
	r.verify("Bob")
	r.compared("Bob", model.SafetyCode(other), code, bad)
	r.toldOf("verify Bob false")
	if !strings.Contains(said, "differ") {
		t.Errorf("of other words it says %q", said)
	}
	r.compared("Bob", code, code, bad)
	r.toldOf("verify Bob true")
	if !r.says("nobody stands between you and Bob") {
		t.Error("nothing says that they are the same")
	}
	r.tap("OK")
	if r.window.Canvas().Overlays().Top() != nil {
		t.Error("a question stays")
	}
}
