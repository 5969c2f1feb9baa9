package screen

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// The signs that Fyne has not. They are drawn for this window, each as one path in a
// square of 24, and take the colour of the text beside them.
var (
	callSign     = sign("call", "M 9.53 14.47 C 12.21 17.16 15.18 18.86 17.94 19.35 C 18.79 19.50 19.57 19.28 20.06 18.65 L 21.55 16.60 C 21.97 16.03 21.83 15.18 21.26 14.76 L 18.58 12.92 C 18.08 12.57 17.30 12.64 16.88 13.06 L 15.39 14.55 C 12.92 13.20 10.80 11.08 9.45 8.61 L 10.94 7.12 C 11.36 6.70 11.43 5.92 11.08 5.42 L 9.24 2.74 C 8.82 2.17 7.97 2.03 7.40 2.45 L 5.35 3.94 C 4.72 4.43 4.50 5.21 4.65 6.06 C 5.14 8.82 6.84 11.79 9.53 14.47 Z")
	hangupSign   = sign("hangup", "M 12 8.5 C 8.2 8.5 4.9 9.4 2.6 11 C 1.9 11.5 1.5 12.2 1.6 13 L 2 15.5 C 2.1 16.2 2.8 16.7 3.5 16.6 L 6.7 16 C 7.3 15.9 7.8 15.3 7.8 14.7 L 7.8 12.6 C 10.5 11.8 13.5 11.8 16.2 12.6 L 16.2 14.7 C 16.2 15.3 16.7 15.9 17.3 16 L 20.5 16.6 C 21.2 16.7 21.9 16.2 22 15.5 L 22.4 13 C 22.5 12.2 22.1 11.5 21.4 11 C 19.1 9.4 15.8 8.5 12 8.5 Z")
	micSign      = sign("mic", micPath)
	micOffSign   = sign("micoff", micPath+" M 3.4 2 L 2 3.4 L 20.6 22 L 22 20.6 Z")
	calledSign   = sign("called", "M 8 5 L 8 7 L 15.6 7 L 4 18.6 L 5.4 20 L 17 8.4 L 17 16 L 19 16 L 19 5 Z")
	ringedSign   = sign("ringed", "M 16 19 L 16 17 L 8.4 17 L 20 5.4 L 18.6 4 L 7 15.6 L 7 8 L 5 8 L 5 19 Z")
	verifiedSign = sign("verified", "M 12 2 L 4 5 L 4 11 C 4 16 7.4 20.4 12 22 C 16.6 20.4 20 16 20 11 L 20 5 Z M 10.6 16.2 L 6.8 12.4 L 8.2 11 L 10.6 13.4 L 15.8 8.2 L 17.2 9.6 Z")
)

const micPath = "M 12 2 C 10.3 2 9 3.3 9 5 L 9 11 C 9 12.7 10.3 14 12 14 C 13.7 14 15 12.7 15 11 L 15 5 C 15 3.3 13.7 2 12 2 Z " +
	"M 5 11 C 5 14.5 7.6 17.4 11 17.9 L 11 20 L 8 20 L 8 22 L 16 22 L 16 20 L 13 20 L 13 17.9 C 16.4 17.4 19 14.5 19 11 L 17 11 C 17 13.8 14.8 16 12 16 C 9.2 16 7 13.8 7 11 Z"

func sign(name, path string) *theme.ThemedResource {
	svg := `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24"><path fill="#000000" fill-rule="evenodd" d="` + path + `"/></svg>`
	return theme.NewThemedResource(fyne.NewStaticResource(name+".svg", []byte(svg)))
}
