package screen

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"undertone/app/internal/ui/picture"
)

// A meter shows how loud it is.
type meter struct {
	widget.BaseWidget
	level float64
	back  *canvas.Rectangle
	bar   *canvas.Rectangle
}

func newMeter() *meter {
	m := &meter{back: canvas.NewRectangle(color.Transparent), bar: canvas.NewRectangle(color.Transparent)}
	m.back.CornerRadius, m.bar.CornerRadius = meterHeight/2, meterHeight/2
	m.ExtendBaseWidget(m)
	return m
}

const (
	// meterSteps is how finely it is drawn: what nobody sees needs no redraw.
	meterSteps = 50
	// meterHeight is its height, however much room there is.
	meterHeight = 10
	// tooLoud is the level from which on it distorts.
	tooLoud = 0.97
)

// set shows a loudness (RMS).
func (m *meter) set(rms float32) {
	level := float64(int(picture.Height(rms)*meterSteps)) / meterSteps
	if level != m.level {
		m.level = level
		m.Refresh()
	}
}

// CreateRenderer makes Fyne's half of it.
func (m *meter) CreateRenderer() fyne.WidgetRenderer {
	r := &meterRenderer{m}
	r.Refresh()
	return r
}

type meterRenderer struct{ m *meter }

func (r *meterRenderer) Destroy() {}

func (r *meterRenderer) Layout(size fyne.Size) {
	at := fyne.NewPos(0, (size.Height-meterHeight)/2)
	r.m.back.Move(at)
	r.m.bar.Move(at)
	r.m.back.Resize(fyne.NewSize(size.Width, meterHeight))
	r.m.bar.Resize(fyne.NewSize(size.Width*float32(r.m.level), meterHeight))
}

func (r *meterRenderer) MinSize() fyne.Size { return fyne.NewSize(80, meterHeight) }

func (r *meterRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.m.back, r.m.bar}
}

func (r *meterRenderer) Refresh() {
	r.m.back.FillColor = theme.Color(theme.ColorNameInputBackground)
	r.m.back.StrokeColor, r.m.back.StrokeWidth = theme.Color(theme.ColorNameInputBorder), 1
	r.m.bar.FillColor = theme.Color(theme.ColorNameSuccess)
	if r.m.level > tooLoud {
		r.m.bar.FillColor = theme.Color(theme.ColorNameWarning)
	}
	r.Layout(r.m.Size())
	canvas.Refresh(r.m)
}
