package bmix

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/wire"
)

// A set is a bMIX in memory: it hands everybody's cell to everybody.
type set struct {
	t     testing.TB
	slot  cell.Slot
	users []*user
}

type user struct {
	handle key.Handle
	conn   key.Connection
	intro  key.Secret
	half   *Half
	say    half.Say
	up     [cell.Size]byte
	heard  []half.Found
	bodies []cell.Body
}

func secret(b byte) *key.Secret {
	s, _ := key.NewSecret(bytes.Repeat([]byte{b}, key.SecretSize))
	return &s
}

func newSet(t testing.TB, n int) *set {
	s := &set{t: t, slot: 1_000_000}
	for i := range n {
		u := &user{handle: key.Handle{byte(i + 1), 9}, intro: *secret(byte(100 + i))}
		s.users = append(s.users, u)
		s.connect(u)
	}
	s.run(8) // The roster has gone round.
	return s
}

func (s *set) connect(u *user) {
	u.conn = key.NewConnection()
	u.half = New(u.handle, u.conn)
}

func (u *user) Hear(f *half.Found) {
	if f.Kind != cell.Cover {
		u.heard = append(u.heard, *f)
		u.bodies = append(u.bodies, *f.Body)
	}
}

// messages is protocol 3, step 3.
func (s *set) messages() [][]byte {
	count := (len(s.users) + 7) / 8 * 8
	var all [][]byte
	for base := 0; base < count; base += 8 {
		b := make([]byte, wire.BroadcastSize)
		h := wire.Broadcast{Slot: s.slot.Low(), Feedback: 5, Base: base, Count: count, Channel: base + int(s.slot%8)}
		if h.Channel < len(s.users) {
			h.Owner, h.Conn = s.users[h.Channel].handle, s.users[h.Channel].conn
		}
		h.Put(b)
		for i := range 8 {
			if base+i < len(s.users) {
				copy(wire.BroadcastCell(b, i), s.users[base+i].up[:])
			}
		}
		all = append(all, b)
	}
	return all
}

func (s *set) run(n int) {
	s.t.Helper()
	for range n {
		s.slot++
		for _, u := range s.users {
			u.half.Up(u.up[:], s.slot, &u.say)
		}
		all := s.messages()
		for _, u := range s.users {
			u.heard, u.bodies = nil, nil
			for k, b := range all {
				r, ok := u.half.Down(b, s.slot, u)
				if !ok || r.Slot != s.slot || r.Feedback != 5 || r.Last != (k == len(all)-1) {
					s.t.Fatalf("message %d was read as %+v %v", k, r, ok)
				}
			}
		}
	}
}

func letter(c seal.Class) (b cell.Body) {
	b[cell.AddressSize] = byte(c)
	copy(b[cell.AddressSize+1:], "a letter")
	return b
}

// befriend gives both a pairwise key.
func befriend(a, b *user, pair *key.Secret) {
	a.half.Keys(&half.Keyring{Intro: &a.intro, Peers: []half.Peer{{Handle: b.handle, Pair: pair}}})
	b.half.Keys(&half.Keyring{Intro: &b.intro, Peers: []half.Peer{{Handle: a.handle, Pair: pair}}})
}

// Protocol 3, step 4: the one whom a cell is for finds it and learns from whom it
// is; nobody else does, and neither does its sender.
func TestProtocol3Step4(t *testing.T) {
	s := newSet(t, 10)
	a, b := s.users[1], s.users[9]
	befriend(a, b, secret(1))
	for _, kind := range []cell.Kind{cell.Stream, cell.Letter, cell.Ring} {
		a.say = half.Say{Kind: kind, To: b.handle, Body: letter(seal.HourClass(3))}
		s.run(1)
		for i, u := range s.users {
			if found := len(u.heard) > 0; found != (u == b) {
				t.Fatalf("%s: user %d finds something: %v", kind, i, found)
			}
		}
		want := a.say.Body
		if kind != cell.Stream {
			seal.SetLetterAddress(&want, a.handle)
		}
		if f := b.heard[0]; f.Kind != kind || f.From != a.handle || f.Place != -1 || f.Slot != s.slot || b.bodies[0] != want {
			t.Errorf("%s: found %+v", kind, f)
		}
	}
}

// Step 2: who has nothing to say, or nobody who is there to say it to, or says it
// to a stranger, sends garbage.
func TestProtocol3Step2(t *testing.T) {
	s := newSet(t, 4)
	a, b := s.users[0], s.users[1]
	befriend(a, b, secret(1))
	for name, say := range map[string]half.Say{
		"nothing":       {},
		"control":       {Kind: cell.Control, To: b.handle},
		"unknown kind":  {Kind: 77, To: b.handle},
		"to a stranger": {Kind: cell.Stream, To: s.users[2].handle},
		"to himself":    {Kind: cell.Stream, To: a.handle},
		"to the absent": {Kind: cell.Stream, To: key.Handle{99}},
		"to no group":   {Kind: cell.Stream, Group: true},
	} {
		a.say = say
		s.run(1)
		for i, u := range s.users {
			if len(u.heard) > 0 {
				t.Errorf("%s: user %d finds something", name, i)
			}
		}
	}
}

// A pairing goes both ways between two of whom one holds the other's link.
func TestPairingLettersAreFound(t *testing.T) {
	s := newSet(t, 3)
	a, b := s.users[0], s.users[1]
	a.half.Keys(&half.Keyring{Intro: &a.intro, Peers: []half.Peer{{Handle: b.handle, Intro: &b.intro}}})
	b.half.Keys(&half.Keyring{Intro: &b.intro})
	a.say = half.Say{Kind: cell.Letter, To: b.handle, Body: letter(seal.FromInitiator)}
	b.say = half.Say{Kind: cell.Letter, To: a.handle, Body: letter(seal.FromResponder)}
	s.run(1)
	if len(b.heard) != 1 || b.heard[0].From != a.handle || len(a.heard) != 1 || a.heard[0].From != b.handle || len(s.users[2].heard) != 0 {
		t.Errorf("found %v, %v, %v", a.heard, b.heard, s.users[2].heard)
	}
}

// In a group everybody finds what everybody says, also of those who are no
// contacts, and by the places; who speaks of an old generation is still found.
func TestGroupIsHeardByAll(t *testing.T) {
	s := newSet(t, 9)
	members := [half.MaxGroup]key.Handle{0: s.users[8].handle, 2: s.users[0].handle, 7: s.users[4].handle}
	places := map[*user]int{s.users[8]: 0, s.users[0]: 2, s.users[4]: 7}
	for u, place := range places {
		groups := []half.Group{{Secret: secret(2), Place: place, Members: members}, {Secret: secret(3), Place: place, Members: members}}
		if place == 7 {
			groups = groups[1:] // has not heard of the new one yet
		}
		u.half.Keys(&half.Keyring{Intro: &u.intro, Groups: groups})
		u.say = half.Say{Kind: cell.Stream, Group: true}
	}
	s.run(1)
	for i, u := range s.users {
		place, member := places[u]
		want := 0
		if member {
			want = 2
		}
		if place == 7 {
			want = 0
		}
		for _, f := range u.heard {
			if f.Place == place || members[f.Place].IsZero() || !f.From.IsZero() {
				t.Errorf("user %d found %+v", i, f)
			}
		}
		if len(u.heard) != want {
			t.Errorf("user %d heard %d of the group, want %d", i, len(u.heard), want)
		}
	}
}

// Cells sealed in the last slot of an hour are found though the hour has turned.
func TestStragglersOfTheHourBefore(t *testing.T) {
	s := newSet(t, 2)
	a, b := s.users[0], s.users[1]
	befriend(a, b, secret(1))
	b.half.Keys(&half.Keyring{Intro: &b.intro, Peers: []half.Peer{{Handle: a.handle, Pair: secret(2), Last: secret(1)}}})
	a.say = half.Say{Kind: cell.Stream, To: b.handle}
	if s.run(1); len(b.heard) != 1 {
		t.Errorf("found %v", b.heard)
	}
}

// A user who comes back on another seat and connection is found again as soon as
// the roster has gone round, and old cells of his are not.
func TestReconnect(t *testing.T) {
	s := newSet(t, 4)
	a, b := s.users[0], s.users[1]
	befriend(a, b, secret(1))
	a.say = half.Say{Kind: cell.Stream, To: b.handle}
	s.run(1)
	old := s.messages()[0]
	s.users[0], s.users[3] = s.users[3], s.users[0]
	s.connect(a)
	befriend(a, b, secret(1))
	if s.run(9); len(b.heard) != 1 || b.heard[0].From != a.handle {
		t.Fatalf("found %v after a reconnect", b.heard)
	}
	b.heard = nil
	if _, ok := b.half.Down(old, s.slot, b); !ok || len(b.heard) != 0 {
		t.Errorf("an old cell was found: %v", b.heard)
	}
}

// Whatever is said, when, to whom, and whatever the server does with the slots:
// no tag and no cell is ever sent twice, over reconnects too.
func TestNoTagTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := &set{t: t, slot: 1000, users: []*user{{handle: key.Handle{1}}, {handle: key.Handle{2}}}}
		a, b := s.users[0], s.users[1]
		b.conn = key.NewConnection()
		connect := func() {
			s.connect(a)
			a.half.book.Seat(1, b.handle, b.conn)
			a.half.Keys(&half.Keyring{Intro: &a.intro, Peers: []half.Peer{{Handle: b.handle, Pair: secret(1)}}})
		}
		connect()
		seen := map[[16]byte]bool{}
		rt.Repeat(map[string]func(*rapid.T){
			"up": func(rt *rapid.T) {
				s.slot++
				a.say = rapid.SampledFrom([]half.Say{{}, {Kind: cell.Stream, To: b.handle}, {Kind: cell.Letter, To: b.handle}}).Draw(rt, "say")
				a.half.Up(a.up[:], s.slot, &a.say)
				if c := [16]byte(a.up[slotSize:]); seen[c] {
					rt.Fatal("a cell was sent twice")
				} else {
					seen[c] = true
				}
			},
			"reconnect, and the slots of before again": func(*rapid.T) {
				s.slot -= 20
				connect()
			},
		})
	})
}

// A slot that was said something in is not used for another word, or the other
// word would share its tag.
func TestSaysOnceInASlot(t *testing.T) {
	s := newSet(t, 2)
	a, b := s.users[0], s.users[1]
	befriend(a, b, secret(1))
	a.say = half.Say{Kind: cell.Stream, To: b.handle}
	s.run(1)
	tag := [8]byte(a.up[slotSize:])
	for _, n := range []cell.Slot{s.slot, s.slot - 1} {
		a.half.Up(a.up[:], n, &half.Say{Kind: cell.Letter, To: b.handle})
		if [8]byte(a.up[slotSize:]) == tag {
			t.Error("a tag was used again")
		}
	}
}

func TestStatus(t *testing.T) {
	s := newSet(t, 5)
	befriend(s.users[0], s.users[1], secret(1))
	if st := s.users[0].half.Status(); st.Members != 5 || st.Known != 1 || !st.Ready {
		t.Errorf("%+v", st)
	}
	s.users = s.users[:2]
	s.run(8)
	if st := s.users[0].half.Status(); st.Members != 2 {
		t.Errorf("%+v after three have left", st)
	}
}

// Bytes of a hostile server: nothing but a message of the right shape and time is
// taken in, and nothing stops.
func TestOddMessages(t *testing.T) {
	s := newSet(t, 2)
	u := s.users[0]
	good := s.messages()[0]
	for name, b := range map[string][]byte{"empty": nil, "a cell": good[:cell.Size], "cut": good[1:]} {
		if _, ok := u.half.Down(b, s.slot, u); ok {
			t.Errorf("%s was taken", name)
		}
	}
	if _, ok := u.half.Down(good, s.slot+near+1, u); ok {
		t.Error("a slot that is far off was taken")
	}
}

func FuzzDown(f *testing.F) {
	s := newSet(f, 9)
	befriend(s.users[0], s.users[1], secret(1))
	for _, b := range s.messages() {
		f.Add(b)
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		u := s.users[0]
		u.heard, u.bodies = nil, nil
		u.half.Down(b, s.slot, u)
		u.half.Up(u.up[:], s.slot, &half.Say{Kind: cell.Stream, To: s.users[1].handle})
	})
}

type deaf struct{}

func (deaf) Hear(*half.Found) {}

func TestAllocatesNothing(t *testing.T) {
	s := newSet(t, 16)
	a, b := s.users[0], s.users[1]
	befriend(a, b, secret(1))
	s.run(1)
	all := s.messages()
	say := half.Say{Kind: cell.Stream, To: b.handle}
	n := s.slot
	if x := testing.AllocsPerRun(200, func() {
		n++
		a.half.Up(a.up[:], n, &say)
		for _, m := range all {
			b.half.Down(m, s.slot, deaf{})
		}
	}); x != 0 {
		t.Errorf("%v allocations", x)
	}
}

// BenchmarkSlot is what a slot costs a client of a set of the given size who has
// ten contacts: one cell up, all cells down.
func BenchmarkSlot(b *testing.B) {
	for _, n := range []int{10, 50, 100, 300} {
		b.Run(fmt.Sprintf("%d members", n), func(b *testing.B) {
			s := &set{t: b, slot: 1000}
			for i := range n {
				s.users = append(s.users, &user{handle: key.Handle{byte(i), byte(i >> 8), 1}, conn: key.NewConnection()})
			}
			u := s.users[0]
			s.connect(u)
			k := half.Keyring{Intro: secret(200)}
			for i := range 10 {
				k.Peers = append(k.Peers, half.Peer{Handle: s.users[(i+1)%n].handle, Pair: secret(byte(i + 1)), Intro: secret(byte(i + 20))})
			}
			u.half.Keys(&k)
			slots := make([][][]byte, 16)
			for i := range slots {
				s.slot++
				slots[i] = s.messages()
			}
			say := half.Say{Kind: cell.Stream, To: s.users[1].handle}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				u.half.Up(u.up[:], s.slot+cell.Slot(i), &say) //nolint:gosec // positive
				for _, m := range slots[i%16] {
					u.half.Down(m, s.slot, deaf{})
				}
			}
		})
	}
}
