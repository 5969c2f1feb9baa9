package screen

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

// locked asks for the passphrase of the profile, or says why it cannot be opened.
type locked struct {
	s          *Screen
	content    *fyne.Container
	inside     *fyne.Container
	title      *widget.Label
	passphrase *field
	open       *button
	again      *button
	problem    *widget.Label
	busy       *widget.ProgressBarInfinite
}

// lockedWidth is as wide as the sentences of this page read well.
const lockedWidth = 420

func (s *Screen) newLocked() *locked {
	p := &locked{s: s, title: title(""), problem: warning(), passphrase: s.newSecret(), busy: newWorking()}
	p.title.Alignment = fyne.TextAlignCenter
	p.passphrase.SetPlaceHolder(s.t(words.M("passphrase")))
	p.passphrase.OnSubmitted = func(string) { p.unlock() }
	p.open = s.newMain(s.t(words.M("locked.open")), theme.LoginIcon(), p.unlock)
	p.again = s.newMain(s.t(words.M("stuck.again")), theme.ViewRefreshIcon(), s.desk.Open)
	leave := s.newButton(s.t(words.M("quit")), theme.LogoutIcon(), s.quit)
	p.inside = panel(container.NewCenter(logo()), p.title, p.passphrase, p.busy, p.problem, p.open, p.again, leave)
	p.content = container.New(narrow{lockedWidth}, container.New(middle{}, p.inside))
	return p
}

func (p *locked) unlock() {
	if p.passphrase.Text == "" || p.open.Disabled() {
		return
	}
	secret := []byte(p.passphrase.Text)
	p.passphrase.SetText("")
	p.s.desk.Unlock(secret)
}

func (p *locked) update(v *model.View) {
	asks := v.Page == model.Locked
	title := words.M("stuck.title")
	if asks {
		title = words.M("locked.title")
	}
	changed := write(p.title, p.s.t(title))
	changed = show(p.passphrase, asks) || changed
	changed = show(p.open, asks) || changed
	changed = show(p.again, !asks) || changed
	changed = warn(p.problem, p.s.t(v.Problem)) || changed
	enable(p.open, !v.Busy)
	if working(p.busy, v.Busy) {
		changed = true
		if asks && !v.Busy {
			p.s.win.Canvas().Focus(p.passphrase) // It was not the right one: here one goes on.
		}
	}
	if changed {
		p.inside.Refresh()
		p.content.Refresh()
	}
}
