// Package mixclient is a client without a face: it goes online and stays online,
// sends one cell in every slot, day and night, and carries calls inside. The
// app's phone and its command line drive it; it knows neither devices nor disks.
//
//	   Events, State                      Call, Answer, Hangup, …
//	        ▲                                        │
//	┌───────┴────────────────────────────────────────▼─────────────┐
//	│ Engine: one goroutine owns everything but the pacer          │
//	│                                                              │
//	│   mouth: Lead before each tick      ear: when a cell is due  │
//	│   Media.Mouth ─▶ core.Up ─▶ Stage   Jitter ─▶ Media.Ear      │
//	└────────┬────────────────────────────────────────▲────────────┘
//	         │ staged, and seconds of cover           │ core.Down
//	     ┌───▼───┐                                ┌───┴────┐
//	     │ pacer │ own thread, owns the clock     │ inbox  │
//	     └───┬───┘                                └───▲────┘
//	         └──────────── Link (transport/rtc) ──────┘
//
// What the engine does in a slot does not depend on whether there is a call:
// one frame is taken from Media, one frame given to it, one cell made, one
// opened, one step of a handshake done. The only thing that it does outside
// cells is to go online, and to go online again when the line is lost, with the
// same delays whatever was going on.
//
// A line is
//
//	         Dial              first cell
//	offline ──────▶ dialing ───────────────▶ online
//	   ▲               │                        │
//	   └───────────────┴────────────────────────┘
//	     fails, then waits     a second without cells, or the link ends
//
// A call lives in the engine, not in the line: it survives a line that is lost
// for a few seconds, and its voice goes on when the next one is there.
//
// Which mode a set has is decided in mode.go and nowhere else: everything above it
// speaks of what is said and heard, the link and the pacer of batches of messages,
// and the mode's half (package half) is between the two. In an sMIX batches that
// were made in advance are sometimes made anew, which the engine does when the half
// asks for it, and a client takes leave of the set before it goes (Leave).
package mixclient
