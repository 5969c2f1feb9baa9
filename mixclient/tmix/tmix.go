// Package tmix is the client's half of the tMIX (the paper's protocols 1 and 2):
// one cell up and one cell down in every slot. It is pure: it turns what the
// client wants to say into a cell, and a cell into what the server said. The
// server's half is server/internal/mix/tmix; mixclient/core is the only caller.
//
//	protocol 1, step 2: Up with cell.Cover
//	protocol 1, step 3: Down, which recognises cover by its kind
//	protocol 2, step 1: Up with anything else
//	protocol 2, step 4: Down
package tmix

import (
	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
)

// A Half is the client's end of one link. A new link has a new Half, since its
// keys are fresh. It is for one goroutine at a time and allocates nothing.
type Half struct {
	up    *seal.Sealer
	down  *seal.Opener
	body  cell.Body
	found half.Found
}

var _ half.Half = (*Half)(nil)

// New returns the half for the secret that signalling agreed on. Cells may be
// sealed up to ahead slots before the newest, so that cover can be staged.
func New(link *key.Secret, ahead int) *Half {
	up, down := seal.LinkKeys(link)
	defer up.Wipe()
	defer down.Wipe()
	return &Half{up: seal.NewSealer(&up, ahead), down: seal.NewOpener(&down)}
}

// Shape returns what goes up: one cell.
func (h *Half) Shape() half.Shape { return half.Shape{Parts: 1, Messages: 1, Size: cell.Size} }

// Up seals the cell of slot n. Streams follow the sender's route, and letters
// name their addressee, so that nothing else says whom it is for.
func (h *Half) Up(out []byte, n cell.Slot, s *half.Say) {
	h.up.Seal((*cell.Cell)(out), n, seal.Head{Kind: s.Kind}, &s.Body)
}

// Down opens a cell that came in about slot ref. It fails if the cell is not
// one of this link, or was opened before.
func (h *Half) Down(in []byte, ref cell.Slot, ear half.Ear) (half.Report, bool) {
	if len(in) != cell.Size {
		return half.Report{}, false
	}
	n, head, ok := h.down.Open((*cell.Cell)(in), ref, &h.body)
	if !ok {
		return half.Report{}, false
	}
	h.found = half.Found{Slot: n, Kind: head.Kind, Place: -1, Body: &h.body}
	if head.Kind == cell.Letter || head.Kind == cell.Ring {
		h.found.From = seal.LetterAddress(&h.body)
	}
	ear.Hear(&h.found)
	return half.Report{Slot: n, Feedback: head.Feedback, Last: true, Final: true}, true
}

// Keys does nothing: the server finds whom a letter is for.
func (h *Half) Keys(*half.Keyring) {}

// Stale reports that nothing has to be made anew.
func (h *Half) Stale() (cell.Slot, bool) { return 0, false }

// Wants does nothing: everybody has a channel.
func (h *Half) Wants(bool) {}

// Leave does nothing: nobody waits for who has gone.
func (h *Half) Leave() cell.Slot { return 0 }

// Left reports that the link may end.
func (h *Half) Left() bool { return true }

// Status tells nothing of the set: the server tells nothing.
func (h *Half) Status() half.Status { return half.Status{Ready: true} }

// Alarms returns none: the server is trusted.
func (h *Half) Alarms() []half.Alarm { return nil }
