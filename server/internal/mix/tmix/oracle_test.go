package tmix

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/wire"
)

// An oracle does what the package comment says, slowly and in plain words.
type oracle struct {
	order  []key.Handle // by seat; zero: free
	route  map[key.Handle]key.Handle
	stream map[key.Handle]cell.Body
	mail   map[key.Handle][]mail
	took   map[key.Handle]cell.Slot
}

type mail struct {
	from key.Handle
	body cell.Body
}

type upload struct {
	kind cell.Kind
	body cell.Body
}

func (o *oracle) leave(h key.Handle) {
	delete(o.route, h)
	delete(o.mail, h)
	delete(o.took, h)
	for i := range o.order {
		if o.order[i] == h {
			o.order[i] = key.Handle{}
		}
	}
}

func (o *oracle) slot(n cell.Slot, up map[key.Handle]upload) map[key.Handle]upload {
	for h, u := range up {
		if u.kind == cell.Ring {
			o.route[h] = seal.LetterAddress(&u.body)
		}
		if u.kind == cell.Control && u.body[0] == wire.ControlClear {
			delete(o.route, h)
		}
	}
	o.stream = map[key.Handle]cell.Body{}
	for k := range o.order {
		from := o.order[(k+firstSeat(n, len(o.order)))%len(o.order)]
		u, online := up[from]
		if !online {
			continue
		}
		switch u.kind {
		case cell.Stream:
			to, ok := o.route[from]
			if back, mutual := o.route[to]; ok && mutual && back == from && slices.Contains(o.order, to) {
				o.stream[to] = u.body
			}
		case cell.Letter, cell.Ring:
			o.post(from, seal.LetterAddress(&u.body), u.body)
		}
	}
	out := map[key.Handle]upload{}
	for _, h := range o.order {
		if !h.IsZero() {
			out[h] = o.next(h, n)
		}
	}
	return out
}

func (o *oracle) post(from, to key.Handle, body cell.Body) {
	if !slices.Contains(o.order, to) {
		return
	}
	seal.SetLetterAddress(&body, from)
	at := slices.IndexFunc(o.mail[to], func(m mail) bool { return m.from == from })
	switch {
	case at >= 0:
		o.mail[to][at].body = body
	case len(o.mail[to]) < 4:
		o.mail[to] = append(o.mail[to], mail{from, body})
	}
}

func (o *oracle) next(h key.Handle, n cell.Slot) upload {
	voice, live := o.stream[h]
	took, ever := o.took[h]
	if len(o.mail[h]) > 0 && (!ever || n >= took+10) {
		o.took[h] = n
		m := o.mail[h][0]
		o.mail[h] = o.mail[h][1:]
		return upload{cell.Letter, m.body}
	}
	if live {
		return upload{cell.Stream, voice}
	}
	return upload{kind: cell.Cover}
}

// TestAgainstOracle lets users do anything and compares every cell that comes
// out.
func TestAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const seats = 6
		b := newBench(t, seats)
		o := &oracle{route: map[key.Handle]key.Handle{}, mail: map[key.Handle][]mail{}, took: map[key.Handle]cell.Slot{}}
		for _, u := range b.users {
			o.order = append(o.order, u.handle)
		}
		for step := range rapid.IntRange(1, 60).Draw(t, "slots") {
			if rapid.IntRange(0, 9).Draw(t, "membership") == 0 {
				i := rapid.IntRange(0, seats-1).Draw(t, "seat")
				o.leave(o.order[i])
				b.set.Leave(i)
				b.users[i] = nil
				if rapid.Bool().Draw(t, "back") {
					name := fmt.Sprint("user ", rapid.IntRange(0, 9).Draw(t, "name"))
					b.join(i, name)
					h := b.users[i].handle
					for j, u := range b.users {
						if j != i && u != nil && u.handle == h {
							b.users[j] = nil
						}
					}
					o.leave(h)
					o.order[i] = h
				}
			}
			up := map[key.Handle]upload{}
			for i, u := range b.users {
				if u == nil {
					continue
				}
				k := rapid.SampledFrom([]cell.Kind{cell.Cover, cell.Stream, cell.Stream, cell.Letter, cell.Ring, cell.Control}).Draw(t, "kind")
				body := stream(fmt.Sprint("to nobody ", step, i))
				if to := rapid.IntRange(0, seats-1).Draw(t, "to"); b.users[to] != nil {
					body = b.letter(to, fmt.Sprint("body ", step, " of ", i))
				}
				if k == cell.Control {
					body = cell.Body{byte(rapid.IntRange(0, 2).Draw(t, "operation"))}
				}
				up[u.handle] = upload{k, body}
				b.put(i, k, body)
			}
			want := o.slot(b.n, up)
			got := b.pass()
			for i, u := range b.users {
				if u == nil {
					continue
				}
				if w := want[u.handle]; got[i].kind != w.kind || got[i].body != w.body {
					t.Fatalf("slot %d, user %d got %v %q, want %v %q", step, i, got[i].kind, got[i].body[:40], w.kind, w.body[:40])
				}
			}
		}
	})
}
