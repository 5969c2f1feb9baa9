package cell

const (
	// MaxMessage is the length of the longest message, in bytes: the longest that
	// WebRTC's data channel sends as one datagram (transport/rtc has the headers
	// around it). Modes in which everybody gets all cells use it up.
	MaxMessage = 1156

	// PlaceAt is the byte of a message that says its place, where a slot has more
	// than one message in a direction.
	PlaceAt = slotSize
	// MaxPlaces is how many messages of a part have places of their own.
	MaxPlaces = 1 << partShift

	partShift = 6
)

// Place returns what byte PlaceAt of message k of part p is. p is below 4, and k
// below MaxPlaces.
func Place(p, k int) byte { return byte(p<<partShift | k) } //nolint:gosec // both are small

// ReadPlace is the way back from Place.
func ReadPlace(b byte) (p, k int) { return int(b >> partShift), int(b & (MaxPlaces - 1)) }
