package lease

import (
	"math/rand/v2"

	"undertone/transport/cell"
	"undertone/transport/superpose/calendar"
)

// A reserver is a policy: the one of the package, or one without protection.
type reserver interface {
	Slot(v View, wants bool, mine []Lease) int
}

// A setting is a set of members, as far as reservations go.
type setting struct {
	interval          cell.Interval
	channels, members int
	delay             cell.Slot // slots until the result of a token is known
	loss              float64   // of slots that are not complete
	bare              bool      // without protection
}

// usual is the set that the package comment speaks of.
var usual = setting{interval: cell.Interval40, channels: 8, members: 20, delay: 4}

// A fact is what everybody sees of a slot.
type fact struct {
	valid, collided, granted uint8
	opening, lost            bool
	ends                     [calendar.MaxChannels]cell.Slot // after the slot
}

// A person is a member, and what only he knows.
type person struct {
	reserver
	away   bool // not in the epoch
	wants  bool
	busy   bool // has a call, or is about to be rung
	leases []Lease
}

// known returns his leases that have not ended, as of a slot.
func (p *person) known(n, known cell.Slot, buf []Lease) []Lease {
	for _, l := range p.leases {
		if l.Begin <= known && l.End > n {
			buf = append(buf, l)
		}
	}
	return buf
}

// talks tells whether what he says in slot n has a channel: one whose grant he
// knows, with one slot to make the batch anew.
func (p *person) talks(n, delay cell.Slot) bool {
	for _, l := range p.leases {
		if l.Begin+delay+1 <= n && n < l.End {
			return true
		}
	}
	return false
}

// A world is the public process of a set, and who is behind it.
type world struct {
	setting
	cal     calendar.Calendar
	rand    *rand.Rand
	persons []person
	now     cell.Slot // the next slot
	first   cell.Slot
	facts   []fact // of the slots from first on
	lost    cell.Slot
	lapsed  cell.Slot // the newest slot in which all leases ended
	opening int       // slots of the opening to come
	mine    [8]Lease
}

func newWorld(s setting, seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	start := cell.Slot(1_000_000 + r.Uint64N(1000))
	w := &world{setting: s, cal: calendar.New(s.interval, s.channels), rand: r, now: start, first: start, opening: 4}
	w.persons = make([]person, s.members)
	for i := range w.persons {
		w.persons[i].reserver = New(s.interval, rand.New(rand.NewPCG(r.Uint64(), r.Uint64())))
		if s.bare {
			w.persons[i].reserver = &bare{cal: w.cal, rand: r, times: timesOf(s.interval)}
		}
	}
	return w
}

// slots returns how many slots so many milliseconds are.
func (w *world) slots(ms int) cell.Slot { return cell.Slot(ms / w.interval.Milliseconds()) }

// at returns what was known of slot n.
func (w *world) at(n cell.Slot) *fact {
	if n < w.first {
		return &fact{}
	}
	return &w.facts[n-w.first]
}

// step runs one slot.
func (w *world) step() {
	n := w.now
	w.now++
	f := fact{opening: w.opening > 0, lost: w.rand.Float64() < w.loss, ends: w.at(n - 1).ends}
	for c := range f.ends {
		if f.ends[c] <= n {
			f.ends[c] = 0
		}
	}
	places := 8 * ((w.channels + 7) / 8)
	if f.opening {
		places *= 17
		w.opening--
	}
	who := w.tokens(n, f.opening)
	if f.lost {
		w.lost = n
	} else {
		w.grant(n, &f, places, who)
	}
	w.facts = append(w.facts, f)
}

// tokens asks all members for their tokens, and returns whose there are.
func (w *world) tokens(n cell.Slot, opening bool) []int {
	known := n - w.delay
	v := View{Slot: n, Known: known, Channels: w.channels, Opening: opening, Ends: make([]cell.Slot, w.channels)}
	if known >= w.lapsed {
		copy(v.Ends, w.at(known).ends[:])
	}
	if w.lost != 0 {
		v.Lost = min(w.lost, known)
	}
	for i := range w.persons {
		if !w.persons[i].away {
			v.Members++
		}
	}
	var who []int
	for i := range w.persons {
		p := &w.persons[i]
		if p.away {
			continue
		}
		for range p.Slot(v, p.wants, p.known(n, known, w.mine[:0])) {
			who = append(who, i)
		}
	}
	return who
}

// grant is the server: tokens in the same place destroy each other.
func (w *world) grant(n cell.Slot, f *fact, places int, who []int) {
	var count [17 * calendar.MaxChannels]uint8
	place := make([]int, len(who))
	for k := range who {
		place[k] = w.rand.IntN(places)
		count[place[k]]++
	}
	var valid []int
	for k, i := range who {
		if count[place[k]] == 1 {
			valid = append(valid, i)
		}
	}
	for _, c := range count {
		if c > 1 {
			f.collided++
		}
	}
	w.rand.Shuffle(len(valid), func(i, j int) { valid[i], valid[j] = valid[j], valid[i] })
	f.valid = uint8(len(valid))
	for _, i := range valid {
		c := w.cal.Grant(n, f.ends[:w.channels], 1<<w.channels-1)
		if c < 0 {
			return
		}
		f.granted++
		f.ends[c] = w.cal.End(c, n)
		p := &w.persons[i]
		p.leases = append(p.leases, Lease{n, f.ends[c]})
	}
}

// run runs some slots.
func (w *world) run(slots cell.Slot) {
	for range slots {
		w.step()
	}
}

// lapse ends all leases, and opens.
func (w *world) lapse() {
	for i := range w.persons {
		w.persons[i].leases = w.persons[i].leases[:0]
	}
	if len(w.facts) > 0 {
		w.facts[len(w.facts)-1].ends = [calendar.MaxChannels]cell.Slot{}
	}
	w.lapsed, w.opening = w.now-1, 4
}

// bare is a member without protection: he holds channels only while he needs one.
type bare struct {
	cal   calendar.Calendar
	rand  *rand.Rand
	times times
	next  cell.Slot
}

func (b *bare) Slot(v View, wants bool, mine []Lease) int {
	if !wants || v.Slot < b.next {
		return 0
	}
	over := b.cal.Over(v.Slot)
	for _, l := range mine {
		if l.End > over || over-v.Slot > b.times.frame-b.times.early {
			return 0
		}
	}
	b.next = v.Slot + 5
	return 1
}
