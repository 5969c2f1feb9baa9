package portaudio

import (
	"testing"
	"testing/synctest"
	"time"
)

// The first change is told at once, and what comes while others do together.
func TestChangesAreToldNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChanges()
		defer c.stop()
		told := func() int {
			synctest.Wait()
			n := len(c.c)
			for range n {
				<-c.c
			}
			return n
		}
		c.now()
		if told() != 1 {
			t.Error("the first was not told at once")
		}
		n := 0
		for range 100 {
			c.now()
			time.Sleep(changePause / 10)
			n += told()
		}
		if n < 9 || n > 10 {
			t.Errorf("in 10 s of changes it was told %d times", n)
		}
		time.Sleep(changePause)
		told()

		c.in(againTime)
		time.Sleep(againTime - changePause)
		if told() != 0 {
			t.Error("a later one was told too early")
		}
		c.now()
		if told() != 1 {
			t.Error("a later one held up one of now")
		}
		c.in(againTime)
		time.Sleep(againTime)
		if told() != 1 {
			t.Error("a later one was not told")
		}
	})
}
