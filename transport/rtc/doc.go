// Package rtc moves cells between a client and a server: whole messages over
// one WebRTC data channel. A client calls Dial, a server has one Listener; both
// get a Link. Nobody else in the project knows WebRTC.
//
// A link's life, on both sides:
//
//	connecting ──channel──▶ attached ──both have it──▶ open
//	    │                      │                        │
//	    └──────────────────────┴───────────▶ closed ◀───┘
//	         Close, lost, timeout, protocol error
//
// Only open links send; all four states receive. Closed is final: who wants to
// stay online dials again.
package rtc
