package profile

import "fmt"

// String names the direction, for lists and JSON.
func (d Direction) String() string { return name(d, "", "outgoing", "incoming") }

// String names the outcome, for lists and JSON.
func (o Outcome) String() string { return name(o, "", "answered", "no answer", "declined") }

var answerModes = []string{"ask", "auto", "never"}

// String names the mode as a person writes it.
func (a AnswerMode) String() string { return name(a, answerModes...) }

// ParseAnswerMode reads "ask", "auto" or "never".
func ParseAnswerMode(s string) (AnswerMode, error) {
	for i, known := range answerModes {
		if s == known {
			return AnswerMode(i), nil
		}
	}
	return 0, fmt.Errorf("%q is no way to answer: use ask, auto or never", s)
}

var themes = []string{"system", "light", "dark"}

// String names the theme as a person writes it.
func (t Theme) String() string { return name(t, themes...) }

// ParseTheme reads "system", "light" or "dark".
func ParseTheme(s string) (Theme, error) {
	for i, known := range themes {
		if s == known {
			return Theme(i), nil
		}
	}
	return 0, fmt.Errorf("%q is no look: use system, light or dark", s)
}

func name[N ~uint8](n N, names ...string) string {
	if int(n) < len(names) && names[n] != "" {
		return names[n]
	}
	return "unknown"
}
