package demo

// A Report is what was measured. Times are in milliseconds.
type Report struct {
	Mode       string `json:"mode"`
	IntervalMs int    `json:"interval_ms"`
	// Members is how many are online, Channels how many they share in sMIX.
	Members  int `json:"members"`
	Channels int `json:"channels,omitempty"`
	// Ring is from dialing to the ring at the callee.
	Ring milliseconds `json:"ring_ms"`
	// Setup is from the callee's answer to the first voice that he hears.
	Setup milliseconds `json:"setup_ms"`
	// MouthToEar is the median delay of the sound itself, from file to file.
	MouthToEar milliseconds `json:"mouth_to_ear_ms"`
	// Back is the same in the other direction.
	Back milliseconds `json:"mouth_to_ear_back_ms"`
	// Latency is where the time from mouth to ear goes, LatencyBack in the other
	// direction. In a group it is that between the caller and the first called.
	Latency     Stages `json:"latency"`
	LatencyBack Stages `json:"latency_back"`
	// Similarity of what was heard to what was said, 0 to 1 (quality.Similarity:
	// the extended short-time objective intelligibility), the mean of parts of two
	// seconds, each at the delay that it was heard at. In a group it is the worst of
	// all who heard somebody.
	Similarity float64 `json:"speech_similarity"`
	// SimilarityBack is the same in the other direction.
	SimilarityBack float64 `json:"speech_similarity_back"`
	// Voices are who heard whom in a call of more than two.
	Voices []Voice `json:"voices,omitempty"`
	// Clicks, Gaps and Repeats are faults that were heard, in both directions.
	Clicks  int `json:"clicks"`
	Gaps    int `json:"gaps"`
	Repeats int `json:"repeats"`
	// Cells are of both users, up and down, since they came online.
	CellsSent    uint64 `json:"cells_sent"`
	CellsSkipped uint64 `json:"cells_skipped"`
	CellsLost    uint64 `json:"cells_lost"`
	// CellsStagedLate counts slots whose voice was not ready before the tick, and in
	// which cover was sent instead: this machine was too busy.
	CellsStagedLate uint64 `json:"cells_staged_late"`
	// Concealed counts slots of the call without voice, after the first.
	Concealed uint64 `json:"cells_concealed"`
	// Wire is what somebody on the caller's line saw.
	Wire Wire `json:"wire"`
	// Heard is the file with what the callee heard.
	Heard string `json:"heard,omitempty"`
}

// A Voice is what one member of a group heard of another.
type Voice struct {
	From       string       `json:"from"`
	To         string       `json:"to"`
	MouthToEar milliseconds `json:"mouth_to_ear_ms"`
	Similarity float64      `json:"speech_similarity"`
}

// Wire is what an eavesdropper saw while the line was idle, and in the call.
type Wire struct {
	Idle Traffic `json:"idle"`
	Call Traffic `json:"call"`
}
