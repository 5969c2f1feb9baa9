package screen

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/audio/sound"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

// settings are what holds for all calls, and for the window.
type settings struct {
	s       *Screen
	content fyne.CanvasObject

	mic, speaker, bell *chooser
	devices            []sound.Device
	volume             *widget.Slider
	switches           []choice
	rings              *widget.Select
	language, look     *widget.Select
	autostart          *widget.Check
	blocked            *blocked
	pace               *widget.Label
	shown              profile.Settings
	ever               bool // something was shown
}

// A choice is a switch of the settings.
type choice struct {
	box *widget.Check
	is  func(*profile.Settings) bool
}

func (s *Screen) newSettings() *settings {
	p := &settings{s: s, blocked: s.newBlocked(), pace: hint("")}
	p.content, _ = page(
		title(s.t(words.M("tab.settings"))),
		p.soundPart(), p.callPart(), p.privacyPart(), p.profilePart(), p.windowPart(),
		panel(heading(s.t(words.M("settings.server"))), p.pace),
		panel(heading(s.t(words.M("settings.keys"))), s.keyTable()),
		container.NewHBox(s.newButton(s.t(words.M("quit")), theme.LogoutIcon(), s.quit)),
	)
	return p
}

func (p *settings) soundPart() fyne.CanvasObject {
	s := p.s
	p.mic = s.newChooser(true, func() {
		name := p.mic.chosen()
		s.desk.Choose(func(c *profile.Settings) { c.Microphone = name })
	})
	p.speaker = s.newChooser(false, func() {
		name := p.speaker.chosen()
		s.desk.Choose(func(c *profile.Settings) { c.Speaker = name })
	})
	p.bell = s.newChooser(false, func() {
		name := p.bell.chosen()
		s.desk.Choose(func(c *profile.Settings) { c.RingDevice = name })
	})
	p.volume = widget.NewSlider(0, 100)
	p.volume.Step = 5
	p.volume.OnChangeEnded = func(v float64) {
		s.desk.Choose(func(c *profile.Settings) { c.RingSofter = 100 - int(v) })
	}
	return panel(
		heading(s.t(words.M("settings.sound"))),
		row(s.t(words.M("device.mic")), p.mic), row(s.t(words.M("device.speaker")), p.speaker),
		row(s.t(words.M("device.bell")), p.bell), row(s.t(words.M("settings.volume")), p.volume),
		p.toggle(words.M("settings.echo"), func(c *profile.Settings) *bool { return &c.NoEcho }, true),
		p.toggle(words.M("settings.noise"), func(c *profile.Settings) *bool { return &c.NoNoise }, true),
		p.toggle(words.M("settings.gain"), func(c *profile.Settings) *bool { return &c.NoGain }, true),
		p.toggle(words.M("settings.ptt"), func(c *profile.Settings) *bool { return &c.PushToTalk }, false),
		p.toggle(words.M("settings.anywhere"), func(c *profile.Settings) *bool { return &c.TalkAnywhere }, false),
		hint(s.t(words.M("settings.anywhere.text"))),
	)
}

func (p *settings) callPart() fyne.CanvasObject {
	s := p.s
	return panel(
		heading(s.t(words.M("settings.calls"))),
		row(s.t(words.M("settings.whorings")), p.whoRings()),
		p.dnd(),
		p.toggle(words.M("settings.tellbusy"), func(c *profile.Settings) *bool { return &c.TellBusy }, false),
		p.toggle(words.M("settings.notify"), func(c *profile.Settings) *bool { return &c.Notify }, false),
		hint(s.t(words.M("settings.notify.text"))),
		p.blocked.content,
	)
}

func (p *settings) privacyPart() fyne.CanvasObject {
	s := p.s
	set := s.newButton(s.t(words.M("passphrase.set")), theme.LoginIcon(), func() {
		s.askNew(words.M("passphrase.set"), words.M("passphrase.lost"), s.desk.Protect)
	})
	remove := s.newButton(s.t(words.M("passphrase.remove")), theme.LogoutIcon(), func() {
		s.ask(s.t(words.M("passphrase.remove")), s.t(words.M("passphrase.remove.text")), s.t(words.M("passphrase.remove")), func() { s.desk.Protect(nil) })
	})
	return panel(
		heading(s.t(words.M("settings.privacy"))),
		p.toggle(words.M("settings.history"), func(c *profile.Settings) *bool { return &c.NoHistory }, true),
		hint(s.t(words.M("passphrase.why"))),
		container.NewHBox(set, remove),
		hint(s.t(words.M("backup.text"))),
		container.NewHBox(s.newButton(s.t(words.M("backup.make")), theme.DocumentSaveIcon(), s.backUp)),
	)
}

func (p *settings) windowPart() fyne.CanvasObject {
	s := p.s
	return panel(
		heading(s.t(words.M("settings.window"))),
		row(s.t(words.M("settings.language")), p.languages()), row(s.t(words.M("settings.theme")), p.looks()),
		p.starts(),
		p.toggle(words.M("settings.hidden"), func(c *profile.Settings) *bool { return &c.StartHidden }, false),
	)
}

// toggle makes the switch of a setting. Where negated, what is stored is that it is
// off.
func (p *settings) toggle(name words.Message, of func(*profile.Settings) *bool, negated bool) *widget.Check {
	return p.check(name, func(c *profile.Settings) bool { return *of(c) != negated }, func(c *profile.Settings, on bool) { *of(c) = on != negated })
}

// dnd makes the switch of "do not disturb".
func (p *settings) dnd() *widget.Check {
	return p.check(words.M("settings.dnd"),
		func(c *profile.Settings) bool { return c.Answer == profile.AnswerNever }, (*profile.Settings).DoNotDisturb)
}

func (p *settings) check(name words.Message, is func(*profile.Settings) bool, set func(*profile.Settings, bool)) *widget.Check {
	box := widget.NewCheck(p.s.t(name), func(on bool) {
		p.s.desk.Choose(func(c *profile.Settings) { set(c, on) })
	})
	p.switches = append(p.switches, choice{box, is})
	return box
}

// whoRings makes the list of who may ring; the first is the default.
func (p *settings) whoRings() *widget.Select {
	titles := []string{p.s.t(words.M("settings.rings.contacts")), p.s.t(words.M("settings.rings.verified"))}
	p.rings = widget.NewSelect(titles, func(title string) {
		only := title == titles[1]
		p.s.desk.Choose(func(c *profile.Settings) { c.OnlyVerified = only })
	})
	return p.rings
}

// languages makes the list of languages; the first is the system's.
func (p *settings) languages() *widget.Select {
	names, titles := []string{""}, []string{p.s.t(words.M("settings.system"))}
	for _, l := range words.Languages() {
		names, titles = append(names, l), append(titles, words.In(l).Title)
	}
	p.language = widget.NewSelect(titles, func(title string) {
		name := names[max(0, slices.Index(titles, title))]
		p.s.desk.Choose(func(c *profile.Settings) { c.Language = name })
	})
	return p.language
}

// looks makes the list of themes.
func (p *settings) looks() *widget.Select {
	titles := []string{p.s.t(words.M("settings.system")), p.s.t(words.M("settings.light")), p.s.t(words.M("settings.dark"))}
	p.look = widget.NewSelect(titles, func(title string) {
		chosen := profile.Theme(max(0, slices.Index(titles, title))) //nolint:gosec // one of three
		p.s.desk.Choose(func(c *profile.Settings) { c.Theme = chosen })
	})
	return p.look
}

// starts makes the switch for starting with the computer.
func (p *settings) starts() fyne.CanvasObject {
	s := p.s
	p.autostart = widget.NewCheck(s.t(words.M("settings.autostart")), nil)
	if s.starter == nil {
		p.autostart.Hide()
		return p.autostart
	}
	p.autostart.Checked = s.starter.On()
	p.autostart.OnChanged = func(on bool) {
		if err := s.starter.Set(on); err != nil {
			s.tell(words.M("settings.autostart"), model.Explain(err))
		}
	}
	return p.autostart
}

// list asks for the devices there are.
func (p *settings) list() {
	p.s.desk.Devices(func(all []sound.Device, err error) {
		fyne.Do(func() {
			if err == nil {
				p.devices, p.ever = all, false // To be shown at the next update.
			}
		})
	})
}

func (p *settings) update(v *model.View) {
	p.blocked.update(v.People)
	write(p.pace, p.s.t(v.Promise.Pace))
	if p.ever && v.Settings == p.shown {
		return
	}
	p.shown, p.ever = v.Settings, true
	p.mic.fill(p.s, p.devices, v.Settings.Microphone)
	p.speaker.fill(p.s, p.devices, v.Settings.Speaker)
	p.bell.fill(p.s, p.devices, v.Settings.RingDevice)
	for _, c := range p.switches {
		if on := c.is(&v.Settings); on != c.box.Checked {
			c.box.Checked = on
			c.box.Refresh()
		}
	}
	p.volume.Value = float64(100 - v.Settings.RingSofter)
	p.volume.Refresh()
	rings := 0
	if v.Settings.OnlyVerified {
		rings = 1
	}
	selected(p.rings, rings)
	language := 0
	if words.Known(v.Settings.Language) {
		language = slices.Index(p.language.Options, words.In(v.Settings.Language).Title)
	}
	selected(p.language, language)
	selected(p.look, int(v.Settings.Theme))
}

// selected shows what is chosen, without choosing it.
func selected(s *widget.Select, i int) {
	s.Selected = s.Options[min(max(i, 0), len(s.Options)-1)]
	s.Refresh()
}
