package pulse

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

// Every packet of the protocol begins with its length and 16 more bytes.
const (
	headSize   = 20
	packetSize = 1 << 20 // no list of devices is longer
)

// packets hands whole packets to the protocol's reader, which would never end a
// list that breaks off in the middle, and whatever ends the connection as its
// end, of which alone the reader tells.
type packets struct {
	conn net.Conn
	rest []byte // of the last packet
}

func (p *packets) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		if err := p.next(); err != nil {
			p.conn.Close()
			return 0, io.EOF
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *packets) next() error {
	var head [headSize]byte
	if _, err := io.ReadFull(p.conn, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > packetSize {
		return fmt.Errorf("a packet of %d bytes", n)
	}
	whole := make([]byte, headSize+n)
	copy(whole, head[:])
	if _, err := io.ReadFull(p.conn, whole[headSize:]); err != nil {
		return err
	}
	p.rest = whole
	return nil
}

// Write gives up, at the deadline of the request, a server that does not take what it
// is told.
func (p *packets) Write(b []byte) (int, error) { return p.conn.Write(b) }
