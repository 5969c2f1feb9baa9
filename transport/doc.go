// Package transport is the protocol between a user and a server, told from the
// first message to the last, for whoever writes another client. It holds no code.
// Each step has its bytes in the comment of a package below; server/e2e/browser is a
// client written from these comments alone, in JavaScript, that a test runs in
// Chromium.
//
//	user                                                           server
//	 |  0  an invite, by hand                                          |  uri
//	 |  1  TCP: TLS 1.3, the server's key pinned --------------------> |  signal
//	 |  2  POST /v1/online: SDP offer, account, signature -----------> |  signal, key
//	 |  3  <--- 201, SDP answer, 300 ms after the last byte of it; TCP |  signal
//	 |     is closed, and the user has a seat                          |
//	 |  4  UDP: ICE checks, DTLS, SCTP, one data channel ------------> |  rtc
//	 |     (where no UDP comes through, the same over TCP)             |
//	 |  5  <=========== one cell for every slot, at a fixed rate ===== |  cell, seal
//	 |  6  ============ one cell for every slot, at a fixed rate ====> |  cell, seal
//	 |     day and night; calls are inside the cells                   |  wire
//	 |  7  the end: DTLS is closed, or nothing comes any more          |
//
// What follows is the tMIX, where a slot has one message of cell.Size (128) bytes in
// each direction. The other modes differ in what goes up and down in a slot, and in a
// record that comes with the offer (signal): bMIX gets the messages of package wire;
// sMIX sends and gets those of package superpose. Times are the same.
//
// # What a client needs
//
// To come online and exchange cells: Ed25519, SHA-256, HKDF, AES-256-GCM with tags of
// 12 bytes, and a TLS 1.3 that does X25519MLKEM768 and exports secrets. To pair and to
// call: X25519 and ML-KEM-768 as well (mixclient/pairing, mixclient/call). All numbers
// in messages are big endian. Test vectors are in the folders testdata of seal, signal
// and superpose, in JSON, bytes in hexadecimal.
//
// # Slots
//
// Slot n begins n·I after 1 January 1970 UTC by the server's clock, I being the
// interval of the invite (20, 40 or 100 ms). Numbers have 64 bits. They never go back
// while the server runs, whoever sets its clock, and go on over a restart, unless the
// clock was set meanwhile. A message holds the low 16 bits of its slot; the whole number
// is the one nearest to a slot known from elsewhere that ends in these bits. The first
// such slot is that of the Date of the answer: its milliseconds since 1970, divided by
// I. Afterwards it is that of the newest message that opened. What the client's own
// clock says of the date does not matter.
//
// # Step 5: down
//
// A message goes down for every slot, from a slot or two after the user got his seat.
// Those sent before the channel is open are lost. A client drops, without a word, a
// message that is text or has another length, a cell that does not open with the link
// key of its direction, and one of a slot that was opened before or is 64 slots or more
// behind the newest.
//
// The message for slot n leaves o + W + P after the slot began; o, less than W, was
// drawn for this link and stays. W is at least 5 ms (2.5 ms if I is 20 ms), P 1 ms
// and a little; both grow in steps with the number of users.
//
// # Step 6: up
//
// The message for slot n is accepted if it arrives before n's cut-off, which is
// W + P before the message for slot n leaves, and less than 15 I before that. Of several
// for one slot the last counts. What is later, earlier or of another length has no
// effect but that it is counted; so has a cell that does not open. Nobody asks for it
// again, and nothing is acknowledged.
//
// So the slot to send for is counted from messages that come down. Let the message for
// slot n have come at time t, over a line whose round trip is R. Then a message for slot
// m that leaves at
//
//	t + (m - n)·I - R - (W + P) - margin
//
// arrives about the margin before its cut-off, with 6 ms for W + P in a set of up to 50
// users (of up to 25, 3.5 ms, if I is 20 ms). Take the least t - n·I of several, since a
// message may be late but not early. Who does not know R begins with zero, and is told
// by the feedback how late he is.
//
// Every cell down says how early the messages up have arrived, as a signed byte:
//
//	-128         none came yet
//	-127 to 127  so many ms before the cut-off, rounded down; negative is too late; at
//	             the ends, that or beyond
//
// It is about the last 64 slots of which a message came, late or not: all but one in 16
// of them came earlier (the (k-1)/16 th of k in order, from 0). When a client skips
// slots and its messages begin to come earlier by half of I or more, what was before is
// forgotten, so that the next report is about the new pace. A message that a later one
// has overtaken by more than 60 ms does not count: it was lost and sent again.
//
// A client moves its slots by sending, at the time that is due anyway, for a slot m + k
// instead of m: k·I earlier. It moves its times, for the rest, slowly: by at most 1 % of
// the time that passes in the first 15 seconds, and by 200 millionths from then on.
// Undertone's client steers to a margin of 6 ms (package pacer). Another may take more,
// up to 127 ms, since so much can be told; voice comes later by as much.
//
// # What hides a call
//
// The server takes messages at any time before their cut-offs, but a user is hidden
// among others only if his client keeps to this, in a call or not:
//
//   - Exactly one message for every slot, sent at its time, I after the one before.
//     What is to be said is decided and sealed before that time. Hold some seconds of
//     sealed cover, so that there is always something to send, and put voice in its
//     place; then the variant must be another one (package seal).
//   - A message that is late by more than half of I is left out, it alone. Nothing is
//     sent twice, and there is no burst to catch up.
//   - No message, no other packet, no second connection, no file and no measurable work
//     depends on what is in a cell, or on cells being lost.
//   - A line that has brought no cell for one second (five before the first cell) is
//     given up, whatever else is going on. To come back begin at step 1: another TLS
//     connection, other keys, another offer, and the token of the invite again or
//     zeros. Wait before every attempt but the first, at random and longer each time.
//
// # What the server does with a cell
//
// By its kind (package cell), for the slot that it is for:
//
//	cover    nothing
//	stream   the body goes to the user that the sender's route points at, in the
//	         cell for the same slot, if that user's route points back
//	letter   the body goes to the user whose handle it begins with, with the sender's
//	         handle in that place
//	ring     as letter, and from now on the sender's route points at the addressee;
//	         it comes out as a letter
//	control  operation 1: the sender's route points at nobody
//	others   nothing
//
// A route is there as long as the link. What comes out for a user in a slot is a letter
// if one waits and ten slots have passed since the last one, otherwise the stream, and
// cover if there is none: kind 0, the body zeros. Four letters can wait for a user, of as
// many senders: a newer one takes the place of the same sender's older one, and that of
// a fifth sender is lost. Nobody learns whether a letter was delivered.
//
// # Step 7: the end
//
// A client closes the channel, SCTP (by ABORT) or DTLS (by close_notify), any of which
// ends the link, and its seat is free. One that is silent keeps it for 5 s, or for 30 s
// if nothing came yet, and gets its cells until then; but a channel that is not open
// 10 s after the answer is given up, and so is a line on which for 10 s no datagram
// comes, not even a check of ICE. Who comes online again takes his own seat over at
// once: a user has one link.
package transport
