package screen

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A button is Fyne's with a ring around it while it has the focus, which one sees on
// every colour, and with what people expect of keys: Return presses it, too, and Escape
// is handed on.
type button struct {
	widget.Button
	ring    *canvas.Rectangle
	focused bool
	escape  func()
	held    func(key fyne.KeyName, down bool)
}

// newButton returns a button.
func (s *Screen) newButton(text string, icon fyne.Resource, does func()) *button {
	b := &button{ring: canvas.NewRectangle(color.Transparent), escape: s.escape, held: s.held}
	b.Text, b.Icon, b.OnTapped = text, icon, does
	b.ExtendBaseWidget(b)
	return b
}

// newMain returns the button of what a person most likely wants.
func (s *Screen) newMain(text string, icon fyne.Resource, does func()) *button {
	b := s.newButton(text, icon, does)
	b.Importance = widget.HighImportance
	return b
}

// FocusGained and FocusLost draw the ring, and take it away.
func (b *button) FocusGained() {
	b.focused = true
	b.Button.FocusGained()
}

// FocusLost is the other half of FocusGained.
func (b *button) FocusLost() {
	b.focused = false
	b.Button.FocusLost()
}

// TypedKey presses it by Return.
func (b *button) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyReturn, fyne.KeyEnter:
		if !b.Disabled() {
			b.Tapped(nil)
		}
	case fyne.KeyEscape:
		b.escape()
	default:
		b.Button.TypedKey(e)
	}
}

// KeyDown and KeyUp hand on what is held while the button has the focus.
func (b *button) KeyDown(e *fyne.KeyEvent) { b.held(e.Name, true) }

// KeyUp is the other half of KeyDown.
func (b *button) KeyUp(e *fyne.KeyEvent) { b.held(e.Name, false) }

// CreateRenderer makes Fyne's half of it.
func (b *button) CreateRenderer() fyne.WidgetRenderer {
	r := &ringed{b.Button.CreateRenderer(), b}
	r.draw()
	return r
}

// ringed draws the ring above what Fyne draws.
type ringed struct {
	fyne.WidgetRenderer
	b *button
}

// Layout puts the ring where the button is.
func (r *ringed) Layout(size fyne.Size) {
	r.WidgetRenderer.Layout(size)
	r.b.ring.Resize(size)
}

// Objects are Fyne's, and the ring.
func (r *ringed) Objects() []fyne.CanvasObject {
	return append(append([]fyne.CanvasObject(nil), r.WidgetRenderer.Objects()...), r.b.ring)
}

// Refresh draws it anew.
func (r *ringed) Refresh() {
	r.draw()
	r.WidgetRenderer.Refresh()
}

func (r *ringed) draw() {
	ring := r.b.ring
	ring.CornerRadius = sizes[theme.SizeNameButtonRadius]
	ring.StrokeColor, ring.StrokeWidth = color.Transparent, 0
	if r.b.focused {
		ring.StrokeColor, ring.StrokeWidth = theme.Color(theme.ColorNameForeground), 2
	}
}

// tabs are pages of which one is shown, and the buttons that choose it. Fyne's cannot
// be reached with the keyboard.
type tabs struct {
	bar        *fyne.Container
	pages      *fyne.Container
	buttons    []*button
	selected   int
	onSelected func()
}

// A tab is one of them.
type tab struct {
	name string
	icon fyne.Resource
	page fyne.CanvasObject
}

func (s *Screen) newTabs(all ...tab) *tabs {
	t := &tabs{pages: container.NewStack(), bar: container.NewVBox()}
	for i, one := range all {
		b := s.newButton(one.name, one.icon, func() { t.choose(i) })
		b.Importance, b.Alignment = widget.LowImportance, widget.ButtonAlignLeading
		one.page.Hide()
		t.buttons = append(t.buttons, b)
		t.bar.Add(b)
		t.pages.Add(one.page)
	}
	t.pages.Objects[0].Show()
	t.buttons[0].Importance = widget.HighImportance // Nothing is drawn yet, so nothing anew.
	return t
}

// choose shows a page.
func (t *tabs) choose(i int) {
	if i != t.selected {
		t.show(i)
	}
	if t.onSelected != nil {
		t.onSelected()
	}
}

func (t *tabs) show(i int) {
	was := t.selected
	t.selected = i
	t.pages.Objects[was].Hide()
	t.pages.Objects[i].Show()
	t.buttons[was].Importance, t.buttons[i].Importance = widget.LowImportance, widget.HighImportance
	t.buttons[was].Refresh()
	t.buttons[i].Refresh()
	t.pages.Refresh()
}
