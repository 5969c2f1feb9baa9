package demo

import (
	"fmt"
	"slices"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/quality"
)

// margins of what is compared with the speech of one who spoke in his turn: a
// little before he can be heard, and as late as anything is of use.
const (
	before = 200 * time.Millisecond
	after  = time.Second
)

// measure compares what was said with what was heard.
func (d *show) measure(r *Report) error {
	var late []time.Duration
	r.Similarity = 1
	for i, from := range d.callers() {
		for k, to := range d.callers() {
			if i == k {
				continue
			}
			q, delay, err := d.listen(i, from, to)
			if err != nil {
				return err
			}
			late = append(late, delay)
			r.hear(from, to, q, delay, d.Group == 2)
		}
	}
	ann, bob := d.caller(), d.callees()[0]
	r.Latency, r.LatencyBack = d.set.stages(ann, bob), d.set.stages(bob, ann)
	if d.Group > 2 {
		slices.Sort(late)
		r.MouthToEar = milliseconds(late[len(late)/2])
	}
	if d.Out == "" {
		return nil
	}
	r.Heard = d.Out
	return writeWAV(d.Out, d.callees()[0].Tape.Samples())
}

// hear takes in how one was heard by another.
func (r *Report) hear(from, to *User, q quality.Report, delay time.Duration, two bool) {
	r.Clicks += len(q.Clicks)
	r.Gaps += len(q.Gaps)
	r.Repeats += len(q.Repeats)
	s := round(q.Similarity, 3)
	switch {
	case !two:
		r.Voices = append(r.Voices, Voice{From: from.Name, To: to.Name, MouthToEar: milliseconds(delay), Similarity: s})
		r.Similarity = min(r.Similarity, s)
	case from.Name == names[0]:
		r.Similarity, r.MouthToEar = s, milliseconds(delay)
	default:
		r.SimilarityBack, r.Back = s, milliseconds(delay)
	}
}

// listen measures the way from one user's mouth to another's ear, on the sound.
func (d *show) listen(i int, from, to *User) (quality.Report, time.Duration, error) {
	begins := audio.Samples(d.turn(i)) // in what he says
	heard, start := to.Tape.Samples(), 0
	if at, ok := timeOf(from.watch.mouth.calls(), begins); ok && d.Group > 2 {
		// Only his turn: the others have theirs on the same tape.
		start = to.watch.ear.sampleAt(at.at.Add(-before))
		start = min(start, len(heard))
		heard = heard[start:min(start+audio.Samples(before+d.For+after), len(heard))]
	}
	q := quality.Compare(d.said[i], heard)
	// On a busy machine the delay changes in the call: what was heard 20 ms later
	// from some word on is no less like what was said.
	mean, _ := quality.InParts(d.said[i], heard)
	q.Similarity = quality.Similarity(mean.ESTOI)
	late, ok := delay(from, to, &q, begins, start)
	if !ok {
		return quality.Report{}, 0, fmt.Errorf("%s never heard %s", to.Name, from.Name)
	}
	return q, late, nil
}
