package screen

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A field is an entry that does not swallow the shortcuts of the window, as Fyne's
// does.
type field struct {
	widget.Entry
	others func(fyne.Shortcut)
	held   func(key fyne.KeyName, down bool)
	escape func()
}

func (s *Screen) newField() *field {
	f := &field{others: s.shortcut, held: s.held, escape: s.escape}
	f.Wrapping = fyne.TextWrap(fyne.TextTruncateClip) // As Fyne's own have it.
	f.ExtendBaseWidget(f)
	return f
}

// newLinkField returns a field of several lines for a link.
func (s *Screen) newLinkField(rows int, hint string) *field {
	f := s.newField()
	f.MultiLine, f.Wrapping = true, fyne.TextWrapBreak
	f.SetMinRowsVisible(rows)
	f.SetPlaceHolder(hint)
	return f
}

// TypedShortcut hands on what an entry may not know.
func (f *field) TypedShortcut(s fyne.Shortcut) {
	f.Entry.TypedShortcut(s)
	f.others(s)
}

// TypedKey hands on Escape.
func (f *field) TypedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeyEscape {
		f.escape()
		return
	}
	f.Entry.TypedKey(e)
}

// AcceptsTab says that the tabulator goes on to what comes next: of several lines, too,
// Fyne's would keep it, and nobody would get out of it with the keyboard.
func (f *field) AcceptsTab() bool { return false }

// KeyDown and KeyUp hand on what is held while somebody types.
func (f *field) KeyDown(e *fyne.KeyEvent) {
	f.Entry.KeyDown(e)
	f.held(e.Name, true)
}

// KeyUp is the other half of KeyDown.
func (f *field) KeyUp(e *fyne.KeyEvent) {
	f.Entry.KeyUp(e)
	f.held(e.Name, false)
}

// newSecret returns an entry that does not show what is typed.
func (s *Screen) newSecret() *field {
	f := s.newField()
	f.Password = true
	return f
}

// text returns a label that breaks lines.
func text(of string) *widget.Label {
	l := widget.NewLabel(of)
	l.Wrapping = fyne.TextWrapWord
	return l
}

// hint returns a label for what one may read or not.
func hint(of string) *widget.Label {
	l := text(of)
	l.Importance = widget.LowImportance
	return l
}

// heading returns the title of a part.
func heading(of string) *widget.Label {
	l := widget.NewLabelWithStyle(of, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	l.SizeName = theme.SizeNameSubHeadingText
	l.Wrapping = fyne.TextWrapWord
	return l
}

// title returns the title of a page.
func title(of string) *widget.Label {
	l := heading(of)
	l.SizeName = theme.SizeNameHeadingText
	return l
}

// warning returns a label for what goes wrong. It is hidden while it says nothing.
func warning() *widget.Label {
	l := text("")
	l.Importance = widget.DangerImportance
	l.Hide()
	return l
}

// line returns a label that stays on one line, and is cut where it ends.
func line() *widget.Label {
	l := widget.NewLabel("")
	l.Truncation = fyne.TextTruncateEllipsis
	return l
}

// caption returns a line in small letters.
func caption() *widget.Label {
	l := line()
	l.Importance, l.SizeName = widget.LowImportance, theme.SizeNameCaptionText
	return l
}

// write has a label say something, and reports whether that is something else.
func write(l *widget.Label, text string) bool {
	if l.Text == text {
		return false
	}
	l.SetText(text)
	return true
}

// warn has a label say something, or hides it when there is nothing to say.
func warn(l *widget.Label, text string) bool {
	changed := write(l, text)
	return show(l, text != "") || changed
}

// stress has a label be in another colour.
func stress(l *widget.Label, i widget.Importance) {
	if l.Importance != i {
		l.Importance = i
		l.Refresh()
	}
}

// show shows or hides an object, and reports whether it was otherwise.
func show(o fyne.CanvasObject, on bool) bool {
	switch {
	case on == o.Visible():
		return false
	case on:
		o.Show()
	default:
		o.Hide()
	}
	return true
}

// enable lets a button be pressed, or not.
func enable(b fyne.Disableable, on bool) {
	switch {
	case on != b.Disabled():
	case on:
		b.Enable()
	default:
		b.Disable()
	}
}

// label has a button say something.
func label(b *button, text string) {
	if b.Text != text {
		b.SetText(text)
	}
}

// working shows or hides that something takes its time, and reports whether it was
// otherwise.
func working(b *widget.ProgressBarInfinite, on bool) bool {
	if !show(b, on) {
		return false
	}
	if on {
		b.Start()
	} else {
		b.Stop()
	}
	return true
}

// newWorking returns what working shows.
func newWorking() *widget.ProgressBarInfinite {
	b := widget.NewProgressBarInfinite()
	b.Stop()
	b.Hide()
	return b
}

// border lays objects out around another one. Unlike Fyne's it has them in the order
// in which one reads, and the tabulator goes.
func border(top, bottom, left, right, center fyne.CanvasObject) *fyne.Container {
	var all []fyne.CanvasObject
	for _, o := range []fyne.CanvasObject{top, left, center, right, bottom} {
		if o != nil {
			all = append(all, o)
		}
	}
	return container.New(layout.NewBorderLayout(top, bottom, left, right), all...)
}
