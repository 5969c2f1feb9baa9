package bare

import (
	"errors"
	"io"
	"net"
	"sync"

	"undertone/server/bench/internal/child"
)

const (
	// maxDatagram is longer than any.
	maxDatagram = 2048
	// maxUsers bounds what strangers could make the child keep.
	maxUsers = 1 << 16
	// buffer is how much the system may hold for the socket, in bytes.
	buffer = 8 << 20
)

// errOrder is returned for anything but one Listen.
var errOrder = errors.New("this child can be told to listen, once")

// Serve is what a child does that answers datagrams, until in ends.
func Serve(in io.Reader, out io.Writer) error {
	var conn *net.UDPConn
	var work sync.WaitGroup
	err := child.Reply(in, out, func(q child.Question) (child.Answer, error) {
		if q.Goroutines {
			return child.Goroutines(), nil
		}
		if q.Listen == nil || conn != nil {
			return child.Answer{}, errOrder
		}
		var err error
		if conn, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
			return child.Answer{}, err
		}
		// The system may grant less.
		_, _ = conn.SetReadBuffer(buffer), conn.SetWriteBuffer(buffer)
		work.Go(func() { echo(conn, *q.Listen) })
		return child.Answer{Address: conn.LocalAddr().String()}, nil
	})
	if conn != nil {
		_ = conn.Close()
	}
	work.Wait()
	return err
}

// echo answers datagrams until conn is closed.
func echo(conn *net.UDPConn, what child.Listen) {
	users := make(map[uint32]*sealer)
	in, out := make([]byte, maxDatagram), make([]byte, maxDatagram)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(in)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		user, ok := userOf(in[:n])
		if err != nil || !ok {
			continue
		}
		s := users[user]
		if s == nil && len(users) < maxUsers {
			if s, err = newSealer(what.Seed, user, maxDatagram); err != nil {
				continue
			}
			users[user] = s
		}
		if s == nil {
			continue
		}
		slot, which, ok := s.open(in[:n])
		if !ok || which != 0 {
			continue
		}
		for k := range what.Messages {
			// What the network does not take is lost.
			_, _ = conn.WriteToUDPAddrPort(s.seal(out, slot, uint16(k+1), what.Size), from) //nolint:gosec // at most 64
		}
	}
}
