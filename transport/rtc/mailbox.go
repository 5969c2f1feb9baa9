package rtc

import "sync"

// mailboxDepth is how many messages may wait for the writer. Two bridge a
// writer that is a little late; more would turn a stall into a burst.
const mailboxDepth = 2

// A mailbox hands messages from senders that must not wait to one writer. It
// holds the newest mailboxDepth of them: a further one overwrites the oldest.
type mailbox struct {
	wake chan struct{} // one deep: something is waiting

	mu      sync.Mutex
	slots   [mailboxDepth][MaxMessage]byte
	sizes   [mailboxDepth]int
	oldest  int
	waiting int
	lost    uint64
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// put copies b, which must not be longer than MaxMessage, and never waits.
func (m *mailbox) put(b []byte) {
	m.mu.Lock()
	if m.waiting == mailboxDepth {
		m.oldest = (m.oldest + 1) % mailboxDepth
		m.waiting--
		m.lost++
	}
	i := (m.oldest + m.waiting) % mailboxDepth
	m.sizes[i] = copy(m.slots[i][:], b)
	m.waiting++
	m.mu.Unlock()

	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// take copies the oldest message to b, which must have MaxMessage bytes, and
// returns its size, or 0 if nothing waits.
func (m *mailbox) take(b []byte) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.waiting == 0 {
		return 0
	}
	n := copy(b, m.slots[m.oldest][:m.sizes[m.oldest]])
	m.oldest = (m.oldest + 1) % mailboxDepth
	m.waiting--
	return n
}

// overwritten returns how many messages were lost to newer ones.
func (m *mailbox) overwritten() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lost
}
