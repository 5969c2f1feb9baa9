package screen

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

// callPanel is the call, above all else in the window, whatever tab is shown. It is
// hidden while there is no call.
type callPanel struct {
	s       *Screen
	content *fyne.Container
	inside  *fyne.Container

	face            *avatar
	title, lasts    *widget.Label
	state           *widget.Label // how it sounds
	verified        *widget.Label
	numbers         *widget.Label
	answer, decline *button
	mute, deafen    *button
	add, hangup     *button
	meters          *fyne.Container
	mic, speaker    *meter
	more            *widget.Check
	safety          *fyne.Container
	words           *widget.Label
	with            string // whose words they are
	people          []model.Person
}

func (s *Screen) newCallPanel() *callPanel {
	made := func(text words.Message, icon fyne.Resource, importance widget.Importance, does func()) *button {
		b := s.newButton(s.t(text), icon, does)
		b.Importance = importance
		return b
	}
	p := &callPanel{
		s: s, face: newAvatar(48), lasts: widget.NewLabel(""), state: text(""), verified: text(s.t(words.M("person.verified"))),
		numbers: hint(""), words: text(""), mic: newMeter(), speaker: newMeter(),
	}
	p.title = heading("")
	p.lasts.SizeName, p.lasts.TextStyle.Monospace = theme.SizeNameSubHeadingText, true
	p.words.TextStyle.Monospace = true
	p.verified.Importance = widget.SuccessImportance
	p.answer = made(words.M("call.answer"), callSign, widget.SuccessImportance, s.desk.Answer)
	p.decline = made(words.M("call.decline"), hangupSign, widget.DangerImportance, s.desk.Decline)
	p.hangup = made(words.M("call.hangup"), hangupSign, widget.DangerImportance, s.desk.Hangup)
	p.mute = made(words.M("call.mute"), micSign, widget.MediumImportance, s.desk.ToggleMute)
	p.deafen = made(words.M("call.deafen"), theme.VolumeUpIcon(), widget.MediumImportance, s.desk.ToggleDeafen)
	p.add = made(words.M("call.add"), theme.ContentAddIcon(), widget.MediumImportance, p.askAdd)
	compare := made(words.M("call.compare"), verifiedSign, widget.MediumImportance, func() { s.verify(p.with) })
	p.more = widget.NewCheck(s.t(words.M("call.numbers")), func(on bool) {
		show(p.numbers, on)
		p.inside.Refresh()
	})
	p.numbers.Hide()
	p.meters = border(nil, nil, nil, p.more, container.NewGridWithColumns(2, p.level(words.M("call.you"), p.mic), p.level(words.M("call.they"), p.speaker)))
	p.safety = border(nil, nil, nil, container.NewCenter(compare), p.words)
	buttons := container.NewHBox(p.answer, p.decline, p.hangup, p.mute, p.deafen, p.add)
	head := border(nil, nil, container.NewCenter(p.face), container.NewCenter(p.lasts), container.New(tight{}, p.title, p.state, p.verified))
	p.inside = container.NewVBox(head, buttons, p.meters, p.numbers, p.safety)
	p.content = container.NewStack(newPatch(theme.ColorNameOverlayBackground, sizes[theme.SizeNameCardRadius]), room(p.inside, 10, 14))
	p.content.Hide()
	return p
}

// level puts the name of a meter beside it.
func (p *callPanel) level(name words.Message, m *meter) fyne.CanvasObject {
	return border(nil, nil, least(widget.NewLabel(p.s.t(name)), 64), nil, m)
}

// update shows the call, and reports whether the panel has another size now.
func (p *callPanel) update(c *model.Call, people []model.Person) (changed bool) {
	t := p.s.t
	p.people = people
	changed = show(p.content, c.Stage != model.NoCall)
	if c.Stage == model.NoCall {
		return changed
	}
	changed = write(p.title, t(c.Title)) || changed
	p.face.of(strings.Join(c.With, ", "))
	write(p.lasts, c.Lasts)
	for b, may := range map[*button]model.Command{
		p.answer: model.Answer, p.decline: model.Decline, p.hangup: model.Hangup,
		p.mute: model.Mute, p.deafen: model.Deafen, p.add: model.Add,
	} {
		changed = show(b, c.May(may)) || changed
	}
	p.switches(c)
	talks := c.Stage == model.Talking || c.Stage == model.Joining
	changed = show(p.meters, talks) || changed
	changed = write(p.state, t(c.Quality)) || changed
	changed = show(p.state, talks && !c.Quality.IsZero()) || changed
	changed = write(p.numbers, t(c.Numbers)) || changed
	changed = show(p.numbers, talks && p.more.Checked) || changed
	changed = show(p.verified, c.Verified) || changed
	p.mic.set(c.Mic)
	p.speaker.set(c.Speaker)
	p.with = ""
	safe := ""
	if len(c.With) == 1 && c.Words != "" {
		p.with = c.With[0]
		safe = t(words.M("call.words", "words", strings.ReplaceAll(c.Words, "\n", " ")))
	}
	changed = write(p.words, safe) || changed
	changed = show(p.safety, safe != "" && !c.Verified && talks) || changed
	if changed {
		p.inside.Refresh()
		p.content.Refresh()
	}
	return changed
}

// switches shows what is switched off.
func (p *callPanel) switches(c *model.Call) {
	toggle := func(b *button, on bool, off, is words.Message, offIcon, isIcon fyne.Resource) {
		text, icon, importance := p.s.t(off), offIcon, widget.MediumImportance
		if on {
			text, icon, importance = p.s.t(is), isIcon, widget.WarningImportance
		}
		if b.Importance != importance {
			b.Importance = importance
			b.SetIcon(icon)
		}
		label(b, text)
	}
	toggle(p.mute, c.Muted, words.M("call.mute"), words.M("call.unmute"), micSign, micOffSign)
	toggle(p.deafen, c.Deaf, words.M("call.deafen"), words.M("call.undeafen"), theme.VolumeUpIcon(), theme.VolumeMuteIcon())
}

// askAdd asks whom to add to the call.
func (p *callPanel) askAdd() {
	s := p.s
	list := container.NewVBox()
	for i := range p.people {
		if o := &p.people[i]; o.Callable {
			name := o.Name
			b := s.newButton(name, theme.ContentAddIcon(), func() {
				s.escape()
				s.desk.Call(name)
			})
			b.Alignment = widget.ButtonAlignLeading
			list.Add(b)
		}
	}
	what := words.M("call.add.text")
	if len(list.Objects) == 0 {
		what = words.M("call.add.nobody")
	}
	scroll := container.NewVScroll(list)
	scroll.SetMinSize(fyne.NewSize(0, min(list.MinSize().Height, 240)))
	no := s.closer(words.M("cancel"))
	s.box(s.t(words.M("call.add")), container.NewVBox(text(s.t(what)), scroll), no)
	s.win.Canvas().Focus(no)
}
