package audio

// Silence is a Source that is silent and a Sink that drops what it gets.
type Silence struct{}

var _ Device = Silence{}

// Live does nothing.
func (Silence) Live(bool) {}

// Read fills pcm with silence.
func (Silence) Read(pcm []float32) { clear(pcm) }

// Write drops pcm.
func (Silence) Write([]float32) {}

// Close does nothing.
func (Silence) Close() error { return nil }
