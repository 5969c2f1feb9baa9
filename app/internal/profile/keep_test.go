package profile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"undertone/transport/key"
)

// writes keeps p for a while in fake time and returns what somebody who looks at
// the folder each second sees: when the file changed, and its size. life is what
// the user does meanwhile.
func writes(t *testing.T, life func(p *Profile)) (seen []string) {
	t.Helper()
	p := create(t, Options{})
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.Keep(ctx, func(err error) { t.Error(err) })
		}()
		go life(p)
		start, last := time.Now(), uint64(0)
		look := func() {
			synctest.Wait()
			b := read(t, p.path(currentName))
			h, err := parseHeader(b)
			if err != nil {
				t.Fatal(err)
			}
			if h.generation != last {
				last = h.generation
				seen = append(seen, fmt.Sprintf("%v generation %d, %d bytes", time.Since(start), h.generation, len(b)))
			}
		}
		for range 400 {
			look()
			time.Sleep(time.Second)
		}
		end()
		<-done
		look()
	})
	p.Close()
	return seen
}

// Invariants 4 and 7: disk syncs and file times are the same whatever happened.
func TestWriteTimesTellNothing(t *testing.T) {
	idle := writes(t, func(*Profile) {})
	calls := writes(t, func(p *Profile) {
		for i := range 300 {
			time.Sleep(time.Second)
			err := p.Update(func(c *Content) error {
				c.Contacts[0].State = make([]byte, 10+3*i%stateRoom)
				c.AddCall(Call{With: key.Handle{1}, Direction: Outgoing, Outcome: NoAnswer, Start: time.Now()})
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	if !slices.Equal(idle, calls) {
		t.Errorf("idle %q\ncalls %q", idle, calls)
	}
	// At the start, after each of six minutes, and at the end; and not at others.
	if len(idle) != 8 {
		t.Errorf("%d writes: %q", len(idle), idle)
	}
	// The control: a write of its own time must be seen by the same eyes.
	planted := writes(t, func(p *Profile) {
		time.Sleep(100 * time.Second)
		if err := p.writeKept(); err != nil {
			t.Error(err)
		}
	})
	if slices.Equal(idle, planted) {
		t.Error("a planted write was not seen")
	}
}

func TestSaveIsRefusedWhileKept(t *testing.T) {
	p := create(t, Options{})
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.Keep(ctx, func(err error) { t.Error(err) })
		}()
		synctest.Wait()
		if err := p.Save(); !errors.Is(err, errKept) {
			t.Errorf("while kept: %v", err)
		}
		end()
		<-done
	})
	if err := p.Save(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestKeepMarksTheProfileAndStoresTheLastChange(t *testing.T) {
	p := create(t, Options{})
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.Keep(ctx, func(err error) { t.Error(err) })
		}()
		synctest.Wait()
		if doc, err := p.loadVersion(currentName, Options{}); err != nil || doc.Online == nil || doc.Online.Machine != machineID() {
			t.Errorf("online, and the file does not say so: %v", err)
		}
		if err := p.Update(func(c *Content) error { c.Name = "Late"; return nil }); err != nil {
			t.Error(err)
		}
		end()
		<-done
	})
	doc, err := p.loadVersion(currentName, Options{})
	if err != nil || doc.Online != nil || doc.Name != "Late" {
		t.Errorf("after the end: %v", err)
	}
}

// A failing disk is reported once, not each minute, and so is its recovery.
func TestKeepReportsProblemsOnce(t *testing.T) {
	p := create(t, Options{})
	var reports []error
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.Keep(ctx, func(err error) { reports = append(reports, err) })
		}()
		time.Sleep(time.Second)
		if err := os.Mkdir(p.path(newName), 0o700); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * Every)
		if err := os.Remove(p.path(newName)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * Every)
		end()
		<-done
	})
	if len(reports) != 2 || reports[0] == nil || reports[1] != nil {
		t.Errorf("reported %v", reports)
	}
}

// A passphrase that is set while online counts from the next fixed time on.
func TestProtectWhileKept(t *testing.T) {
	p := create(t, Options{})
	dir := p.Dir()
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.Keep(ctx, func(err error) { t.Error(err) })
		}()
		synctest.Wait()
		if err := p.protect(Options{Passphrase: []byte("correct horse"), cost: cheap}); err != nil {
			t.Error(err)
		}
		if c, _, err := Read(dir, Options{}); err != nil {
			t.Errorf("before the fixed time: %v", err)
		} else {
			c.Wipe()
		}
		time.Sleep(Every)
		synctest.Wait()
		if _, _, err := Read(dir, Options{}); !errors.Is(err, ErrPassphraseNeeded) {
			t.Errorf("after it, without the passphrase: %v", err)
		}
		end()
		<-done
	})
	p.Close()
	c, _, err := Read(dir, Options{Passphrase: []byte("correct horse")})
	if err != nil {
		t.Fatal(err)
	}
	c.Wipe()
}
