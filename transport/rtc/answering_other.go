//go:build !linux

package rtc

import "net"

// answerFromWhereAsked does nothing: from which of its addresses the machine answers is
// left to the system.
func answerFromWhereAsked(conn net.PacketConn) (net.PacketConn, *origins) { return conn, nil }
