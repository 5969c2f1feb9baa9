package demo

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/ring"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/desk"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/picture"
	"undertone/app/internal/ui/words"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/simnet"
	"undertone/transport/uri"
)

// A frontage is what a window does with its desk: it looks 20 times a second, draws
// the eavesdropper's picture as often, or is frozen and does nothing at all.
type frontage struct {
	*trace
	desk *desk.Desk
}

// open has ann's profile opened by a window's desk, on her place of the network, with
// her sound.
func (tr *trace) open() *frontage {
	tr.t.Helper()
	u := tr.ann
	dir := u.profile.Dir()
	tr.do(u.profile.Save())
	u.profile.Close()
	d := desk.New(desk.Config{
		Dir: dir,
		NewPhone: func(c phone.Config) (desk.Phone, error) {
			c.Connect = u.cfg.Place.Connect
			return phone.New(c)
		},
		OpenSound:   func(profile.Settings) (audio.Device, error) { return u.sound, nil },
		OpenRinger:  func(string) (desk.Ringer, error) { return ring.New(audio.Silence{}), nil },
		ListDevices: func(context.Context) ([]sound.Device, error) { return nil, nil },
		Socket:      u.cfg.Place.Socket,
	})
	d.Open()
	return &frontage{tr, d}
}

// watch looks as a window that is drawn does, for a while, or until something is so.
func (f *frontage) watch(d time.Duration, until func(model.View) bool) bool {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		f.desk.Wire(time.Now())
		if v := f.desk.View(time.Now()); until != nil && until(v) {
			return true
		}
	}
	return false
}

func (f *frontage) stage(s model.Stage) {
	f.t.Helper()
	if !f.watch(8*time.Second, func(v model.View) bool { return v.Call.Stage == s }) {
		v := f.desk.View(time.Now())
		f.t.Errorf("stage %d instead of %d, page %d, online %t, %q, %q", v.Call.Stage, s, v.Page, v.Line.On, v.Problem.Key(), v.Notice.Key())
	}
}

// looks is a window that is open while nothing happens, and somebody tries all that
// tells nobody anything: keys are exchanged with who is away, too.
func (f *frontage) looks() {
	id, err := key.NewIdentity()
	f.do(err)
	away := uri.Contact{Name: "zed", Host: "h:1", Fingerprint: id.Fingerprint(), Intro: *id.Seed()}
	f.desk.AddPerson(away.String(), "", func(words.Message) {})
	f.desk.NewLink()
	f.desk.Choose(func(s *profile.Settings) { s.RingSofter, s.Theme = 30, profile.ThemeDark })
	f.desk.Verify("bob", true)
	f.desk.ToggleDeafen()
	f.desk.ToggleDeafen()
	f.desk.Seen()
	f.watch(8*time.Second, nil)
}

// talks is a call that comes in, is answered in the window, muted, and hung up.
func (f *frontage) talks() {
	f.do(f.bob.Phone.Call("ann"))
	f.stage(model.RingsHere)
	f.desk.Answer()
	f.stage(model.Talking)
	f.expect(f.bob, phone.VoiceHeard)
	f.watch(2*time.Second, nil)
	f.desk.ToggleMute()
	f.watch(time.Second, nil)
	f.desk.ToggleMute()
	f.desk.Hangup()
	f.stage(model.NoCall)
	f.expect(f.bob, phone.Ended)
}

// frozen is a call that rings at a window that hangs, until the caller gives up.
func (f *frontage) frozen() {
	f.do(f.bob.Phone.Call("ann"))
	time.Sleep(5 * time.Second)
	f.do(f.bob.Phone.Hangup())
	f.expect(f.bob, phone.Ended)
}

// calls is a call that begins in the window and is declined.
func (f *frontage) calls() {
	f.desk.Call("bob")
	f.stage(model.RingsThere)
	f.expect(f.bob, phone.Rings)
	f.do(f.bob.Phone.Decline())
	f.expect(f.bob, phone.Ended)
	f.watch(3*time.Second, nil)
	f.desk.Hangup()
	f.stage(model.NoCall)
}

// Trace equality with a window in front of the phone: whether it is hidden, open,
// rings, talks, hangs or calls, whoever records all packets sees the same.
func TestWindowIsUnobservable(t *testing.T) {
	t.Parallel()
	for _, i := range []cell.Interval{pace()} {
		t.Run(i.String(), func(t *testing.T) {
			t.Parallel()
			acts := []func(*frontage){func(*frontage) {}, (*frontage).looks, (*frontage).talks, (*frontage).frozen, (*frontage).calls, func(*frontage) {}}
			tr := &trace{scene: scene{mode: cell.TMIX, interval: i, each: window}}
			synctest.Test(t, func(t *testing.T) {
				tr.t, tr.start = t, time.Now()
				tr.star = simnet.New(simnet.Config{Seed: 1})
				defer tr.star.Close()
				tr.set = tr.serve()
				tr.gather()
				f := tr.open()
				tr.do(tr.bob.Start(t.Context()))
				for k, act := range acts {
					tr.at(settled + time.Duration(k)*window)
					act(f)
				}
				tr.at(settled + time.Duration(len(acts))*window)
				tr.split(tr.star.Since(tr.start.Add(settled)), len(acts))
				f.check()
				f.desk.Close()
				tr.do(tr.bob.Close())
				tr.do(tr.set.Close())
			})
			checkEqual(t, tr, 1, "a window", "a call in it", "a call while it hangs", "a call from it", "nothing at all")
		})
	}
}

// check looks whether all that was done was really done, and whether the picture has
// what crossed the socket.
func (f *frontage) check() {
	f.t.Helper()
	v := f.desk.View(time.Now())
	if v.Missed != 1 || len(v.Past) != 3 || len(v.People) != 2 || !v.People[0].Verified || v.Settings.RingSofter != 30 {
		f.t.Errorf("missed %d; history %+v; contacts %+v", v.Missed, v.Past, v.People)
	}
	wire := f.desk.Wire(time.Now()).Wire
	sent := slices.DeleteFunc(slices.Clone(wire), func(c picture.Crossing) bool { return !c.Sent })
	if want := int(f.scene.interval.Slots(10 * time.Second)); len(sent) < want {
		f.t.Errorf("the picture has %d packets that were sent, and not %d", len(sent), want)
	}
}
