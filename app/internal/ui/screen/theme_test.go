package screen

import (
	"image"
	"image/color"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"undertone/app/internal/profile"
	"undertone/transport/key"
	"undertone/transport/uri"
)

// enlarged is a picture with larger points.
type enlarged struct {
	image.Image
	by int
}

func (e enlarged) Bounds() image.Rectangle {
	b := e.Image.Bounds()
	return image.Rect(0, 0, b.Dx()*e.by, b.Dy()*e.by)
}

func (e enlarged) At(x, y int) color.Color { return e.Image.At(x/e.by, y/e.by) }

// luminance is that of WCAG 2.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	part := func(v uint32) float64 {
		x := float64(v) / 0xffff
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*part(r) + 0.7152*part(g) + 0.0722*part(b)
}

func contrast(a, b color.Color) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// over is what one sees of a colour through a veil.
func over(veil, below color.Color) color.Color {
	r, g, b, a := veil.RGBA()
	x, y, z, _ := below.RGBA()
	mix := func(above, below uint32) uint16 { return uint16(above + below*(0xffff-a)/0xffff) } //nolint:gosec // at most 0xffff
	return color.RGBA64{mix(r, x), mix(g, y), mix(b, z), 0xffff}
}

// Everybody can read it: WCAG AA wants 4.5 for text, and 3 for the edge of a field.
func TestContrast(t *testing.T) {
	test.NewTempApp(t)
	if c := contrast(color.White, color.Black); math.Abs(c-21) > 0.01 {
		t.Fatalf("black on white has a contrast of %v", c)
	}
	for _, face := range faces {
		if c := contrast(color.White, face); c < 4.5 {
			t.Errorf("a letter on %v: %.2f", face, c)
		}
	}
	for _, choice := range []profile.Theme{profile.ThemeLight, profile.ThemeDark} {
		l := NewLook(choice)
		at := func(name fyne.ThemeColorName) color.Color { return l.Color(name, theme.VariantLight) }
		for ink, papers := range map[fyne.ThemeColorName][]fyne.ThemeColorName{
			theme.ColorNameForeground:          {theme.ColorNameBackground, theme.ColorNameButton, theme.ColorNameInputBackground, theme.ColorNameMenuBackground, theme.ColorNameOverlayBackground, theme.ColorNameHeaderBackground, theme.ColorNameSelection, theme.ColorNameDisabledButton},
			theme.ColorNamePlaceHolder:         {theme.ColorNameInputBackground, theme.ColorNameBackground},
			theme.ColorNameDisabled:            {theme.ColorNameBackground, theme.ColorNameDisabledButton, theme.ColorNameOverlayBackground, theme.ColorNameHeaderBackground, theme.ColorNameSelection},
			theme.ColorNamePrimary:             {theme.ColorNameBackground, theme.ColorNameOverlayBackground, theme.ColorNameHeaderBackground},
			theme.ColorNameSuccess:             {theme.ColorNameBackground, theme.ColorNameOverlayBackground, theme.ColorNameHeaderBackground},
			theme.ColorNameWarning:             {theme.ColorNameBackground, theme.ColorNameOverlayBackground, theme.ColorNameHeaderBackground},
			theme.ColorNameError:               {theme.ColorNameBackground, theme.ColorNameOverlayBackground, theme.ColorNameHeaderBackground, theme.ColorNameSelection},
			theme.ColorNameForegroundOnPrimary: {theme.ColorNamePrimary},
			theme.ColorNameForegroundOnSuccess: {theme.ColorNameSuccess},
			theme.ColorNameForegroundOnWarning: {theme.ColorNameWarning},
			theme.ColorNameForegroundOnError:   {theme.ColorNameError},
		} {
			for _, paper := range papers {
				if c := contrast(at(ink), at(paper)); c < 4.5 {
					t.Errorf("%v: %s on %s: %.2f", choice, ink, paper, c)
				}
			}
		}
		for _, paper := range []fyne.ThemeColorName{theme.ColorNameBackground, theme.ColorNameOverlayBackground} {
			if c := contrast(at(theme.ColorNameInputBorder), at(paper)); c < 3 {
				t.Errorf("%v: the edge of a field on %s: %.2f", choice, paper, c)
			}
		}
		for ink, papers := range map[fyne.ThemeColorName][]fyne.ThemeColorName{
			theme.ColorNameForeground:          {theme.ColorNameButton, theme.ColorNameInputBackground, theme.ColorNameOverlayBackground, theme.ColorNameBackground},
			theme.ColorNameForegroundOnPrimary: {theme.ColorNamePrimary},
			theme.ColorNameForegroundOnSuccess: {theme.ColorNameSuccess},
			theme.ColorNameForegroundOnWarning: {theme.ColorNameWarning},
			theme.ColorNameForegroundOnError:   {theme.ColorNameError},
		} {
			for _, paper := range papers {
				for _, veil := range []fyne.ThemeColorName{theme.ColorNameFocus, theme.ColorNameHover} {
					if c := contrast(at(ink), over(at(veil), at(paper))); c < 4.5 {
						t.Errorf("%v: %s on %s below %s: %.2f", choice, ink, paper, veil, c)
					}
				}
			}
		}
	}
}

// The desktop decides, unless the user has.
func TestLook(t *testing.T) {
	test.NewTempApp(t)
	light, dark := colours[theme.ColorNameBackground].light, colours[theme.ColorNameBackground].dark
	for _, c := range []struct {
		choice  profile.Theme
		variant fyne.ThemeVariant
		want    color.Color
	}{
		{profile.ThemeSystem, theme.VariantLight, light}, {profile.ThemeSystem, theme.VariantDark, dark},
		{profile.ThemeLight, theme.VariantDark, light}, {profile.ThemeDark, theme.VariantLight, dark},
	} {
		if got := NewLook(c.choice).Color(theme.ColorNameBackground, c.variant); got != c.want {
			t.Errorf("%v: %v", c, got)
		}
	}
}

// contactLink is the link of somebody called Zoe.
func contactLink(t *testing.T) string {
	t.Helper()
	id, err := key.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, key.SecretSize)
	b[0] = 1
	secret, err := key.NewSecret(b)
	if err != nil {
		t.Fatal(err)
	}
	return (&uri.Contact{Name: "Zoe", Host: testServer.Host, Fingerprint: id.Fingerprint(), Intro: secret}).String()
}
