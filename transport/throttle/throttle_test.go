package throttle

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// Who asks more often than he may is told no, and nobody else is.
func TestBurstAndRate(t *testing.T) {
	table := NewTable[string](Rate{Burst: 5, PerSecond: 2}, 100)
	count := func(who string, asks int, at time.Time) (yes int) {
		for range asks {
			if table.Allow(who, at) {
				yes++
			}
		}
		return yes
	}
	if got := count("anna", 50, start); got != 5 {
		t.Errorf("%d at once, not 5", got)
	}
	if got := count("berta", 3, start); got != 3 {
		t.Errorf("another was allowed %d, not 3", got)
	}
	if got := count("anna", 50, start.Add(2*time.Second)); got != 4 {
		t.Errorf("%d after two seconds, not 4", got)
	}
	if got := count("anna", 50, start.Add(time.Hour)); got != 5 {
		t.Errorf("%d after an hour, not 5", got)
	}
}

// What is given back can be had once more, and no bucket gets fuller than it was.
func TestReturn(t *testing.T) {
	table := NewTable[string](Rate{Burst: 2, PerSecond: 0.001}, 100)
	table.Return("anna", start)
	if table.Len() != 0 {
		t.Error("who never asked is remembered")
	}
	for round := range 50 {
		if !table.Allow("anna", start) {
			t.Fatalf("no in round %d", round)
		}
		table.Return("anna", start)
		table.Return("anna", start)
	}
	for n, want := range []bool{true, true, false} {
		if got := table.Allow("anna", start); got != want {
			t.Errorf("ask %d: %v", n, got)
		}
	}
}

// TestTableAgainstOracle compares a table with buckets that are never forgotten:
// as long as there are not more keys than a table holds, they agree.
func TestTableAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size = 8
		r := Rate{Burst: rapid.IntRange(1, 5).Draw(t, "burst"), PerSecond: rapid.Float64Range(0.1, 10).Draw(t, "rate")}
		table, now := NewTable[int](r, size), start
		tokens, last := map[int]float64{}, map[int]time.Time{}
		for range rapid.IntRange(1, 200).Draw(t, "asks") {
			k := rapid.IntRange(1, size).Draw(t, "key")
			now = now.Add(time.Duration(rapid.IntRange(0, 500).Draw(t, "ms")) * time.Millisecond)
			if _, ok := last[k]; !ok {
				tokens[k] = float64(r.Burst)
			} else {
				tokens[k] = min(float64(r.Burst), tokens[k]+r.PerSecond*now.Sub(last[k]).Seconds())
			}
			last[k] = now
			if d := tokens[k] - 1; d > -1e-6 && d < 1e-6 {
				tokens[k] = 1 // Too close to say which way it is rounded.
				if table.Allow(k, now) {
					tokens[k] = 0
				}
				continue
			}
			want := tokens[k] >= 1
			if want {
				tokens[k]--
			}
			if got := table.Allow(k, now); got != want {
				t.Fatalf("allowed is %v, with %v tokens", got, tokens[k])
			}
		}
	})
}

// However many ask, no more is remembered than twice the size, and always the
// last size keys.
func TestMemoryIsBounded(t *testing.T) {
	const size = 50
	table, memory := NewTable[int](Rate{Burst: 1, PerSecond: 0.001}, size), NewMemory[int](size)
	for k := range 100_000 {
		table.Allow(k, start)
		memory.Add(k)
		if n := table.Len(); n > 2*size {
			t.Fatalf("%d keys are remembered", n)
		}
		if n := memory.keys.len(); n > 2*size {
			t.Fatalf("%d keys are remembered", n)
		}
		if k >= size && (!holds(&table.buckets, k-size+1) || !holds(&memory.keys, k-size+1)) {
			t.Fatalf("%d was forgotten when %d came", k-size+1, k)
		}
	}
	if memory.Has(0) || !table.Allow(0, start) {
		t.Error("the first was never forgotten")
	}
}

// holds looks without being seen.
func holds[V any](r *recent[int, V], k int) bool {
	_, young := r.young[k]
	_, old := r.old[k]
	return young || old
}

// Who keeps asking is not forgotten.
func TestMemoryKeepsWhoAsks(t *testing.T) {
	m := NewMemory[int](10)
	m.Add(-1)
	for k := range 1000 {
		m.Add(k)
		if k%9 == 0 && !m.Has(-1) {
			t.Fatalf("forgotten after %d", k)
		}
	}
}

// One address of IPv4 is one customer; of IPv6 whole networks are, and of sites.
func TestNetworkAndSite(t *testing.T) {
	for a, want := range map[string]struct{ network, site string }{
		"192.0.2.7":                {"192.0.2.7/32", "192.0.2.7/32"},
		"::ffff:192.0.2.7":         {"192.0.2.7/32", "192.0.2.7/32"},
		"2001:db8:1:2:3:4:5:6":     {"2001:db8:1:2::/64", "2001:db8:1::/48"},
		"2001:db8:1:2:ffff:ffff::": {"2001:db8:1:2::/64", "2001:db8:1::/48"},
		"2001:db8:1:3::":           {"2001:db8:1:3::/64", "2001:db8:1::/48"},
		"2001:db8:1:ffff::":        {"2001:db8:1:ffff::/64", "2001:db8:1::/48"},
		"2001:db8:2::":             {"2001:db8:2::/64", "2001:db8:2::/48"},
		"fe80::1%eth0":             {"fe80::/64", "fe80::/48"},
	} {
		addr := netip.MustParseAddr(a)
		if n, s := Network(addr).String(), Site(addr).String(); n != want.network || s != want.site {
			t.Errorf("%s is in %s and %s, not %s and %s", a, n, s, want.network, want.site)
		}
	}
	if n, s := Network(netip.Addr{}), Site(netip.Addr{}); n.IsValid() || s.IsValid() {
		t.Errorf("no address is in %v and %v", n, s)
	}
}
