package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"undertone/app/internal/audio"
	"undertone/app/internal/profile"
)

// echoDelay is how long after it was said something comes back: long enough to
// tell it from one's own voice.
const echoDelay = time.Second

const echoText = `Be a contact that answers every call and says back what it hears, a second later:
for trying out a line, a microphone and a server. It needs a profile of its own.

What --in gives is heard together with the echo, and --out hears the caller too.`

func (a *app) echoCommand() *cobra.Command {
	var o talk
	cmd := &cobra.Command{
		Use:   "echo",
		Short: "Answer every call, and say back what is heard",
		Long:  echoText,
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return a.misused("%w", err)
			}
			return a.echo(cmd.Context(), o)
		}),
	}
	o.flags(cmd, noneWord, noneWord)
	cmd.Flags().DurationVar(&o.length, "for", 0, "end after this time, such as 10s or 8h (default: stay)")
	return cmd
}

func (a *app) echo(ctx context.Context, o talk) (err error) {
	p, settings, err := a.openOnline(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	besides, err := o.open(settings)
	if err != nil {
		return err
	}
	device := newEcho(besides, echoDelay)
	defer func() { err = errors.Join(err, device.Close()) }()
	return a.online(ctx, p, device, connection{answer: profile.AnswerAuto, asJSON: o.asJSON}, func(s *session) {
		s.missing = lookFor(ctx, besides, nil)
		if o.length > 0 {
			s.endIn(o.length, nil)
		}
	})
}

// An echo is a Device whose mouth says what its ear has heard, delayed, and
// whatever the source gives.
type echo struct {
	*audio.Duplex // the source and sink that there are besides

	delay int

	mu   sync.Mutex // held for the time of a copy only
	ring []float32  // twice the delay: sample i of the ear is at i % len(ring)
	w, r int        // samples heard and said since the call began
}

func newEcho(besides *audio.Duplex, delay time.Duration) *echo {
	n := audio.Samples(delay)
	return &echo{Duplex: besides, delay: n, ring: make([]float32, 2*n)}
}

// Live begins a call with nothing to say back.
func (e *echo) Live(on bool) {
	e.mu.Lock()
	clear(e.ring)
	e.w, e.r = 0, 0
	e.mu.Unlock()
	e.Duplex.Live(on)
}

// Write hears pcm.
func (e *echo) Write(pcm []float32) {
	e.mu.Lock()
	for _, v := range pcm {
		e.ring[e.w%len(e.ring)] = v
		e.w++
	}
	e.mu.Unlock()
	e.Duplex.Write(pcm)
}

// Read says what was heard one delay ago.
func (e *echo) Read(pcm []float32) {
	e.Duplex.Read(pcm)
	e.mu.Lock()
	defer e.mu.Unlock()
	if ahead := e.r - e.w; ahead > e.delay/2 || ahead < -e.delay/2 {
		e.r = e.w // One of the two has missed slots: what counts is the delay.
	}
	for i := range pcm {
		if from := e.r - e.delay; from >= 0 {
			pcm[i] = min(1, max(-1, pcm[i]+e.ring[from%len(e.ring)]))
		}
		e.r++
	}
}
