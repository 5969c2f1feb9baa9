// Package socket is the UDP socket of one simulated user, on an address of loopback
// that is his own. It is what the observer of his line sees: it tells of every
// datagram when it crossed, and how long it was.
//
// What comes is stamped by the kernel when it is put into the socket, which on
// loopback is the moment at which the server sent it. So what the crowd itself is
// late by, on processors that it shares with the server, is not taken for the
// server's. (On systems other than Linux the stamp is when it was read.)
//
// A socket can also do what happens to people's lines:
//
//	open ──Move──▶ open, from another port: a router has forgotten the old one
//	  └───Cut────▶ cut: nothing crosses any more, as when a program is killed
//
// It is a net.PacketConn, made for rtc.DialConfig; the crowd opens it and the
// packages with the services use it.
package socket
