package tmix

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/wire"
)

// A user is the other end of a link, for tests.
type user struct {
	handle key.Handle
	up     *seal.Sealer
	down   *seal.Opener
}

// A bench is a Set with its users and the slot it is at.
type bench struct {
	t     rapid.TB
	set   *Set
	users []*user
	in    []half.In
	n     cell.Slot
}

func newBench(t rapid.TB, seats int) *bench {
	b := &bench{t: t, set: New(seats), users: make([]*user, seats), in: make([]half.In, seats), n: 1_000_000}
	batches := make([]cell.Cell, seats)
	for i := range seats {
		b.in[i].Batch = batches[i][:]
		b.join(i, fmt.Sprintf("user %d", i))
	}
	return b
}

func (b *bench) join(i int, name string) {
	sum := sha256.Sum256([]byte(name))
	link, err := key.NewSecret(sum[:])
	if err != nil {
		b.t.Fatal(err)
	}
	h := key.Handle(sum[:16])
	m, err := b.set.Admit(half.Member{Handle: h, Link: &link})
	if err != nil {
		b.t.Fatal(err)
	}
	b.set.Join(i, m)
	up, down := seal.LinkKeys(&link)
	b.users[i] = &user{handle: h, up: seal.NewSealer(&up, 0), down: seal.NewOpener(&down)}
}

// up is the upload of user i, down his download.
func (b *bench) up(i int) *cell.Cell   { return (*cell.Cell)(b.in[i].Batch) }
func (b *bench) down(i int) *cell.Cell { return (*cell.Cell)(b.set.Out(i, 0, 0, nil)) }

// put has user i send a cell in the coming slot.
func (b *bench) put(i int, k cell.Kind, body cell.Body) {
	b.in[i].Present = true
	b.users[i].up.Seal(b.up(i), b.n, seal.Head{Kind: k}, &body)
}

// a heard cell is what a user found in his download.
type heard struct {
	kind  cell.Kind
	body  cell.Body
	early int8
}

// slot runs the coming slot and returns what everybody got. Users who put
// nothing send cover.
func (b *bench) slot() []heard {
	b.t.Helper()
	for i, u := range b.users {
		if u != nil && !b.in[i].Present {
			b.put(i, cell.Cover, cell.Body{})
		}
	}
	return b.pass()
}

// pass is slot without cover for the silent.
func (b *bench) pass() []heard {
	b.t.Helper()
	b.set.Slot(b.n, b.in)
	all := make([]heard, len(b.users))
	for i, u := range b.users {
		b.in[i].Present = false
		if u == nil {
			continue
		}
		n, head, ok := u.down.Open(b.down(i), b.n, &all[i].body)
		if !ok || n != b.n {
			b.t.Fatalf("user %d cannot open the cell of slot %d", i, b.n)
		}
		all[i].kind, all[i].early = head.Kind, head.Feedback
	}
	b.n++
	return all
}

func stream(text string) (b cell.Body) { copy(b[:], text); return b }

func (b *bench) letter(to int, text string) (body cell.Body) {
	seal.SetLetterAddress(&body, b.users[to].handle)
	copy(body[cell.AddressSize:], text)
	return body
}

// call points the routes of i and j at each other.
func (b *bench) call(i, j int) {
	b.put(i, cell.Ring, b.letter(j, "knock"))
	b.put(j, cell.Ring, b.letter(i, "answer"))
	b.slot()
	b.slot() // The letters are out.
}

func (h heard) is(k cell.Kind, text string) bool {
	from := 0
	if k == cell.Letter {
		from = cell.AddressSize
	}
	return h.kind == k && bytes.HasPrefix(h.body[from:], []byte(text))
}

// Protocol 1, step 1: «The user sets an encrypted link with the tMIX.» A cell
// under another key, for another slot, or changed in one bit does nothing.
func TestProtocol1Step1EncryptedLink(t *testing.T) {
	spoilers := map[string]func(b *bench){
		"other key": func(b *bench) {
			body := stream("voice")
			var k key.Secret
			seal.NewSealer(&k, 0).Seal(b.up(0), b.n, seal.Head{Kind: cell.Stream}, &body)
		},
		"other slot": func(b *bench) {
			body := stream("voice")
			b.users[0].up.Seal(b.up(0), b.n+1, seal.Head{Kind: cell.Stream}, &body)
		},
		"one bit": func(b *bench) { b.up(0)[60] ^= 4 },
	}
	for name, spoil := range spoilers {
		b := newBench(t, 3)
		b.call(0, 1)
		if name == "one bit" {
			b.put(0, cell.Stream, stream("voice"))
		}
		spoil(b)
		b.in[0].Present = true
		if got := b.slot(); got[1].kind != cell.Cover {
			t.Errorf("%s: %v came out", name, got[1].kind)
		}
		if b.set.Refused() != 1 {
			t.Errorf("%s: %d refused", name, b.set.Refused())
		}
	}
}

// Protocol 1, step 1: a cell is accepted once.
func TestProtocol1Step1Replay(t *testing.T) {
	b := newBench(t, 2)
	b.call(0, 1)
	b.put(0, cell.Stream, stream("voice"))
	old := *b.up(0)
	if got := b.slot(); !got[1].is(cell.Stream, "voice") {
		t.Fatal("the voice did not arrive")
	}
	*b.up(0), b.in[0].Present = old, true
	if got := b.slot(); got[1].kind != cell.Cover {
		t.Fatalf("a replay came out as %v", got[1].kind)
	}
	b.n--
	before := *b.down(1)
	*b.up(0), b.in[0].Present = old, true
	if b.set.Slot(b.n, b.in); *b.down(1) != before {
		t.Fatal("a slot that was over was run again")
	}
}

// Protocol 1, step 2 and 3: «sending every tenth of a second a one kilobit
// packet of encrypted garbage», both ways. Whoever sends garbage, or nothing at
// all, gets garbage, with the feedback in it.
func TestProtocol1Step2And3Cover(t *testing.T) {
	b := newBench(t, 3)
	b.put(0, cell.Cover, cell.Body{})
	b.in[2].Present = true // zeros: not even a cell
	for i := range b.in {
		b.in[i].Early = int8(i - 1)
	}
	for i, h := range b.pass() {
		if h.kind != cell.Cover || h.body != (cell.Body{}) || h.early != int8(i-1) {
			t.Errorf("user %d got %v", i, h)
		}
	}
}

// Cells of garbage and cells of voice look alike: no byte of a download is the
// same in two slots more often than chance has it.
func TestProtocol1Step3GarbageLooksRandom(t *testing.T) {
	b := newBench(t, 1)
	const slots = 2000
	var ones [cell.Size * 8]int
	for range slots {
		b.slot()
		for i := range ones {
			ones[i] += int(b.down(0)[i/8]>>(i%8)) & 1
		}
	}
	for i, n := range ones {
		if i < 16 {
			continue // The slot is in the clear.
		}
		if n < slots/2-130 || n > slots/2+130 { // 5.8 standard deviations
			t.Errorf("bit %d is set in %d of %d cells", i, n, slots)
		}
	}
}

// Protocol 2, step 1: «A replaces the garbage on his upload channel by packets
// encapsulating the information he wants to send to B.» What he sends before the
// routes point at each other goes nowhere.
func TestProtocol2Step1NeedsMutualRoutes(t *testing.T) {
	b := newBench(t, 3)
	b.put(0, cell.Ring, b.letter(1, "knock"))
	b.slot()
	b.slot()
	b.put(0, cell.Stream, stream("voice"))
	b.put(1, cell.Stream, stream("voice"))
	for i, h := range b.slot() {
		if h.kind != cell.Cover {
			t.Errorf("user %d got %v over a route of one end", i, h.kind)
		}
	}
	b.put(1, cell.Ring, b.letter(2, "knock"))
	b.slot()
	b.slot()
	b.put(0, cell.Stream, stream("voice"))
	if got := b.slot(); got[1].kind != cell.Cover {
		t.Errorf("user 1 got %v from a stranger", got[1].kind)
	}
}

// Protocol 2, step 2: «the tMIX decrypts them and recognizes that they are not
// encrypted garbage.» Kinds that do not exist are garbage.
func TestProtocol2Step2UnknownKinds(t *testing.T) {
	b := newBench(t, 2)
	b.call(0, 1)
	for k := range 256 {
		switch k := cell.Kind(k); k {
		case cell.Stream, cell.Letter, cell.Ring, cell.Control:
		default:
			b.put(0, k, b.letter(1, "odd"))
			if got := b.slot(); got[1].kind != cell.Cover {
				t.Fatalf("kind %d came out as %v", k, got[1].kind)
			}
		}
	}
}

// Protocol 2, step 3: «The tMIX forwards these messages to user B's download
// channel by replacing the encrypted garbage.» In the same slot.
func TestProtocol2Step3Forwards(t *testing.T) {
	b := newBench(t, 4)
	b.call(0, 3)
	for k := range 50 {
		text := fmt.Sprint("voice ", k)
		b.put(0, cell.Stream, stream(text))
		if got := b.slot(); !got[3].is(cell.Stream, text) || got[1].kind != cell.Cover || got[0].kind != cell.Cover {
			t.Fatalf("slot %d: %v", k, got)
		}
	}
	if got := b.slot(); got[3].kind != cell.Cover {
		t.Fatal("the stream of an earlier slot came again")
	}
}

// Protocol 2, step 4: «B … recognizes an incoming communication from A.» The
// letter names its source, whatever the source wrote there.
func TestProtocol2Step4NamesTheSource(t *testing.T) {
	for _, k := range []cell.Kind{cell.Letter, cell.Ring} {
		b := newBench(t, 3)
		b.put(2, k, b.letter(1, "knock"))
		got := b.slot()[1]
		if !got.is(cell.Letter, "knock") || seal.LetterAddress(&got.body) != b.users[2].handle {
			t.Fatalf("%v came out as %v", k, got)
		}
	}
}

// Protocol 2, step 5: «B replies to A following the same protocol.»
func TestProtocol2Step5Replies(t *testing.T) {
	b := newBench(t, 2)
	b.call(0, 1)
	b.put(0, cell.Stream, stream("hello"))
	b.put(1, cell.Stream, stream("hi"))
	if got := b.slot(); !got[1].is(cell.Stream, "hello") || !got[0].is(cell.Stream, "hi") {
		t.Fatal("no call")
	}
	b.put(1, cell.Control, cell.Body{wire.ControlClear})
	b.slot()
	b.put(0, cell.Stream, stream("hello?"))
	b.put(1, cell.Stream, stream("gone"))
	if got := b.slot(); got[0].kind != cell.Cover || got[1].kind != cell.Cover {
		t.Fatal("a call that was cleared goes on")
	}
}

// Who leaves takes his route and mail along, and the next on his seat starts
// with nothing. A contact's route to him works again when he points his back.
func TestLeaveAndReturn(t *testing.T) {
	b := newBench(t, 4)
	b.call(0, 1)
	b.put(0, cell.Stream, stream("voice"))
	b.put(2, cell.Letter, b.letter(1, "one"))
	b.slot()
	b.put(2, cell.Letter, b.letter(1, "two"))
	b.put(0, cell.Stream, stream("voice"))
	b.slot()
	b.set.Leave(1)
	b.join(1, "a stranger")
	b.put(0, cell.Stream, stream("voice"))
	if got := b.slot(); got[1].kind != cell.Cover {
		t.Fatalf("a stranger got %v", got[1].kind)
	}
	b.set.Leave(3)
	b.join(3, "user 1")
	b.put(0, cell.Stream, stream("voice"))
	if got := b.slot(); got[3].kind != cell.Cover {
		t.Fatal("the route survived its owner")
	}
	b.put(3, cell.Ring, b.letter(0, "resume"))
	b.slot()
	b.put(0, cell.Stream, stream("again"))
	if got := b.slot(); !got[3].is(cell.Stream, "again") {
		t.Fatal("the call did not go on")
	}
}

// A second link of the same user replaces the first.
func TestJoinTwice(t *testing.T) {
	b := newBench(t, 3)
	b.join(2, "user 0")
	b.users[0] = nil
	b.put(1, cell.Letter, b.letter(2, "hello"))
	if got := b.slot(); !got[2].is(cell.Letter, "hello") {
		t.Fatal("the letter went to the old link")
	}
}

// After a fault everybody still gets a cell that he can open.
func TestCoverFinishesASlot(t *testing.T) {
	b := newBench(t, 3)
	b.call(0, 1)
	b.set.last, b.set.sealed = b.n, 1 // as if emit had failed for seat 1
	*b.down(0) = cell.Cell{1}
	b.set.Recover(b.n, b.in)
	if *b.down(0) != (cell.Cell{1}) {
		t.Error("a cell was sealed twice")
	}
	for i := 1; i < 3; i++ {
		var body cell.Body
		if _, head, ok := b.users[i].down.Open(b.down(i), b.n, &body); !ok || head.Kind != cell.Cover {
			t.Errorf("user %d got no cover", i)
		}
	}
	b.n++
	b.put(0, cell.Stream, stream("voice"))
	if got := b.slot(); got[1].kind != cell.Cover {
		t.Error("the routes were not forgotten")
	}
}
