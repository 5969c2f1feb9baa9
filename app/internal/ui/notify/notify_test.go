package notify

import (
	"testing"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"undertone/app/internal/ui/bus"
	"undertone/app/internal/ui/bus/bustest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A desktop shows notifications. Each call waits until the test lets it go on.
type desktop struct {
	conn   *dbus.Conn
	calls  chan call
	closed chan uint32
}

type call struct {
	replaces uint32
	body     string
	actions  []string
	hints    map[string]dbus.Variant
	reply    chan uint32
}

// Notify is called by the bus.
func (d *desktop) Notify(_ string, replaces uint32, _, _, body string, actions []string, hints map[string]dbus.Variant, _ int32) (uint32, *dbus.Error) {
	c := call{replaces, body, actions, hints, make(chan uint32)}
	d.calls <- c
	return <-c.reply, nil
}

// CloseNotification is called by the bus.
func (d *desktop) CloseNotification(id uint32) *dbus.Error {
	d.closed <- id
	return nil
}

func (d *desktop) press(t *testing.T, id any, key string) {
	t.Helper()
	if err := d.conn.Emit(path, service+".ActionInvoked", id, key); err != nil {
		t.Fatal(err)
	}
}

func started(t *testing.T) (n *Notices, d *desktop, address string) {
	t.Helper()
	address = bustest.Start(t)
	d = &desktop{calls: make(chan call), closed: make(chan uint32, 8)}
	d.conn = bustest.Other(t, address, service)
	if err := d.conn.Export(d, path, service); err != nil {
		t.Fatal(err)
	}
	b, err := bus.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	if n, err = New(b); err != nil {
		t.Fatal(err)
	}
	return n, d, address
}

func texts(body string) Texts {
	return Texts{Title: "Undertone", Body: body, Answer: "Answer", Decline: "Decline"}
}

// The buttons do something as long as their notification is the one that is wanted,
// whatever else comes by the bus.
func TestButtons(t *testing.T) {
	n, d, address := started(t)
	pressed := make(chan string, 8)
	does := Actions{Answer: func() { pressed <- "answer" }, Decline: func() { pressed <- "decline" }}
	n.Show(texts("Ann calls"), does)
	c := <-d.calls
	if c.body != "Ann calls" || len(c.actions) != 4 || c.hints["transient"].Value() != true {
		t.Errorf("shown: %+v", c)
	}
	c.reply <- 7
	n.Show(texts("Bob calls"), does) // So that the first is done with.
	c = <-d.calls
	if c.replaces != 7 {
		t.Errorf("the second takes the place of %d", c.replaces)
	}
	c.reply <- 8
	n.Hide()
	if id := <-d.closed; id != 8 {
		t.Errorf("%d is taken away", id)
	}
	n.Show(texts("Cyd calls"), does)
	c = <-d.calls
	c.reply <- 9
	for n.now() != 9 {
		n.bus.Owner(service) // Until the answer has come.
	}

	d.press(t, uint32(8), answerKey)
	d.press(t, uint32(9), "default")
	d.press(t, "9", answerKey)
	forger := &desktop{conn: bustest.Other(t, address, "")}
	forger.press(t, uint32(9), answerKey)
	if err := forger.conn.Send(unicast(n.bus.Name()), nil).Err; err != nil {
		t.Fatal(err)
	}
	d.press(t, uint32(9), refuseKey)
	if key := <-pressed; key != "decline" {
		t.Errorf("%q was pressed by what is none of ours", key)
	}
	d.press(t, uint32(9), answerKey)
	if key := <-pressed; key != "answer" {
		t.Errorf("%q was pressed", key)
	}
	n.Close()
	if id := <-d.closed; id != 9 {
		t.Errorf("at the end %d is taken away", id)
	}
	if len(pressed) != 0 {
		t.Errorf("%q was pressed, too", <-pressed)
	}
}

// unicast is the signal of a forger, sent to one program and not to all: no rule keeps
// that away.
func unicast(to string) *dbus.Message {
	return &dbus.Message{
		Type: dbus.TypeSignal,
		Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldDestination: dbus.MakeVariant(to),
			dbus.FieldPath:        dbus.MakeVariant(path),
			dbus.FieldInterface:   dbus.MakeVariant(service),
			dbus.FieldMember:      dbus.MakeVariant("ActionInvoked"),
			dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(uint32(0), "")),
		},
		Body: []any{uint32(9), answerKey},
	}
}

func (n *Notices) now() uint32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.id
}

// A call that is over before the desktop has shown it leaves nothing behind.
func TestNothingStays(t *testing.T) {
	n, d, _ := started(t)
	n.Show(texts("Ann calls"), Actions{})
	c := <-d.calls
	n.Hide()
	c.reply <- 7
	if id := <-d.closed; id != 7 {
		t.Errorf("%d is taken away", id)
	}
	n.Close()
}

// What another calls himself is no markup.
func TestNamesAreNoMarkup(t *testing.T) {
	if got := plain(`<img src="//h/x"> & co`); got != `&lt;img src="//h/x"&gt; &amp; co` {
		t.Errorf("shown: %s", got)
	}
}
