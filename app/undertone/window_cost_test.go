//go:build !nogui

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"undertone/app/internal/audio/pulsetest"
	"undertone/app/internal/ui/bus/bustest"
	"undertone/transport/cell"
)

// How long it takes until there is a window, and what the program takes while it has
// none, with its sound helpers and without: the window was never open, as after the
// desktop has started it, or is closed to the tray.
func BenchmarkWindow(b *testing.B) {
	pulse := pulsetest.Start(b)
	w := newWorld(b, cell.TMIX, cell.Interval40)
	w.join("ann")
	d := newDesktop(w, pulse, "ann")
	d.giveTray()
	b.Run("start", func(b *testing.B) {
		var took time.Duration
		for b.Loop() {
			took += d.open()
			d.await(1)
			d.leave()
		}
		b.ReportMetric(float64(took.Milliseconds())/float64(b.N), "ms")
		b.ReportMetric(0, "ns/op")
	})
	b.Run("hidden", func(b *testing.B) {
		d.start("--hidden")
		d.measure(b)
	})
	b.Run("closed", func(b *testing.B) {
		d.open()
		d.await(1)
		d.press("ctrl+w")
		d.measure(b)
	})
	b.Run("open", func(b *testing.B) {
		d.open()
		d.measure(b)
	})
}

// measure reports what the program takes, and ends it.
func (d *desktop) measure(b *testing.B) {
	d.await(1)
	<-time.After(costWindow) // What starting took is given back.
	pid := d.program.Process.Pid
	var spent, own, passed time.Duration
	for b.Loop() {
		before, ownBefore, began := processorTime(b, pid), ownTime(b, pid), time.Now()
		<-time.After(costWindow)
		spent += processorTime(b, pid) - before
		own += ownTime(b, pid) - ownBefore
		passed += time.Since(began)
	}
	b.ReportMetric(100*spent.Seconds()/passed.Seconds(), "%core")
	b.ReportMetric(100*own.Seconds()/passed.Seconds(), "%core-without-helpers")
	b.ReportMetric(float64(resident(b, pid))/1000, "MB-without-helpers")
	b.ReportMetric(0, "ns/op")
	d.leave()
}

// resident is how many kilobytes of memory a process has, from proc(5).
func resident(t testing.TB, pid int) int {
	t.Helper()
	_, rest, _ := strings.Cut(read(t, fmt.Sprintf("/proc/%d/status", pid)), "VmRSS:")
	kibibytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kibibytes * 1024 / 1000
}

// await waits until so many are online.
func (d *desktop) await(users float64) {
	d.w.t.Helper()
	d.w.until(d.name+" is online", func() bool { return d.w.online() == users })
}

// leave ends the program, without asking.
func (d *desktop) leave() {
	d.w.t.Helper()
	_ = d.program.Process.Signal(os.Interrupt)
	<-d.ended
	d.await(0)
}

// A watcher is all that a program sees of a tray.
type watcher struct{}

// RegisterStatusNotifierItem is called by the bus.
func (watcher) RegisterStatusNotifierItem(string) *dbus.Error { return nil }

// giveTray gives the desktop a session bus, and a tray at it.
func (d *desktop) giveTray() {
	d.w.t.Helper()
	const name = "org.kde.StatusNotifierWatcher"
	address := bustest.Start(d.w.t)
	d.env = append(d.env, "DBUS_SESSION_BUS_ADDRESS="+address)
	if err := bustest.Other(d.w.t, address, name).Export(watcher{}, "/StatusNotifierWatcher", name); err != nil {
		d.w.t.Fatal(err)
	}
}
