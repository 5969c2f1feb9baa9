package model

import (
	"testing"

	"undertone/app/internal/safety"
)

func TestCompareSafety(t *testing.T) {
	words := safety.Words{"abandon", "ability", "able", "about", "above", "absent", "absorb", "abstract"}
	code := SafetyCode(words)
	other := words
	other[7] = "absurd"
	for read, want := range map[string]Comparison{
		code:                         Same,
		" " + code + "\n":            Same,
		SafetyCode(other):            Different,
		code + "-more":               Different,
		"undertone-safety:":          Different,
		"undertone://example:7443/x": NoWords,
		"":                           NoWords,
	} {
		if got := CompareSafety(read, code); got != want {
			t.Errorf("%q: %d, not %d", read, got, want)
		}
	}
}
