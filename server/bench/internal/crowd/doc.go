// Package crowd is the users of a load test: each with a socket and a line of his
// own, all of them with one metronome, in one process.
//
//	        ┌─────────────────────────────────────────┐
//	        │ crowd                                   │
//	Fill ──▶│  user ──Dial──▶ visit (socket, line) ───┼── datagrams ──▶ service
//	Churn ─▶│  user ──Dial──▶ visit                   │◀─────────────── (another
//	        │  …                ▲ Make, Post          │                  process)
//	        │              ┌────┴────┐                │
//	        │              │ pace    │ one goroutine  │
//	        │              └─────────┘                │
//	        └──────────────┬──────────────────────────┘
//	                       ▼ tally, histograms of a Window
//
// A user sends one message in every interval, at a time that is spread over the
// interval with those of the others, and takes what comes. The message of the next
// slot is made right after that of this one was sent, so that at its time there is
// nothing left to do but to hand it on. There is no thread for a user, no timer and
// no sound: what a user costs here is what his line costs.
//
// # Who leads
//
// A line that follows (undertone's) sends nothing before it has heard the server,
// whose cells carry the number of their slot and how early the last uploads came
// before their cut-off. It begins with the next slot, right after the cell, which is
// always early; after some reports it moves so that it comes a margin before the
// cut-off, as a real client does, and from then on whenever it is off by more than a
// little. Nobody watches these lines, so they move at once and not slowly.
//
// A line that leads (an echo's) begins by itself and numbers its own slots.
//
// # What is measured
//
// Where a message on a line is due again and again, its datagrams are judged by
// when the kernel had them (package socket): their lateness against the line's own
// beat (meter.Grid), and, on lines that lead, the time from a message to its answer.
// Messages that did not come until one of a later slot did are lost. A user who has
// heard nothing for a second gives his line up and dials again, as a real client
// does.
//
// Package main makes one Crowd after the other; the packages ours, stock and bare
// are the services.
package crowd
