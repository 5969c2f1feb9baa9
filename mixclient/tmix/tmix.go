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
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
)

// A Half is the client's end of one link. A new link has a new Half, since its
// keys are fresh. It is for one goroutine at a time and allocates nothing.
type Half struct {
	up   *seal.Sealer
	down *seal.Opener
}

// New returns the half for the secret that signalling agreed on. Cells may be
// sealed up to ahead slots before the newest, so that cover can be staged.
func New(link *key.Secret, ahead int) *Half {
	up, down := seal.LinkKeys(link)
	defer up.Wipe()
	defer down.Wipe()
	return &Half{up: seal.NewSealer(&up, ahead), down: seal.NewOpener(&down)}
}

// Up seals a cell for slot n. It is total.
func (h *Half) Up(out *cell.Cell, n cell.Slot, kind cell.Kind, body *cell.Body) {
	h.up.Seal(out, n, seal.Head{Kind: kind}, body)
}

// Down opens a cell that came in about slot ref. It fails if the cell is not
// one of this link, or was opened before.
func (h *Half) Down(in *cell.Cell, ref cell.Slot, body *cell.Body) (cell.Slot, seal.Head, bool) {
	return h.down.Open(in, ref, body)
}
