// Package stock is the first comparison: a server that does nothing but to echo
// messages over WebRTC data channels, as anybody would write it with pion: its own
// defaults for everything, one UDP port for all. It answers each message with as
// many messages, as long, as a server of the mode would send in a slot. So the ratio
// of what both cost is what Undertone adds, or saves, and means the same on a slow
// machine as on a fast one.
//
//	crowd ──offer──▶ Server ──question──▶ child: Serve, pion
//	  ▲                                      │
//	  └───────── one DTLS/SCTP line each ────┘
//
// A message begins with the number of its slot, which comes back:
//
//	| slot 8 | zeros … |
//
// The crowd's end of each line is transport/rtc's, as everywhere. Package main
// starts a Server; its child runs Serve.
package stock
