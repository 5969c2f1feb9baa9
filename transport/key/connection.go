package key

import "crypto/rand"

// ConnectionSize is the length of a connection value, in bytes.
const ConnectionSize = 16

// A Connection is a fresh random value of one connection of one user. It is
// public. What is keyed by it never meets what an earlier connection sent, even
// if the server tells the slots of then again.
type Connection [ConnectionSize]byte

// NewConnection draws a Connection.
func NewConnection() Connection {
	var c Connection
	_, _ = rand.Read(c[:]) // Never fails: the program ends if the system has no randomness.
	return c
}
