// Package bare is the second comparison: the least that a server could do that
// exchanges sealed messages. Each is one datagram of UDP, sealed with AES-256-GCM
// under a key that each user has with the server from the beginning. There is no
// handshake, no acknowledgement and no state but the keys. What a server costs more
// than this, it costs for WebRTC, and for being a mix.
//
//	| user 4 | slot 8 | which 2 | AEAD(zeros …) | tag 16 |
//
//	user, slot, which  big endian, authenticated; which is 0 on the way up, and on the
//	                   way down tells apart the answers to one message, from 1
//	nonce              slot ‖ which ‖ zeros 2
//	key                HKDF-SHA-256 of the seed of the run, for the user
//
// The server answers each message that opens with as many, as long, as a server of
// the mode would send in a slot.
//
// Package main starts a Server; its child runs Serve.
package bare
