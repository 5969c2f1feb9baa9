// Package simnet is a network for tests and benchmarks: a star with the server
// in the middle, made of pion's virtual network, and an observer who sees every
// packet. Inside a testing/synctest bubble nothing of it is real, neither
// sockets nor time, so minutes of traffic take a fraction of a second, and what
// the observer sees in two runs can be compared packet by packet.
//
//	user 0 ──up──▶ ┌────────┐ ──down──▶ user 1
//	        ◀─down─│ server │ ◀──up───
//	               └────────┘
//
// Every user has a path up and a path down, each with delay, jitter and loss.
// Packets keep their order, but for a share of datagrams, if a path has one, that
// are held back for a while and so overtaken. The fate of a packet follows from the
// seed and from what the observer sees of it (path, time, size), never from its
// content or from the order in which goroutines happened to run. So the same
// traffic meets the same network. An attacker on a path (Path.Fate) drops, delays and
// doubles what he likes.
//
// Datagrams travel through Host.ListenUDP, signalling through
// Host.ListenStream and Host.DialContext: a reliable byte stream with the same
// delays. The observer sees both kinds, at the time and place of sending.
//
// A test looks like this:
//
//	synctest.Test(t, func(t *testing.T) {
//		star := simnet.New(simnet.Config{Seed: 1})
//		defer star.Close()
//		server := star.Server()
//		user := star.User(simnet.Path{Delay: 50 * time.Millisecond}, simnet.Path{})
//		...
//	})
//
// All methods may be called from any goroutine.
package simnet
