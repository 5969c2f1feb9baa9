// Package cli is Undertone on the command line. Every command is a thin layer
// over profile, join, phone, sound, demo and prove: it reads what a person wrote, does one
// thing, and says in plain words what came of it and what to do next.
//
//	cli.go       the program: its root, its errors, its exit codes
//	open.go      profiles and passphrases
//	terminal.go  single keys, questions, what a terminal can do
//	session.go   the one loop of everything that goes online
//	report.go    events and figures, as sentences or as JSON
//	trouble.go   what is wrong with the sound, and of what to beware
//	sounds.go    --in and --out
//	window.go    the window, where the program has one
//	(a file for each command)
//
// Commands that are not online open the profile, change it, save and close it.
// Those that are (join, idle, call, echo) run a session, which owns the phone:
//
//	          Online          reason to end: key, signal, time, end of a call
//	[starting] ─────▶ [online] ─────────────────────────────────▶ [leaving] ──▶ closed
//	     └────────────────────────────────────────────────────────────▲
//	                        hangs up inside cells, then waits for the phone's end
//
// Nothing here does anything on the network or a disk because of a call: the
// terminal shows it, and the file of --out is written if the user asked for one.
//
// Exit codes are in the help of the root command. main is the only caller.
package cli
