package rtc

// ListenerStats counts what came to a listener. None of it depends on calls.
type ListenerStats struct {
	// Pending is how many links are not open yet.
	Pending int
	// Unopened is how many links were given up because they did not open in time.
	Unopened uint64

	// Datagrams is how many came, and Unclaimed how many of them were for no
	// link: they are from addresses of which no link has heard, and are dropped.
	Datagrams, Unclaimed uint64
	// Flooded is how many came to a link too quickly one after the other, Forged
	// how many were of no use to it. They are dropped as well.
	Flooded, Forged uint64

	// Overwritten is how many messages were sent on open links and replaced by newer
	// ones, and Late how many waited too long for the channel, of all links that are or
	// were. Both grow when one line gets slow or ends, and quickly when the machine is
	// too slow.
	Overwritten, Late uint64

	// Streams is how many connections over TCP there are, and Stalled how many
	// datagrams were lost on them because they did not get on.
	Streams int
	Stalled uint64
}

// Stats returns what was counted so far.
func (s *Listener) Stats() ListenerStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.port.seen
	// What was read last may not have been claimed yet, so claimed comes first.
	claimed := n.claimed.Load()
	read := n.read.Load()
	overwritten, late := s.overwritten, s.late
	for l := range s.links {
		overwritten += l.mail.lost.Load()
		late += l.late.Load()
	}
	return ListenerStats{
		Pending:   s.pending,
		Unopened:  s.unopened,
		Datagrams: read,
		Unclaimed: read - claimed,
		Flooded:   n.flooded.Load(),
		Forged:    n.forged.Load(),

		Overwritten: overwritten,
		Late:        late,

		Streams: s.port.sock.streams.count(),
		Stalled: s.port.sock.streams.lost.Load(),
	}
}
