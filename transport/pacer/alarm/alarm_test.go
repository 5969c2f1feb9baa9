package alarm_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"undertone/transport/pacer/alarm"
)

func TestNeverEarly(t *testing.T) {
	a := alarm.New(t.Context(), time.Millisecond)
	defer a.Close()
	at := time.Now()
	for range 20 {
		at = at.Add(7 * time.Millisecond)
		if !a.Wait(at) {
			t.Fatal("the context did not end, but the wait says so")
		}
		if early := time.Until(at); early > 0 {
			t.Fatalf("%v early", early)
		}
	}
}

func TestExactInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := alarm.New(t.Context(), time.Millisecond)
		defer a.Close()
		at := time.Now()
		for range 100 {
			at = at.Add(20*time.Millisecond + 123*time.Nanosecond)
			if !a.Wait(at) || !time.Now().Equal(at) {
				t.Fatalf("woke %v from its time", time.Until(at))
			}
		}
	})
}

func TestContextEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		a := alarm.New(ctx, time.Millisecond)
		defer a.Close()
		start := time.Now()
		if a.Wait(start.Add(time.Hour)) {
			t.Fatal("the wait outlived its context")
		}
		if d := time.Since(start); d != 30*time.Millisecond {
			t.Fatalf("it took %v", d)
		}
	})
}

// What sleeps in the kernel is woken too, as is what begins to wait later.
func TestContextEndsARealWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := alarm.New(ctx, time.Millisecond)
	defer a.Close()
	time.AfterFunc(10*time.Millisecond, cancel)
	for range 2 {
		if a.Wait(time.Now().Add(time.Hour)) {
			t.Fatal("the wait outlived its context")
		}
	}
}

func TestPastIsNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := alarm.New(t.Context(), time.Millisecond)
		defer a.Close()
		start := time.Now()
		if !a.Wait(start.Add(-time.Hour)) || !time.Now().Equal(start) {
			t.Fatal("it waited for the past")
		}
	})
}

func TestNoAllocations(t *testing.T) {
	a := alarm.New(t.Context(), time.Millisecond)
	defer a.Close()
	if n := testing.AllocsPerRun(20, func() { a.Wait(time.Now().Add(6 * time.Millisecond)) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

// BenchmarkLateness reports how late an Alarm is on this machine as it is now.
func BenchmarkLateness(b *testing.B) {
	a := alarm.New(b.Context(), time.Millisecond)
	defer a.Close()
	at, late := time.Now(), make([]time.Duration, 0, b.N)
	for range b.N {
		at = at.Add(20 * time.Millisecond)
		a.Wait(at)
		late = append(late, time.Since(at))
	}
	slices.Sort(late)
	for _, percent := range []int{50, 95, 99} {
		b.ReportMetric(float64(late[len(late)*percent/100].Microseconds()), fmt.Sprintf("p%d-µs", percent))
	}
}
