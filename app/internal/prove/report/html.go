package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"undertone/app/internal/prove/judge"
)

//go:embed page.html
var source string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"number": judge.Number,
	"rarity": judge.Rarity,
	"fate":   fate,
	"auc":    func(v float64) string { return fmt.Sprintf("%.3f", v) },
	"bound":  func(v float64) string { return fmt.Sprintf("%.2f", v) },
	"cent":   func(v float64) string { return fmt.Sprintf("%.0f", 100*v) },
	"join":   func(list []string) string { return strings.Join(list, ", ") },
}).Parse(source))

// sheet is what the page shows.
type sheet struct {
	Document
	Headline string
	Looks    []judge.Look
	Forest   *forest
	Lateness *ridges
	Wire     *strip
}

// HTML writes the page.
func HTML(w io.Writer, d Document) error {
	return page.Execute(w, sheet{
		Document: d,
		Headline: headline(d.Judged),
		Looks:    looks(d.Judged),
		Forest:   plant(d.Judged),
		Lateness: lay(d.Pictures.Lateness),
		Wire:     unroll(d.Pictures.Wire),
	})
}

// wide is the width of every picture, in its own units. The page scales it.
const wide = 800.0

// coordinate writes a place in a picture; a tenth of a unit is finer than the eye.
func coordinate(v float64) string { return fmt.Sprintf("%.1f", v) }

// An axis puts values on places.
type axis struct{ low, high, from, to float64 }

func (a axis) at(v float64) float64 {
	v = max(a.low, min(a.high, v))
	return a.from + (v-a.low)/(a.high-a.low)*(a.to-a.from)
}

// A tick is a labelled place of an axis.
type tick struct {
	At   string
	Text string
}
