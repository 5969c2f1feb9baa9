package cli

import (
	"fmt"

	"undertone/transport/cell"
	"undertone/transport/uri"
)

// promise says what the mode of a set hides, and from whom.
func promise(s uri.Server) string {
	hides := map[cell.Mode]string{
		cell.TMIX: "whoever watches the network sees that you are online, and nothing else; the server sees who talks to whom, but not what is said",
		cell.BMIX: "whoever watches the network, or the server, sees that you are online, and nothing else",
		cell.SMIX: "whoever watches the network sees that you are online, and nothing else; the server and the other members also see how many of the shared channels are in use, but not by whom",
	}[s.Mode]
	return fmt.Sprintf("Mode %s, a slot every %s: %s.", s.Mode, s.Interval, hides)
}
