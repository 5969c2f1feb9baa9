package codec

import "math"

// mixKnee is the level from which a mixer holds back what several say at once.
// Below it voices are added, and nothing else: two at an ordinary level hardly
// ever reach it.
const mixKnee = 0.7

// A mixer adds the sound of several speakers, sample by sample, within full
// scale. It has no memory, so nothing that one says changes how loud another is
// before or after, and it starts and stops with no click.
//
//	        out
//	   1  - | - - - - - - - - - - - - - - - - - .  approaches full scale,
//	        |                      .              or stands there if one
//	knee  - | - - - - - - - - .                   speaker alone is that loud
//	        |              ./ |
//	        |            ./   |
//	        |          ./     |
//	        +---------------------------------------> sum of all
//
// The knee is at mixKnee or, if that is higher, where the loudest of them alone
// is. So one speaker among silent ones comes out exactly as he went in.
type mixer struct {
	sum  []float32
	peak []float32 // the loudest of what was added
}

// newMixer returns a mixer of n samples.
func newMixer(n int) mixer {
	return mixer{sum: make([]float32, n), peak: make([]float32, n)}
}

// clear begins a new slot.
func (m *mixer) clear() {
	clear(m.sum)
	clear(m.peak)
}

// add lets one more speaker be heard.
func (m *mixer) add(pcm []float32) {
	sum, peak := m.sum[:len(pcm)], m.peak[:len(pcm)]
	for i, v := range pcm {
		sum[i] += v
		if a := loudness(v); a > peak[i] {
			peak[i] = a
		}
	}
}

// read fills pcm with what was added since clear.
func (m *mixer) read(pcm []float32) {
	sum, peak := m.sum[:len(pcm)], m.peak[:len(pcm)]
	for i := range pcm {
		pcm[i] = limit(sum[i], peak[i])
	}
}

// limit bends a sum of speakers that goes beyond the knee towards full scale;
// peak is the loudest of them.
func limit(sum, peak float32) float32 {
	knee := max(peak, mixKnee)
	over := loudness(sum) - knee
	if over <= 0 {
		return sum
	}
	room := max(1-knee, 0)
	level := knee + room*(over/(over+room))
	if sum < 0 {
		return -level
	}
	return level
}

// loudness is v without its sign.
func loudness(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }
