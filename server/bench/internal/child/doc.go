// Package child runs the processes that are measured, and reads what they cost.
//
//	           questions ▶ (a line of JSON each)
//	┌────────┐ ─────────────────▶ ┌────────────────────────────┐
//	│ bench  │ ◀───────────────── │ a server, alone in its     │
//	│        │   ◀ answers        │ process                    │
//	└────────┘ ◀── /proc/PID/stat └────────────────────────────┘
//
// A child ends when its standard input does, or, if it is a program that does not
// look at that, when it is told to by its own process number; and with its parent in
// any case, where the system can do that. Nobody else's process is ever touched.
//
// It also reads what the host of a virtual machine took of its processors meanwhile,
// without which nobody can tell a server that was late from a machine that stood still.
//
// The packages with the servers start children, and package main asks what they
// cost.
package child
