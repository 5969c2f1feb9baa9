package bmix

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/wire"
)

// TestBlindness compares whatever the server sends with the oracle: each byte is
// a function of who is online, of which cells arrived, of the server's own
// randomness, and of cells that are moved as they are. There is nothing else that
// it could have learnt.
func TestBlindness(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seats := rapid.IntRange(1, 30).Draw(t, "seats")
		b := newBench(t, seats)
		random := rand.NewChaCha8(seed)
		for range rapid.IntRange(1, 20).Draw(t, "slots") {
			for range rapid.IntRange(0, 4).Draw(t, "changes") {
				i := rapid.IntRange(0, seats-1).Draw(t, "seat")
				if rapid.Bool().Draw(t, "join") {
					b.join(i, rapid.Uint32Range(1, 20).Draw(t, "user"))
				} else {
					b.leave(i)
				}
			}
			b.n += cell.Slot(rapid.IntRange(0, 3).Draw(t, "skipped"))
			for i := range seats {
				b.in[i].Early = int8(rapid.IntRange(-128, 127).Draw(t, "early"))
				if rapid.Bool().Draw(t, "sends") {
					b.put(i, rapid.Byte().Draw(t, "content"))
				}
			}
			want := b.oracle(b.n, random, func(i int) int8 { return b.in[i].Early })
			b.slot()
			for i, m := range b.members {
				if m == nil {
					continue
				}
				if got := b.down(i); !bytes.Equal(got, want[i]) {
					t.Fatalf("seat %d got\n%x, not\n%x", i, got, want[i])
				}
			}
		}
	})
}

// TestCellsMoveUnchanged changes one upload, and finds every download changed in
// that cell only.
func TestCellsMoveUnchanged(t *testing.T) {
	const users, changed = 20, 13
	var before []byte
	for _, content := range []byte{0x11, 0x77} {
		b := full(t, users)
		for i := range users {
			b.put(i, byte(i))
		}
		b.put(changed, content)
		b.slot()
		got := b.down(5)
		if before == nil {
			before = got
			continue
		}
		at := 1*wire.BroadcastSize + wire.BroadcastSize - 8*cell.Size + (changed-8)*cell.Size
		for k := range got {
			inside := k >= at+2 && k < at+cell.Size // The label stays.
			if (got[k] != before[k]) != inside {
				t.Fatalf("byte %d: %x and %x", k, before[k], got[k])
			}
		}
	}
}

// Protocol 3, step 3: the bMIX broadcasts all upload channels to all users.
// Everybody gets the same, but for his feedback.
func TestProtocol3Step3Broadcast(t *testing.T) {
	b := full(t, 17)
	for i := range b.in {
		b.put(i, byte(i))
		b.in[i].Early = int8(i - 5)
	}
	b.slot()
	if d := b.set.Down(); d != (half.Shape{Parts: 1, Messages: 3, Size: 1156}) {
		t.Fatalf("a download is %+v", d)
	}
	first := b.down(0)
	for i := range b.in {
		got := b.down(i)
		for k := range 3 {
			m := got[k*wire.BroadcastSize:][:wire.BroadcastSize]
			if h := b.head(m); h.Feedback != int8(i-5) || h.Base != 8*k || h.Count != 24 {
				t.Errorf("user %d got %+v", i, h)
			}
			if m[2] = first[2]; !bytes.Equal(m, first[k*wire.BroadcastSize:][:wire.BroadcastSize]) {
				t.Errorf("user %d got another message %d than user 0", i, k)
			}
		}
	}
	for i := range b.in {
		if c := wire.BroadcastCell(first[i/8*wire.BroadcastSize:][:wire.BroadcastSize], i%8); !bytes.Equal(c, b.in[i].Batch) {
			t.Errorf("the cell of user %d is %x", i, c)
		}
	}
}

// Protocol 3, step 4: a user looks at a channel by whose it is. Whoever listens
// for eight slots knows the owner of each.
func TestProtocol3Step4Owners(t *testing.T) {
	b := full(t, 17)
	b.leave(3)
	seen := map[int]wire.Broadcast{}
	for range Cells {
		b.slot()
		got := b.down(0)
		for k := range b.set.Down().Messages {
			h := b.head(got[k*wire.BroadcastSize:][:wire.BroadcastSize])
			seen[h.Channel] = h
		}
	}
	for i := range 24 {
		h, ok := seen[i]
		var owner key.Handle
		var conn key.Connection
		if i < len(b.members) && b.members[i] != nil {
			owner, conn = b.members[i].Handle, key.Connection(b.members[i].Record)
		}
		if !ok || h.Owner != owner || h.Conn != conn {
			t.Errorf("channel %d is of %v with %v, not of %v", i, h.Owner, h.Conn, owner)
		}
	}
}

// A channel without a cell carries fresh random bytes behind the label: no bit of
// them is more often set than chance has it, and none is seen twice.
func TestMissingCellsLookRandom(t *testing.T) {
	b := full(t, 2)
	const slots = 1000
	var ones [cell.Size * 8]int
	seen := map[string]bool{}
	for range slots {
		low := b.n.Low()
		b.slot()
		for i := range Cells { // Two of silent users, and six without an owner.
			c := wire.BroadcastCell(b.set.Out(0, 0, 0, nil), i)
			if binary.BigEndian.Uint16(c) != low || seen[string(c[2:])] {
				t.Fatalf("channel %d carries %x", i, c)
			}
			seen[string(c[2:])] = true
			for k := 16; k < len(ones); k++ {
				ones[k] += int(c[k/8]>>(k%8)) & 1
			}
		}
	}
	for k, n := range ones[16:] {
		if n < slots*4-260 || n > slots*4+260 { // 5.8 standard deviations
			t.Errorf("bit %d is set in %d of %d cells", k+16, n, slots*8)
		}
	}
}

// Two servers do not draw the same.
func TestRandomnessIsFresh(t *testing.T) {
	a, b := full(t, 1), full(t, 1)
	a.set, b.set = New(1), New(1)
	a.join(0, 1)
	b.join(0, 1)
	a.slot()
	b.slot()
	if bytes.Equal(a.down(0), b.down(0)) {
		t.Error("two servers sent the same garbage")
	}
}

// The channels are as many as the highest seat needs.
func TestChannelsFollowTheHighestSeat(t *testing.T) {
	b := full(t, 40)
	for _, c := range []struct{ leave, messages int }{{39, 5}, {38, 5}, {10, 5}, {37, 5}, {36, 5}, {35, 5}, {34, 5}, {33, 5}, {32, 4}, {31, 4}} {
		b.leave(c.leave)
		b.slot()
		if got := b.set.Down().Messages; got != c.messages {
			t.Errorf("%d messages after seat %d was left", got, c.leave)
		}
	}
	b.join(32, 99)
	b.slot()
	if got := b.set.Down().Messages; got != 5 {
		t.Errorf("%d messages after seat 32 was taken", got)
	}
}

// A second link of the same user replaces the first.
func TestJoinTwice(t *testing.T) {
	b := full(t, 3)
	b.join(1, 3) // User 3 was on seat 2.
	for range Cells {
		b.slot()
		if h := b.head(b.set.Out(0, 0, 0, nil)); h.Channel == 2 && !h.Owner.IsZero() || h.Channel == 1 && h.Owner != member(3).Handle {
			t.Errorf("channel %d is of %v", h.Channel, h.Owner)
		}
	}
}

// After a fault everybody gets what was made before it, and garbage for the rest.
func TestRecoverFinishesASlot(t *testing.T) {
	for made := range 4 {
		b := full(t, 20)
		for i := range b.in {
			b.put(i, 0x55)
			b.in[i].Early = 7
		}
		if made > 0 {
			b.set.begin(b.n, b.in)
			for range made - 1 {
				b.set.make(b.n, b.in)
				b.set.made++
			}
		}
		b.set.Recover(b.n, b.in)
		got := b.down(2)
		if len(got) != 3*wire.BroadcastSize {
			t.Fatalf("%d bytes", len(got))
		}
		for i := range b.in {
			m := got[i/8*wire.BroadcastSize:][:wire.BroadcastSize]
			if h := b.head(m); h.Slot != b.n.Low() || h.Feedback != 7 {
				t.Errorf("got %+v", h)
			}
			if voice := wire.BroadcastCell(m, i%8)[50] == 0x55 && wire.BroadcastCell(m, i%8)[51] == 0x55; voice != (i/8 < made-1) {
				t.Errorf("%d made before the fault: the cell of user %d is there: %v", made, i, voice)
			}
		}
		b.n++
		b.put(0, 0x66)
		if b.slot(); wire.BroadcastCell(b.set.Out(1, 0, 0, nil), 0)[9] != 0x66 {
			t.Error("the next slot is not as ever")
		}
	}
}

// A slot that is over is not run again.
func TestSlotsRise(t *testing.T) {
	b := full(t, 2)
	b.slot()
	before := bytes.Clone(b.down(1))
	for range 3 {
		b.n--
		b.put(0, 1)
		b.set.Slot(b.n, b.in)
		if !bytes.Equal(b.down(1), before) {
			t.Fatal("a slot that was over was run again")
		}
	}
}

// The record of a member is the value of his connection, and nothing else.
func TestAdmit(t *testing.T) {
	s := New(1)
	for _, size := range []int{0, 15, 17, 3072} {
		m := member(1)
		m.Record = bytes.Repeat([]byte{1}, size)
		if _, err := s.Admit(m); !errors.Is(err, ErrRecord) {
			t.Errorf("a record of %d bytes: %v", size, err)
		}
	}
	m := member(1)
	clear(m.Record)
	if _, err := s.Admit(m); !errors.Is(err, ErrRecord) {
		t.Errorf("a connection of zeros: %v", err)
	}
}
