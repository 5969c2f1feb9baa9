// Package throttle bounds how often somebody may ask for something, and how much
// is remembered for it. The server uses it where strangers can make it work: by
// address in signalling, by account at the gate, by link at the UDP port.
//
//	who asks ──▶ Table: a bucket for each of those seen last ──▶ yes or no
//	who was let in ──▶ Memory: those seen last ──▶ is he one of them?
//
// A bucket holds some tokens and gets more with time; who asks takes one, and is
// told no while there is none. Who turns out to be welcome can be given his back. A
// bucket that nobody has asked for a while is full, and then it is the same as none.
// So both forget: they hold the newest keys in two halves, and when one half is full
// the other is emptied.
//
//	   ask                half full
//	──────▶ young ────────────────────▶ old ────────────────────▶ forgotten
//	          ▲                          │      half full again
//	          └──────────────────────────┘
//	                    ask
//
// Who wants to be forgotten early has to come from as many addresses as a half
// holds, and from then on a limit for all together is what counts. Nothing in
// here knows what it counts, and nothing depends on calls.
//
// All methods may be called from any goroutine; none waits for more than a lock
// that is held for a look-up.
package throttle

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A Rate is how often something may happen: so many times at one moment, and
// after that so many times a second.
type Rate struct {
	Burst     int
	PerSecond float64
}

// Bucket returns a full bucket. It is safe for use from several goroutines.
func (r Rate) Bucket() *rate.Limiter { return rate.NewLimiter(rate.Limit(r.PerSecond), r.Burst) }

// A bucket is what one key of a Table has left.
type bucket struct {
	tokens float64
	at     time.Time // when that was so
}

// fill brings the bucket to now.
func (b *bucket) fill(r Rate, now time.Time) {
	if passed := now.Sub(b.at); passed > 0 {
		b.tokens = min(b.tokens+r.PerSecond*passed.Seconds(), float64(r.Burst))
		b.at = now
	}
}

// A Table has a bucket for each of the keys that asked last.
type Table[K comparable] struct {
	rate Rate

	mu      sync.Mutex
	buckets recent[K, *bucket]
}

// NewTable returns a Table that remembers at least the last size keys, and at
// most twice as many.
func NewTable[K comparable](r Rate, size int) *Table[K] {
	return &Table[K]{rate: r, buckets: recent[K, *bucket]{size: size}}
}

// Allow reports whether k may do once more, at now, what the table counts.
func (t *Table[K]) Allow(k K, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	b, ok := t.buckets.get(k)
	if !ok {
		b = &bucket{tokens: float64(t.rate.Burst), at: now}
		t.buckets.put(k, b)
	}
	b.fill(t.rate, now)
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// Return undoes one Allow of k that was true, so that it does not count.
func (t *Table[K]) Return(k K, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b, ok := t.buckets.get(k); ok { // One that was forgotten is full.
		b.fill(t.rate, now)
		b.tokens = min(b.tokens+1, float64(t.rate.Burst))
	}
}

// Len returns how many keys are remembered.
func (t *Table[K]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buckets.len()
}

// A Memory remembers keys.
type Memory[K comparable] struct {
	mu   sync.Mutex
	keys recent[K, struct{}]
}

// NewMemory returns a Memory of at least the last size keys, and of at most
// twice as many.
func NewMemory[K comparable](size int) *Memory[K] {
	return &Memory[K]{keys: recent[K, struct{}]{size: size}}
}

// Add remembers k.
func (m *Memory[K]) Add(k K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.keys.get(k); !ok {
		m.keys.put(k, struct{}{})
	}
}

// Has reports whether k is remembered, and has it remembered for longer.
func (m *Memory[K]) Has(k K) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.keys.get(k)
	return ok
}

// recent is a map of the keys used last: at least size of them.
type recent[K comparable, V any] struct {
	size       int
	young, old map[K]V
}

// get returns what belongs to k, and makes k young.
func (r *recent[K, V]) get(k K) (v V, ok bool) {
	if v, ok = r.young[k]; ok {
		return v, true
	}
	if v, ok = r.old[k]; ok {
		delete(r.old, k)
		r.put(k, v)
	}
	return v, ok
}

// put adds k, which must not be there.
func (r *recent[K, V]) put(k K, v V) {
	if len(r.young) >= r.size || r.young == nil {
		r.old, r.young = r.young, make(map[K]V)
	}
	r.young[k] = v
}

func (r *recent[K, V]) len() int { return len(r.young) + len(r.old) }

// networkBits is how much of an IPv6 address is a network: one line has at least
// so many addresses, so counting them one by one would count nobody. siteBits is how
// much of it is the same for all networks of one site: whoever asks his provider for
// more than one line gets up to so many.
const (
	networkBits = 64
	siteBits    = 48
)

// Network returns what stands for whoever is behind an address: the address
// itself in IPv4, where that may be a whole house or newsroom, and its network
// of 64 bits in IPv6.
func Network(a netip.Addr) netip.Prefix {
	return prefix(a, networkBits)
}

// Site returns what stands for all networks that somebody may have: in IPv6 a network
// of 48 bits, and in IPv4 what Network returns, since there is no more to be had.
func Site(a netip.Addr) netip.Prefix { return prefix(a, siteBits) }

// prefix returns the first bits of an IPv6 address, or an IPv4 address as it is.
func prefix(a netip.Addr, bits int) netip.Prefix {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		bits = a.BitLen()
	}
	p, _ := a.Prefix(bits) // Fails for no address only, and then the prefix of none is right.
	return p
}
