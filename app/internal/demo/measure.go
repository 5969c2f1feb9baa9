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

// listen measures the way from one user's mouth to another's ear. The clip and
// the tape know when their first samples were taken and played.
func (d *show) listen(i int, from, to *User) (quality.Report, time.Duration, error) {
	mouth, ok1 := from.Clip.Began()
	ear, ok2 := to.Tape.Began()
	if !ok1 || !ok2 {
		return quality.Report{}, 0, fmt.Errorf("%s never heard %s", to.Name, from.Name)
	}
	mouth = mouth.Add(d.turn(i))
	heard := to.Tape.Samples()
	if d.Group > 2 {
		// Only his turn: the others have theirs on the same tape.
		start := max(audio.Samples(mouth.Add(-before).Sub(ear)), 0)
		start = min(start, len(heard))
		end := min(start+audio.Samples(before+d.For+after), len(heard))
		heard, ear = heard[start:end], ear.Add(audio.Duration(start))
	}
	q := quality.Compare(d.said[i], heard)
	return q, q.MouthToEar() + ear.Sub(mouth), nil
}
