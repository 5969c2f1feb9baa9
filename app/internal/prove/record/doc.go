// Package record is what somebody on the line has of a session: when each datagram
// of a user crossed, in which direction, how long it was, and, since that is in the
// open, of which protocol it is. With it come labels, which only the user himself
// can write: what he was doing when.
//
//	sockets of the client ─▶ Tape ─▶ capture file ┐
//	tcpdump on the line ───────────▶ capture file ┼─▶ Read ─▶ Recording
//	who ran the session ─▶ Labels ─▶ labels file ─┘
//
// A capture file is one of tcpdump's, pcap or pcapng. What is written here has IPv4,
// UDP and the first bytes of each datagram, whatever the network was, and the
// addresses that the labels name. The labels file is JSON:
//
//	{
//	  "version": 2,
//	  "mode": "tmix", "interval": "40ms",
//	  "started": "2026-01-31T12:00:00.123456789Z",
//	  "client": ["0.0.0.0:40001"],          sockets of the user; 0.0.0.0 is any address
//	  "partner": ["0.0.0.0:40002"],         the same of who he talked to, if known
//	  "bystander": ["0.0.0.0:40003"],       and of a member who was in no call meanwhile
//	  "server": ["192.0.2.7:7443"],         empty for any
//	  "attack": "drop",                     what somebody on the line did all the time
//	  "segments": [
//	    {"label": "idle", "from_s": 20.1, "to_s": 22.1},
//	    {"label": "talk", "call": true, "from_s": 22.6, "to_s": 24.6}, …
//	  ],
//	  "voice": "AAAA…"                      how loud he spoke, a byte for 0.1 s, in base64
//	}
//
// Times of segments count from started. Whoever records on another machine has a
// clock of his own: if it differs by more than a tenth of a second, change started.
//
// # What a datagram is
//
// See transport/rtc for all there is on the wire. The content is encrypted, so that
// data and acknowledgements are told apart by their lengths:
//
//	first bytes            length                          kind
//	the cookie of STUN     any                             STUN
//	a DTLS record of data  the usual one, see below        Data
//	                       usual + n·(usual - 49)          Resend: several messages in one
//	                       65 + 4·n, below the usual       Control: an acknowledgement
//	                       any other above the shortest    Data, of a wrong size
//	                       any other                       Control
//	another DTLS record    any                             Handshake
//	anything else          any                             Other
//
// The usual length of a direction is the one that most of its records of at least
// the shortest have. A record of the wrong size is what nobody may ever send.
//
// Everything here is arithmetic and parsing but Tape, which keeps what crosses a
// socket, from any goroutine. Files are opened by the caller, and whatever is in
// them, Read returns an error and no more.
package record
