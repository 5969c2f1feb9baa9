// Package drive does what a plan says, on a real line, and records it.
//
//	            orders ▶         ┌────────────────────────────┐
//	┌────────┐ ────────────────▶ │ client: phone, leaks, tape │ ──▶ client.pcap
//	│ Run    │ ◀──────────────── └────────────────────────────┘
//	│        │  ◀ events          real sockets │
//	│ plan,  │ ────────────────▶ ┌─────────────┴──────────────┐
//	│ labels │ ◀──────────────── │ partner: phone, tape       │ ──▶ partner.pcap
//	│        │                   └────────────────────────────┘
//	│        │ ────────────────▶ ┌────────────────────────────┐
//	│        │ ◀──────────────── │ bystander: phone, tape     │ ──▶ bystander.pcap
//	│        │                   └────────────────────────────┘
//	│        │ ────────────────▶ ┌────────────────────────────┐
//	└────────┘                   │ server                     │
//	                             └────────────────────────────┘
//
// The last two are there on loopback only. The bystander is a member who is in no call
// while the other two are.
//
// Each is a process of its own, the same program with a hidden argument, so that
// the client that is measured is alone in its process as it is every day: the real
// phone with the real engine, pacer and codec. What is special about it is this:
//
//   - Its sound is a recording instead of a microphone, spoken or not as it is told.
//   - Its sockets are watched by a record.Tape: 50 bytes of memory for a datagram, and
//     no file before the end.
//   - Above the tape there are leaks, for the positive controls. They are off, and
//     then one look at a variable.
//   - It reads a line of orders when something is to happen, which a person would
//     do by a key, and writes one when it has.
//
// Orders and events are lines of JSON by standard input and output; a child ends when
// its input does. The labels' times and those of the captures are of one clock: that
// of this machine when the run started, and from then on the one that never jumps.
//
// The server's sockets are not watched: whatever it does for a call shows in what
// the client receives.
package drive
