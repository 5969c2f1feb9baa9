package screen

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/ui/desk"
	"undertone/app/internal/ui/icon"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
	"undertone/transport/uri"
)

// start is the first run: an invite, a name, does the sound work, done.
type start struct {
	s       *Screen
	content fyne.CanvasObject
	column  *fyne.Container
	foot    *fyne.Container

	invite  *field
	found   *widget.Label // whose invite it is
	bad     *widget.Label // what is wrong with it
	name    *field
	badName *widget.Label
	first   *field // the passphrase, if any
	second  *field
	badPass *widget.Label
	sound   *soundCheck
	join    *button
	next    *widget.Label // what is missing
	failed  *widget.Label
	busy    *widget.ProgressBarInfinite

	valid uri.Invite
	ok    bool
}

func (s *Screen) newStart() *start {
	p := &start{s: s, found: text(""), bad: warning(), badName: warning(), badPass: warning(), failed: warning(), next: hint(""), busy: newWorking()}
	p.found.Importance = widget.SuccessImportance
	p.found.Hide()
	p.invite = s.newLinkField(3, s.t(words.M("start.invite.hint")))
	p.invite.OnChanged = func(string) { p.look() }
	p.name = s.newField()
	p.name.SetPlaceHolder(s.t(words.M("start.name.hint")))
	p.name.OnChanged = func(string) { p.look() }
	p.name.OnSubmitted = func(string) { p.finish() }
	p.first, p.second = s.newSecret(), s.newSecret()
	p.first.SetPlaceHolder(s.t(words.M("passphrase.new")))
	p.second.SetPlaceHolder(s.t(words.M("passphrase.again")))
	p.first.OnChanged = func(string) { p.look() }
	p.second.OnChanged = func(string) { p.look() }
	p.sound = s.newSoundCheck()
	p.join = s.newMain(s.t(words.M("start.join")), theme.ConfirmIcon(), p.finish)

	paste := s.newButton(s.t(words.M("start.paste")), theme.ContentPasteIcon(), func() { p.invite.SetText(s.clip.Content()) })
	load := s.newButton(s.t(words.M("start.picture")), theme.FileImageIcon(), p.choosePicture)
	protect := widget.NewAccordion(widget.NewAccordionItem(s.t(words.M("start.protect")),
		container.NewVBox(hint(s.t(words.M("passphrase.why"))), p.first, p.second, p.badPass)))
	restore := s.newButton(s.t(words.M("backup.use")), theme.FolderOpenIcon(), s.restore)
	restore.Importance = widget.LowImportance

	scroll, column := page(
		border(nil, nil, container.NewCenter(logo()), nil, container.New(tight{}, title(s.t(words.M("start.title"))), text(s.t(words.M("start.intro"))))),
		panel(heading(s.t(words.M("start.invite"))),
			border(nil, nil, nil, container.NewVBox(paste, load), p.invite), p.found, p.bad),
		panel(border(nil, nil, least(heading(s.t(words.M("start.name"))), nameWidth), nil, p.name), p.badName),
		panel(heading(s.t(words.M("start.sound"))), p.sound.content),
		panel(protect),
	)
	p.column = column
	p.foot = container.NewVBox(p.busy, p.failed, p.next, border(nil, nil, restore, p.join, widget.NewLabel("")))
	p.content = border(nil, container.NewStack(newPatch(theme.ColorNameHeaderBackground, 0),
		container.New(narrow{columnWidth}, room(p.foot, 10, 16))), nil, nil, scroll)
	p.look()
	return p
}

// logoSide is the side of the icon where there is room for it.
const logoSide = 64

// logo returns the icon of the program.
func logo() fyne.CanvasObject {
	img := canvas.NewImageFromResource(fyne.NewStaticResource("undertone.svg", icon.SVG(icon.Online)))
	img.FillMode = canvas.ImageFillContain
	img.SetMinSize(fyne.NewSquareSize(logoSide))
	return img
}

// begin opens the microphone for the check, and end closes it.
func (p *start) begin() { p.sound.begin() }
func (p *start) end()   { p.sound.end() }

// look says what is wrong with what was typed so far. An empty field is not wrong yet.
func (p *start) look() {
	t := p.s.t
	invite, problem := model.Invite(p.invite.Text)
	p.valid, p.ok = invite, problem.IsZero()
	found := ""
	if p.ok {
		found = t(words.M("start.found", "host", invite.Host))
		p.sound.pace = invite.Interval
	}
	changed := write(p.found, found)
	changed = show(p.found, p.ok) || changed
	if p.invite.Text == "" {
		problem = words.Message{}
	}
	changed = warn(p.bad, t(problem)) || changed
	name := model.Name(p.name.Text)
	p.ok = p.ok && name.IsZero()
	if p.name.Text == "" {
		name = words.Message{}
	}
	changed = warn(p.badName, t(name)) || changed
	pass := ""
	if p.first.Text != p.second.Text {
		p.ok = false
		if p.second.Text != "" {
			pass = t(words.M("passphrase.differ"))
		}
	}
	changed = warn(p.badPass, pass) || changed
	enable(p.join, p.ok)
	changed = warn(p.next, t(p.missing())) || changed
	if changed {
		p.column.Refresh() // What is shown and hidden needs room, or none.
		p.foot.Refresh()
		p.content.Refresh()
	}
}

// missing says what else is needed to join.
func (p *start) missing() words.Message {
	switch _, problem := model.Invite(p.invite.Text); {
	case p.invite.Text == "":
		return words.M("start.next.invite")
	case !problem.IsZero():
		return words.M("start.next.other")
	case p.name.Text == "":
		return words.M("start.next.name")
	case !p.ok:
		return words.M("start.next.mend")
	}
	return words.Message{}
}

// finish joins, if all that is needed is there.
func (p *start) finish() {
	if !p.ok || p.join.Disabled() {
		return
	}
	mic, speaker := p.sound.chosen()
	p.sound.end()
	p.s.desk.Join(desk.NewUser{
		Invite: p.valid, Name: p.name.Text, Microphone: mic, Speaker: speaker,
		Passphrase: []byte(p.first.Text),
	})
}

func (p *start) update(v *model.View) {
	enable(p.join, p.ok && !v.Busy)
	changed := working(p.busy, v.Busy)
	if warn(p.failed, p.s.t(v.Problem)) {
		changed = true
		if !v.Problem.IsZero() {
			p.sound.begin()
		}
	}
	if changed {
		p.foot.Refresh()
		p.content.Refresh()
	}
	p.sound.update()
}

// choosePicture lets a person choose a file with a QR picture.
func (p *start) choosePicture() { p.s.choosePicture(p.invite.SetText, p.complain) }

// complain says what is wrong with what was dropped or chosen.
func (p *start) complain(problem words.Message) {
	if warn(p.bad, p.s.t(problem)) {
		p.column.Refresh()
	}
}
