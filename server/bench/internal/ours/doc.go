// Package ours is the server of Undertone, in a process of its own, and the way in
// for simulated users: real signalling over TLS with an invite each, a real link over
// DTLS and SCTP (transport/rtc), and real cells.
//
//	tMIX  each cell is sealed with the link's key. Users 2k and 2k+1 may be in a call
//	      with each other: one rings the other once in a hundred slots, which points
//	      his route at him, and sends streams in all the others
//	bMIX  each cell is random, as to the server all are
//
// What a user would do besides, such as encode voice, is not done: it costs the
// server nothing. An sMIX needs the whole client (its members make shares of each
// other's secrets), which a program of the server's may not import.
//
// The data folder is a temporary one. Package main starts a Server, and a crowd
// comes online at it; package crash kills it and starts it again.
package ours
