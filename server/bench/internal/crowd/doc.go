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
// Messages are judged by when the kernel had their datagrams (package socket), however
// late this process gets to read them: meter.Pairs finds out which message was in
// which datagram. On lines that follow it is their lateness against the line's own beat
// (meter.Grid), and where the beats of all lines are; on lines that lead it is the time
// from a message to its answer. That of a message of which it is not certain is not
// told. Messages that did not come until one of a later slot did are lost. A user who
// has heard nothing for a second gives his line up and dials again, as a real client
// does.
//
// # What is lateness, and what is the beat
//
// A server that follows its clock sends to one user after the other, each at his own
// time in the slot: Undertone's spreads them over a window that grows with the set
// (server/internal/mix). If it takes longer to send to all of them than the window is
// long, each waits for those before him, and the last one's message leaves later by
// what one message costs, for each user before him. Both are alike in every slot, so
// they are the beat of a line, and no lateness: what is late is what comes later than
// the line is used to, because the server had to wait for a processor, or did something
// else first. How far the first and the last beat are apart is what "a slot is sent
// within" tells. It bounds the number of users before lateness does: it has to be well
// below an interval.
//
// Package main makes one Crowd after the other; the packages ours, stock and bare
// are the services.
package crowd
