package screen

import (
	"hash/fnv"
	"image/color"
	"unicode"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A patch is an area in a colour of the theme, and follows when that changes.
type patch struct {
	widget.BaseWidget
	colour fyne.ThemeColorName
	area   *canvas.Rectangle
	least  fyne.Size
}

func newPatch(colour fyne.ThemeColorName, radius float32) *patch {
	p := &patch{colour: colour, area: canvas.NewRectangle(color.Transparent)}
	p.area.CornerRadius = radius
	p.ExtendBaseWidget(p)
	return p
}

// newDot returns a round patch.
func newDot(side float32) *patch {
	p := newPatch(theme.ColorNameDisabled, side/2)
	p.least = fyne.NewSquareSize(side)
	return p
}

// paint gives it another colour.
func (p *patch) paint(colour fyne.ThemeColorName) {
	if p.colour != colour {
		p.colour = colour
		p.Refresh()
	}
}

// MinSize is how small it can be.
func (p *patch) MinSize() fyne.Size { return p.least }

// CreateRenderer makes Fyne's half of it.
func (p *patch) CreateRenderer() fyne.WidgetRenderer {
	r := &patchRenderer{p}
	r.Refresh()
	return r
}

type patchRenderer struct{ p *patch }

func (r *patchRenderer) Destroy()                     {}
func (r *patchRenderer) Layout(size fyne.Size)        { r.p.area.Resize(size) }
func (r *patchRenderer) MinSize() fyne.Size           { return r.p.least }
func (r *patchRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.p.area} }

func (r *patchRenderer) Refresh() {
	r.p.area.FillColor = theme.Color(r.p.colour)
	canvas.Refresh(r.p)
}

// An avatar stands for a person: the first letter of the name, on a colour that is
// always the same for this name.
type avatar struct {
	widget.BaseWidget
	side   float32
	area   *canvas.Rectangle
	letter *canvas.Text
}

func newAvatar(side float32) *avatar {
	a := &avatar{side: side, area: canvas.NewRectangle(faces[0]), letter: canvas.NewText("", color.White)}
	a.area.CornerRadius = side / 2
	a.letter.TextSize, a.letter.TextStyle.Bold = side*0.45, true
	a.ExtendBaseWidget(a)
	return a
}

// of shows the person of a name.
func (a *avatar) of(name string) {
	first, _ := utf8.DecodeRuneInString(name)
	if first == utf8.RuneError {
		first = '?'
	}
	h := fnv.New32a()
	h.Write([]byte(name)) //nolint:errcheck,gosec // a hash takes all
	letter, face := string(unicode.ToUpper(first)), faces[h.Sum32()%uint32(len(faces))]
	if letter != a.letter.Text || a.area.FillColor != face {
		a.letter.Text, a.area.FillColor = letter, face
		a.Refresh()
	}
}

// MinSize is its size.
func (a *avatar) MinSize() fyne.Size { return fyne.NewSquareSize(a.side) }

// CreateRenderer makes Fyne's half of it.
func (a *avatar) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(container.NewStack(a.area, container.NewCenter(a.letter)))
}

// narrow keeps what is in it from getting wider than one reads well, in the middle.
type narrow struct{ width float32 }

// Layout puts it there.
func (n narrow) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	width := min(size.Width, n.width)
	for _, o := range objects {
		o.Resize(fyne.NewSize(width, size.Height))
		o.Move(fyne.NewPos((size.Width-width)/2, 0))
	}
}

// MinSize is that of what is in it.
func (n narrow) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, o := range objects {
		size = size.Max(o.MinSize())
	}
	return size
}

// middle puts an object half way up, as wide as there is room.
type middle struct{}

// Layout puts it there.
func (middle) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Resize(fyne.NewSize(size.Width, o.MinSize().Height))
		height := o.MinSize().Height // It may have broken its lines only now.
		o.Resize(fyne.NewSize(size.Width, height))
		o.Move(fyne.NewPos(0, max(0, (size.Height-height)/2)))
	}
}

// MinSize is that of what is in it.
func (middle) MinSize(objects []fyne.CanvasObject) fyne.Size { return narrow{}.MinSize(objects) }

// tight puts labels below each other, without the room that each has around it.
type tight struct{}

func (tight) overlap() float32 { return 1.75 * theme.InnerPadding() }

// Layout puts them there.
func (t tight) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	y := max(0, size.Height-t.MinSize(objects).Height) / 2
	for _, o := range objects {
		if o.Visible() {
			height := o.MinSize().Height
			o.Resize(fyne.NewSize(size.Width, height))
			o.Move(fyne.NewPos(0, y))
			y += height - t.overlap()
		}
	}
}

// MinSize is what they need.
func (t tight) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, o := range objects {
		if o.Visible() {
			least := o.MinSize()
			size.Width = max(size.Width, least.Width)
			size.Height += least.Height - t.overlap()
		}
	}
	size.Height += t.overlap()
	return size
}

// room puts a margin around an object.
func room(o fyne.CanvasObject, vertical, horizontal float32) *fyne.Container {
	return container.New(layout.NewCustomPaddedLayout(vertical, vertical, horizontal, horizontal), o)
}

// panel puts what belongs together onto an area of its own.
func panel(objects ...fyne.CanvasObject) *fyne.Container {
	return container.NewStack(
		newPatch(theme.ColorNameOverlayBackground, sizes[theme.SizeNameCardRadius]),
		room(container.NewVBox(objects...), 12, 14),
	)
}

// page is a page that scrolls, as wide as one reads well.
func page(objects ...fyne.CanvasObject) (*container.Scroll, *fyne.Container) {
	column := container.NewVBox(objects...)
	return container.NewVScroll(container.New(narrow{columnWidth}, room(column, 14, 16))), column
}

// columnWidth is how wide a page of text gets.
const columnWidth = 660

// least gives an object a width that it has at least.
func least(o fyne.CanvasObject, width float32) fyne.CanvasObject {
	space := canvas.NewRectangle(color.Transparent)
	space.SetMinSize(fyne.NewSize(width, 0))
	return container.NewStack(space, o)
}

// row puts what belongs to a name beside it; all rows of a form begin at one line.
func row(name string, o fyne.CanvasObject) fyne.CanvasObject {
	label := widget.NewLabel(name)
	label.Wrapping = fyne.TextWrapWord
	return border(nil, nil, least(container.New(layout.NewCenterLayout(), least(label, nameWidth)), nameWidth), nil, o)
}

// nameWidth is the width of the names in a form.
const nameWidth = 160
