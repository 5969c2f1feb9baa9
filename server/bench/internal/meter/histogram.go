package meter

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// Each power of two is cut into so many buckets: a quantile is right to 3 %.
const (
	fineBits = 5
	fine     = 1 << fineBits
	// widest is the number of bits of the longest duration that has a bucket of its
	// own, 18 minutes.
	widest  = 40
	buckets = (widest-fineBits-1)*fine + 2*fine
)

// A Histogram counts durations. Its zero value is empty.
type Histogram struct {
	counts [buckets]atomic.Uint64
	count  atomic.Uint64
	sum    atomic.Uint64 // nanoseconds
	most   atomic.Int64
}

// bucketOf returns the bucket of a number of nanoseconds: those below 64 have one
// each, and from then on 32 share the numbers of each length in bits.
func bucketOf(v uint64) int {
	v = min(v, 1<<widest-1)
	e := max(bits.Len64(v)-fineBits-1, 0)
	return e<<fineBits + int(v>>e)
}

// upper returns the highest number in a bucket.
func upper(bucket int) uint64 {
	e := max(bucket>>fineBits-1, 0)
	return uint64(bucket-e<<fineBits+1)<<e - 1
}

// Add counts a duration. What is negative counts as zero.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucketOf(uint64(d))].Add(1)
	h.count.Add(1)
	h.sum.Add(uint64(d))
	for most := h.most.Load(); int64(d) > most && !h.most.CompareAndSwap(most, int64(d)); {
		most = h.most.Load()
	}
}

// Count returns how many were counted.
func (h *Histogram) Count() uint64 { return h.count.Load() }

// Max returns the longest.
func (h *Histogram) Max() time.Duration { return time.Duration(h.most.Load()) }

// Mean returns the mean.
func (h *Histogram) Mean() time.Duration {
	n := h.count.Load()
	if n == 0 {
		return 0
	}
	return time.Duration(h.sum.Load() / n)
}

// Quantile returns the duration that a share q of all do not exceed, rounded up to
// the end of its bucket.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := max(uint64(math.Ceil(q*float64(h.count.Load()))), 1)
	var seen uint64
	for i := range h.counts {
		if seen += h.counts[i].Load(); seen >= rank {
			return min(time.Duration(upper(i)), h.Max())
		}
	}
	return h.Max()
}

// A Summary is what a report tells of a Histogram, in milliseconds.
type Summary struct {
	Count uint64  `json:"count"`
	Mean  float64 `json:"mean_ms"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p99_9_ms"`
	Max   float64 `json:"max_ms"`
}

// Summary sums up.
func (h *Histogram) Summary() Summary {
	return Summary{
		Count: h.Count(),
		Mean:  milliseconds(h.Mean()),
		P50:   milliseconds(h.Quantile(0.5)),
		P99:   milliseconds(h.Quantile(0.99)),
		P999:  milliseconds(h.Quantile(0.999)),
		Max:   milliseconds(h.Max()),
	}
}

// A Point says which share of all was longer than so many milliseconds.
type Point struct {
	Late  float64 `json:"late_ms"`
	Above float64 `json:"share_above"`
}

// Tail returns the curve of all that was counted, from the shortest on.
func (h *Histogram) Tail() []Point {
	total := h.count.Load()
	var points []Point
	var seen uint64
	for i := range h.counts {
		n := h.counts[i].Load()
		if n == 0 {
			continue
		}
		seen += n
		// What is counted meanwhile is in a bucket, and not yet in the total.
		above := max(float64(total)-float64(seen), 0) / float64(max(total, 1))
		points = append(points, Point{Late: milliseconds(time.Duration(upper(i))), Above: above})
	}
	return points
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
