package screen

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"undertone/app/internal/profile"
)

// A Look is the theme of the window: Fyne's, with colours that everybody can read
// (WCAG AA, which a test checks), with more room and rounder corners, light or dark as
// the desktop or the user wants it.
type Look struct {
	fyne.Theme
	choice profile.Theme
}

// NewLook returns the theme of a choice.
func NewLook(choice profile.Theme) *Look { return &Look{theme.DefaultTheme(), choice} }

// pair is a colour in the light and in the dark.
type pair struct{ light, dark color.NRGBA }

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

// veil is a colour through which one sees what is below: Fyne lays it over a button
// that has the focus, or the mouse above it, and its text has to stay readable.
func veil(v uint32, alpha uint8) color.NRGBA {
	c := rgb(v)
	c.A = alpha
	return c
}

var colours = map[fyne.ThemeColorName]pair{
	theme.ColorNameBackground:          {rgb(0xf5f6fa), rgb(0x14161b)},
	theme.ColorNameForeground:          {rgb(0x1b1d22), rgb(0xeceef2)},
	theme.ColorNameButton:              {rgb(0xe4e7f0), rgb(0x2b2f3a)},
	theme.ColorNameInputBackground:     {rgb(0xeef0f6), rgb(0x262a33)},
	theme.ColorNameInputBorder:         {rgb(0x7a7f8c), rgb(0x808696)},
	theme.ColorNamePlaceHolder:         {rgb(0x5a606e), rgb(0xa6acb9)},
	theme.ColorNameDisabled:            {rgb(0x5a606e), rgb(0xa6acb9)},
	theme.ColorNameDisabledButton:      {rgb(0xeceef4), rgb(0x22252d)},
	theme.ColorNameHeaderBackground:    {rgb(0xe9ecf5), rgb(0x191c23)},
	theme.ColorNameMenuBackground:      {rgb(0xffffff), rgb(0x22252d)},
	theme.ColorNameOverlayBackground:   {rgb(0xffffff), rgb(0x1e2129)},
	theme.ColorNamePrimary:             {rgb(0x2453c4), rgb(0x8fb1ff)},
	theme.ColorNameForegroundOnPrimary: {rgb(0xffffff), rgb(0x0c1a3a)},
	theme.ColorNameHyperlink:           {rgb(0x2453c4), rgb(0x8fb1ff)},
	theme.ColorNameFocus:               {veil(0x2453c4, 0x55), veil(0x8fb1ff, 0x50)},
	theme.ColorNameHover:               {veil(0x1b1d22, 0x14), veil(0xffffff, 0x16)},
	theme.ColorNamePressed:             {veil(0x1b1d22, 0x22), veil(0xffffff, 0x22)},
	theme.ColorNameSelection:           {rgb(0xd9e3ff), rgb(0x243154)},
	theme.ColorNameSeparator:           {rgb(0xdcdfe8), rgb(0x2c303a)},
	theme.ColorNameSuccess:             {rgb(0x1b6e37), rgb(0x7fd99a)},
	theme.ColorNameForegroundOnSuccess: {rgb(0xffffff), rgb(0x06260f)},
	theme.ColorNameWarning:             {rgb(0x8a4b00), rgb(0xffc266)},
	theme.ColorNameForegroundOnWarning: {rgb(0xffffff), rgb(0x2e1a00)},
	theme.ColorNameError:               {rgb(0xb3261e), rgb(0xff9c93)},
	theme.ColorNameForegroundOnError:   {rgb(0xffffff), rgb(0x3b0907)},
}

// faces are what the letters of contacts stand on; the letters are white in the light
// and in the dark.
var faces = []color.NRGBA{
	rgb(0x1d4ed8), rgb(0x0f766e), rgb(0x7c3aed), rgb(0xa84b07), rgb(0xbe185d), rgb(0x157a3b), rgb(0x4338ca), rgb(0x9f1239),
}

var sizes = map[fyne.ThemeSizeName]float32{
	theme.SizeNamePadding:         6,
	theme.SizeNameHeadingText:     22,
	theme.SizeNameSubHeadingText:  16,
	theme.SizeNameCaptionText:     12,
	theme.SizeNameInputRadius:     8,
	theme.SizeNameButtonRadius:    8,
	theme.SizeNameSelectionRadius: 8,
	theme.SizeNameCardRadius:      12,
	theme.SizeNameDialogRadius:    12,
	theme.SizeNamePopupRadius:     8,
	theme.SizeNameMenuRadius:      8,
}

// Color returns a colour for light or dark.
func (l *Look) Color(name fyne.ThemeColorName, variant fyne.ThemeVariant) color.Color {
	switch l.choice {
	case profile.ThemeLight:
		variant = theme.VariantLight
	case profile.ThemeDark:
		variant = theme.VariantDark
	case profile.ThemeSystem:
	}
	p, ok := colours[name]
	switch {
	case !ok:
		return l.Theme.Color(name, variant)
	case variant == theme.VariantDark:
		return p.dark
	}
	return p.light
}

// Size returns a length.
func (l *Look) Size(name fyne.ThemeSizeName) float32 {
	if s, ok := sizes[name]; ok {
		return s
	}
	return l.Theme.Size(name)
}
