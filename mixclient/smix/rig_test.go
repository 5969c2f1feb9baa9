package smix

import (
	"crypto/rand"
	"testing"

	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/superpose"
	"undertone/transport/trickle"
)

var pin = [32]byte{1, 2, 3}

// fataler is what rapid and testing have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// A rig is some halves, and a server that says whatever a test wants.
type rig struct {
	t       fataler
	ids     []*key.Identity
	players []*player
	slot    cell.Slot
	counter uint32
	jam     func(sum []byte) // adds to a sum, if there is one
}

// A player is a half with a pacer that sends one batch in every slot.
type player struct {
	*Half
	number superpose.Number
	cover  map[cell.Slot]batch
	voice  map[cell.Slot]batch
	top    cell.Slot
	stale  cell.Slot // restage has to come down to here, 0: it is done
	left   int       // what may be made before the machine stands still, -1: all
	heard  []half.Found
}

// A batch is what was made for a slot, and the pads it was made with.
type batch struct {
	bytes   []byte
	pads    []byte
	counter uint32
}

// Hear implements half.Ear.
func (p *player) Hear(f *half.Found) {
	if f.Kind != cell.Cover {
		p.heard = append(p.heard, *f)
	}
}

func identities(t testing.TB, n int) (ids []*key.Identity) {
	t.Helper()
	for range n {
		id, err := key.NewIdentity()
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

const firstSlot = 1_000_000

// newRig has halves for all identities, who know each other.
func newRig(t fataler, ids []*key.Identity, channels int) *rig {
	r := &rig{t: t, ids: ids, slot: firstSlot}
	for i := range ids {
		r.players = append(r.players, r.player(i, channels))
	}
	r.introduce()
	return r
}

// player makes the half of an identity.
func (r *rig) player(i, channels int) *player {
	pass, err := NewPassport(r.ids[i], pin)
	if err != nil {
		r.t.Fatal(err)
	}
	h, err := New(pass, Config{Interval: cell.Interval40, Channels: channels})
	if err != nil {
		r.t.Fatal(err)
	}
	h.Keys(&half.Keyring{Peers: r.peers(i)})
	p := &player{Half: h, number: superpose.Number(i + 1), left: -1, cover: map[cell.Slot]batch{}, voice: map[cell.Slot]batch{}}
	h.high = r.slot
	h.item([]byte{byte(superpose.Welcome), 0, byte(p.number)})
	return p
}

// peers are all others, with whom there are keys.
func (r *rig) peers(i int) (all []half.Peer) {
	for j, id := range r.ids {
		if j != i {
			var b [32]byte
			b[0], b[1], b[2] = 7, byte(min(i, j)), byte(max(i, j))
			pair, _ := key.NewSecret(b[:])
			all = append(all, half.Peer{Handle: id.Account().Handle(), Pair: &pair})
		}
	}
	return all
}

// introduce has every pair agree on a secret.
func (r *rig) introduce() {
	for i := range r.players {
		for j := range i {
			r.agree(r.players[j], r.players[i])
		}
	}
}

func unframe(framed []byte) []byte { return framed[2:] }

// agree has a newcomer and an elder agree on a secret.
func (r *rig) agree(elder, newcomer *player) {
	newcomer.item(unframe(superpose.FrameItem(superpose.Elder, elder.number, elder.Record)))
	var in trickle.Receiver
	b := make([]byte, superpose.BulkSize)
	var cipher []byte
	for n := cell.Slot(0); newcomer.out.Acked() < newcomer.out.End(); n++ {
		in.Put(uint16(newcomer.out.Acked()), 0, nil)
		g, c := newcomer.out.Chunk(b, n)
		in.Put(g, c, b)
		if item, ok := in.Next(); ok {
			x, _ := superpose.ParseItem(item)
			cipher = append([]byte(nil), x.Cipher...)
			break
		}
	}
	newcomer.out = trickle.Sender{}
	record, err := superpose.ParseRecord(newcomer.Record, pin)
	if err != nil || cipher == nil {
		r.t.Fatalf("no cipher text from the newcomer: %v", err)
	}
	elder.item(unframe(superpose.FrameItem(superpose.Newcomer, newcomer.number, record.Short(), cipher)))
}

// conn tells connections as an honest server does.
func (r *rig) conn(n superpose.Number) (key.Connection, bool) {
	if int(n) > len(r.players) || n == 0 {
		return key.Connection{}, false
	}
	return r.players[n-1].conn, true
}

// epoch returns an epoch of the given members, with its name.
func (r *rig) epoch(counter uint32, start cell.Slot, lapse bool, members ...superpose.Number) (superpose.Epoch, seal.Epoch) {
	e := superpose.Epoch{Counter: counter, Start: start, Lapse: lapse, Members: members}
	_, _ = rand.Read(e.Nonce[:])
	name, _ := e.Name(r.players[0].cfg.Channels, r.conn)
	return e, name
}

// all returns the numbers of all.
func (r *rig) all() (m []superpose.Number) {
	for _, p := range r.players {
		m = append(m, p.number)
	}
	return m
}

// list is a message that tells of an epoch.
func list(n cell.Slot, e *superpose.Epoch, name seal.Epoch) []byte {
	b := make([]byte, superpose.Size)
	h := superpose.Head{Slot: n.Low(), Flags: superpose.Listed}
	h.PutDown(b)
	e.List(superpose.Body(b), name)
	return b
}

// begin puts all into an epoch that starts at the next slot.
func (r *rig) begin(lapse bool) {
	r.counter++
	e, name := r.epoch(r.counter, r.slot+1, lapse, r.all()...)
	for _, p := range r.players {
		p.follow(e.List(make([]byte, superpose.BulkSize), name))
		if p.epochs.newest().Counter != r.counter {
			r.t.Fatal("an honest epoch was not taken in")
		}
	}
}

// stage makes the batch of slot n.
func (p *player) stage(to map[cell.Slot]batch, n cell.Slot, s *half.Say) {
	b := batch{bytes: make([]byte, p.Shape().Bytes())}
	p.Up(b.bytes, n, s)
	m := p.of(n)
	b.pads, b.counter = append([]byte(nil), m.pads...), m.counter
	to[n] = b
}

const ahead = 40

// prepare makes batches in advance, and that of slot n.
func (p *player) prepare(n cell.Slot, s *half.Say) {
	p.top = max(p.top, n)
	for ; p.top < n+ahead; p.top++ {
		p.stage(p.cover, p.top, &half.Say{})
	}
	p.restage()
	p.stage(p.voice, n, s)
	p.restage()
}

// restage makes batches anew, from the newest down. It may stop in the middle.
func (p *player) restage() {
	if stale, ok := p.Stale(); ok && (p.stale == 0 || stale < p.stale) {
		p.stale = stale
	}
	if p.stale == 0 {
		return
	}
	for m := p.top - 1; m >= p.stale; m-- {
		if p.left == 0 {
			return
		}
		p.left--
		p.stage(p.cover, m, &half.Say{})
	}
	p.stale = 0
}

// take returns what is sent in slot n.
func (p *player) take(n cell.Slot) batch {
	b, ok := p.voice[n]
	if !ok {
		b = p.cover[n]
	}
	delete(p.voice, n)
	delete(p.cover, n)
	return b
}

// cells returns what a batch adds to the channels, if it is a share.
func (b batch) cells(channels int) (all [][]byte, ok bool) {
	if b.bytes == nil {
		return nil, false
	}
	h, _ := superpose.ParseUp(b.bytes[:superpose.Size])
	if h.Flags&superpose.Share == 0 {
		return nil, false
	}
	for c := range channels {
		k := c / superpose.Cells
		body := superpose.Body(b.bytes[k*superpose.Size : (k+1)*superpose.Size])
		x := append([]byte(nil), superpose.Channel(body, c%superpose.Cells)...)
		for i := range x {
			x[i] ^= b.pads[k*seal.ShareSize+c%superpose.Cells*cell.Size+i]
		}
		all = append(all, x)
	}
	return all, true
}

// grant has a map say that the tokens of a player won the given channel, and
// returns the message.
func (r *rig) mapOf(n cell.Slot, e *epoch, names map[int]superpose.Name, body []byte, flags byte) []byte {
	b := make([]byte, superpose.Size)
	h := superpose.Head{Slot: n.Low(), Flags: flags, Epoch: e.Low()}
	h.PutDown(b)
	for c, name := range names {
		copy(superpose.Map(b)[c*superpose.NameSize:], name[:])
	}
	copy(superpose.Body(b), body)
	return b
}
