// Command undertone-bench is a crowd of simulated users, who come online at a real
// undertone-server in another process on this machine, and stay: real signalling,
// real DTLS and SCTP, real cells, at the set's pace. It tells what a user costs the
// server, how late the server sends, and what is lost; and, in the same run with the
// same messages, what a bare WebRTC echo and raw UDP with AES-GCM cost, so that the
// ratios mean the same on any machine.
//
//	┌───────────────────────────┐         ┌──────────────────────────────────┐
//	│ undertone-bench: crowd    │ ◀─────▶ │ undertone-server run             │
//	│ of users, one after the   │ ◀─────▶ │ undertone-bench child pion       │
//	│ other at each of these ──▶│ ◀─────▶ │ undertone-bench child udp        │
//	└───────────────────────────┘ loopback└──────────────────────────────────┘
//
// Each of these is alone while it is measured: first all users come online, then
// comes a time to settle, then the measurement, and then it ends. The program ends
// by itself, with all that it has started. It speaks to nobody but on loopback.
//
// # Ten thousand users on one small machine
//
// What stands in the way, by runs of this program (tMIX at 100 ms with 40 to 500 users on a
// virtual machine of two processors, which was busy with other things in some of them,
// so that shares mean more than times; the shares are of profiles, by --profile, with 40
// and 100 users):
//
//   - Processor time. A user costs the server 125 to 220 µs in a slot, a cell in and a
//     cell out (149 µs with 500 users): 10,000 would need 12 to 22 processors. A bare
//     pion echo costs between a sixth less and three fifths more, and UDP with AES-GCM
//     between an eighth and somewhat more than a third of it: the rest is the WebRTC
//     stack. The slot clock, with opening and sealing, is 5 % of it. What SCTP's writer
//     does, down to the system's send, is 23 %, half of that the send, which takes one
//     datagram; what SCTP's reader does is 12 %.
//   - Waking up. A cell that comes goes through five goroutines (port, ICE, DTLS, SCTP,
//     link; six and a copy more when these were measured, with WebRTC's mux), mostly with a copy into a buffer in between, and one that goes
//     through three. The scheduler, its selects and its channels take a fifth of the
//     time.
//   - Garbage. To allocate it and to collect it takes 13 %.
//   - Goroutines and memory. A user has 16 goroutines, of which 5 are Undertone's own:
//     160,000. He has 0.3 to 0.5 MiB with the garbage, less in larger sets: 3 to 5 GB.
//   - The time in a slot. All have to be sent to within the window of the slot clock, of
//     half an interval at most: that leaves 5 µs for each of 10,000, where SCTP's writer
//     alone takes some 40 µs of a processor. With 100 users a slot was sent within 9.4 ms,
//     of a window of 10 ms, so the window was not exceeded; when it is, "a slot is sent
//     within" shows it, while lateness does not (see package crowd).
//   - One reader. A single goroutine reads the port for all, a datagram at a time; a
//     third of what it reads, 5 of 15 a second, is not cells but acknowledgements and
//     checks. 150,000 a second are more than it can take in.
//   - Coming back. After a restart everybody comes at once, and signalling alone takes
//     some 2 ms of a processor for each, before the handshake of DTLS.
//
// The slot clock is not in the way: at 100 ms there is room for 12,800 seats. So the
// way is another data plane behind transport/rtc: some goroutines that read and write
// many datagrams in one call, and ICE-lite, DTLS records and the few chunks of SCTP
// that a link needs as state machines without goroutines.
//
// This package is the options and the order of things. See the packages below it:
// crowd for the users, ours, stock and bare for what they come online at, socket and
// meter for how lateness is measured, child for what a process costs, and report.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
