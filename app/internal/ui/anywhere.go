package ui

import (
	"context"
	"errors"
	"sync"

	"undertone/app/internal/ui/shortcut"
	"undertone/app/internal/ui/words"
)

// anywhere is the key that one talks with while another window is in front.
type anywhere struct {
	on      bool
	letGo   context.CancelFunc // nil while it is not asked for
	holding sync.WaitGroup
}

// talkAnywhere asks the desktop for a key, as long as it is on. A person may take his
// time to choose one; what goes wrong is said.
func (w *window) talkAnywhere(on bool) {
	a := &w.anywhere
	if on == a.on {
		return
	}
	a.on = on
	if a.letGo != nil {
		a.letGo()
		a.letGo = nil
	}
	switch {
	case !on:
	case w.bus == nil:
		w.desk.Say(shortcutProblem(shortcut.ErrNone))
	default:
		ctx, cancel := context.WithCancel(context.Background())
		a.letGo = cancel
		what := w.words().Say(words.M("shortcut.talk"))
		a.holding.Go(func() {
			if err := shortcut.Hold(ctx, w.bus, what, w.desk.Talk); err != nil {
				w.desk.Say(shortcutProblem(err))
			}
		})
	}
}

// shortcutProblem says why there is no key.
func shortcutProblem(err error) words.Message {
	switch {
	case errors.Is(err, shortcut.ErrEnded):
		return words.M("shortcut.ended")
	case errors.Is(err, shortcut.ErrRefused):
		return words.M("shortcut.refused")
	}
	return words.M("shortcut.none")
}
