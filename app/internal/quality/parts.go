package quality

// How sound is compared part by part.
const (
	// partLength is long enough for STOI to be sure of it, and so short that the
	// delay hardly changes in it.
	partLength = 2 * SampleRate
	// partReach is how far the delay of a part may be from that of the whole.
	partReach = SampleRate / 2
	// partTrust is the confidence from which on the delay of a part is its own; one
	// of which nothing was heard has that of the whole.
	partTrust = 0.3
)

// InParts returns STOI and ESTOI of heard against clean, where the delay may change
// on the way, as it does in a call over a network that is sometimes slow: both are
// compared in parts of two seconds, each at the delay at which it was heard. It is
// the mean over the parts that hold speech, and the worst of them.
func InParts(clean, heard []float32) (mean, worst Score) {
	about := Align(clean, heard).Delay
	worst = Score{1, 1}
	n := 0.0
	for at := 0; at+partLength <= len(clean); at += partLength {
		part := clean[at : at+partLength]
		if !active(part, clean) {
			continue
		}
		near := cut(heard, at+about-partReach, partLength+2*partReach)
		delay := partReach
		if a := Align(part, near); a.Confidence >= partTrust {
			delay = a.Delay
		}
		stoi, estoi := Intelligibility(part, cut(near, delay, partLength))
		mean.STOI += stoi
		mean.ESTOI += estoi
		worst = Score{min(worst.STOI, stoi), min(worst.ESTOI, estoi)}
		n++
	}
	if n == 0 {
		return Score{}, Score{}
	}
	return Score{mean.STOI / n, mean.ESTOI / n}, worst
}

// A Score is how well speech can be understood, by both measures.
type Score struct{ STOI, ESTOI float64 }

// active reports whether a part holds enough speech to be judged by.
func active(part, whole []float32) bool { return loudness(part) >= activeLevel*4*loudness(whole) }

// loudness is the mean square.
func loudness(pcm []float32) float64 {
	sum := 0.0
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return sum / float64(max(1, len(pcm)))
}
