package desk

import (
	"context"
	"errors"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
	"undertone/mixclient/call"
)

// lookEvery is how often the phone is asked for what may change without an event, in
// a call and out of it. Nobody is told, and nothing drawn, unless it has.
const lookEvery = time.Second

// A line is the time from opening a profile to closing it.
type line struct {
	desk    *Desk
	profile *profile.Profile
	jack    *audio.Jack
	phone   Phone
	ctx     context.Context //nolint:containedctx // of Run
	cancel  context.CancelFunc
	done    chan struct{} // closed when all is closed

	// Guarded by the desk's mutex.
	bell Ringer
	over bool // nothing is to be opened for it any more
}

// newLine opens the sound and makes the phone. The profile stays the caller's if it
// fails.
func (d *Desk) newLine(p *profile.Profile) (*line, error) {
	c := p.Snapshot()
	settings := c.Settings
	c.Wipe()
	device, err := d.cfg.OpenSound(settings)
	if err != nil {
		return nil, err
	}
	l := &line{desk: d, profile: p, jack: audio.NewJack(device), done: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	if l.bell, err = d.cfg.OpenRinger(settings.RingDevice); err != nil {
		l.cancel()
		return nil, errors.Join(err, device.Close())
	}
	l.bell.Softer(settings.RingSofter)
	l.phone, err = d.cfg.NewPhone(phone.Config{
		Profile: p, Sound: l.jack, Answer: settings.Answer, Socket: d.socket,
		Problem: d.problem,
	})
	if err != nil {
		l.cancel()
		return nil, errors.Join(err, l.bell.Close(), l.jack.Close())
	}
	l.phone.Mute(settings.PushToTalk)
	d.lookFor(model.Calls, device)
	d.lookFor(model.Bell, l.bell)
	return l, nil
}

// problem shows what is wrong with the profile: as long as it cannot be written, since
// all that happens meanwhile would be lost.
func (d *Desk) problem(err error) {
	var text words.Message
	switch {
	case err == nil:
	case errors.Is(err, phone.ErrNotTaken):
		d.Say(model.Explain(err))
		return
	case errors.Is(err, profile.ErrChanged):
		text = model.Explain(err)
	default:
		text = words.M("error.write", "why", err.Error())
	}
	d.change(func(m *model.Model) { m.Write(text) })
}

// run runs the phone, and closes all when it has ended.
func (l *line) run() {
	defer close(l.done)
	result := make(chan error, 1)
	go func() { result <- l.phone.Run(l.ctx) }()
	l.hear()
	err := <-result
	l.cancel()
	d := l.desk
	d.mu.Lock()
	d.line, d.known = nil, known{settings: d.known.settings}
	bell, leaving := l.bell, d.closed
	l.over = true
	d.mu.Unlock()
	_ = errors.Join(bell.Close(), l.jack.Close()) // Sound devices have nothing to save.
	l.profile.Close()
	if !leaving {
		if err == nil {
			err = errors.New("the phone has ended")
		}
		d.stuck(err)
	}
}

// hear takes events until the phone has ended.
func (l *line) hear() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case e, open := <-l.phone.Events():
			if !open {
				return
			}
			l.desk.heed(l.phone, e)
			l.desk.change(func(m *model.Model) { m.Hear(e) })
			l.ring()
			l.knock(e)
		case <-tick.C:
			if l.desk.glance(l.phone) {
				l.desk.cfg.Changed()
			}
			l.ring()
		}
	}
}

// ring rings as long as somebody calls who is to be heard, and has the user hear that
// he calls himself.
func (l *line) ring() {
	stage := l.desk.View(time.Now()).Call.Stage
	bell := l.ringer()
	bell.Calls(stage == model.RingsThere)
	bell.Ring(stage == model.RingsHere)
}

// knock says softly that somebody has called during another call.
func (l *line) knock(e phone.Event) {
	if e.Kind != phone.Ended || e.Outgoing || e.Outcome != call.Missed {
		return
	}
	v := l.desk.View(time.Now())
	if v.Call.Stage == model.Talking && v.MayRing(e.Name) {
		l.ringer().Knock()
	}
}

func (l *line) ringer() Ringer {
	l.desk.mu.Lock()
	defer l.desk.mu.Unlock()
	return l.bell
}

// leave hangs up, takes leave and ends the phone.
func (l *line) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveFor)
	defer cancel()
	l.phone.Leave(ctx)
	l.phone.AwaitIdle(ctx) // Of a call that was hung up just before.
	l.cancel()
}
