package model

import (
	"strings"

	"undertone/app/internal/safety"
)

// safetyBegins is how the text of the QR picture of safety words begins, so that no
// other picture is taken for one.
const safetyBegins = "undertone-safety:"

// SafetyCode is what stands in the QR picture of safety words. Both sides have the
// same words, so both show the same picture.
func SafetyCode(w safety.Words) string { return safetyBegins + strings.Join(w[:], "-") }

// A Comparison is what came of comparing two pictures of safety words.
type Comparison uint8

// The comparisons.
const (
	// NoWords: what was read is no picture of safety words.
	NoWords Comparison = iota
	// Same: nobody stands between the two.
	Same
	// Different: somebody may, or it is a picture of other people's words.
	Different
)

// CompareSafety compares what was read from a picture with the code of a contact.
func CompareSafety(read, code string) Comparison {
	switch read = strings.TrimSpace(read); {
	case !strings.HasPrefix(read, safetyBegins):
		return NoWords
	case read == code:
		return Same
	}
	return Different
}
