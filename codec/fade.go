package codec

// fadeSamples is how long a stream takes to come or go: 5 ms. Shorter clicks,
// longer eats the start of a word.
const fadeSamples = SampleRate / 200

// fadeIn lets the first samples of a stream rise from silence.
func fadeIn(pcm []float32) {
	n := min(fadeSamples, len(pcm))
	for i := range n {
		pcm[i] *= ramp(i, n)
	}
}

// fadeOut lets the first samples of pcm fall to silence and clears the rest:
// what stands there is the continuation of a stream that has ended.
func fadeOut(pcm []float32) {
	n := min(fadeSamples, len(pcm))
	for i := range n {
		pcm[i] *= 1 - ramp(i, n)
	}
	clear(pcm[n:])
}

// ramp rises from 0 to 1 over n samples, with no kink at either end.
func ramp(i, n int) float32 {
	x := (float32(i) + 0.5) / float32(n)
	return x * x * (3 - 2*x)
}
