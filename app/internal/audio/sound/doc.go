// Package sound is the sound card of a call, in a process of its own. Drivers
// and sound servers hang and crash; they must not take the link with them, and
// what they do must not show on it. So the program starts itself once more, with
// Command as its first argument, when it goes online, and keeps that helper
// whether there is a call or not: starting a process is no sign of a call. Card
// is the parent's end, Main the helper's, Backend what the helper drives.
//
//	parent                                      helper
//	┌──────────────────────────────┐            ┌──────────────────────────────┐
//	│ Read ◀ Drift ◀───────┐       │            │       ┌────◀ capture callback │
//	│                      │ shared memory: two rings of samples               │
//	│ Write ▶ Drift ───────┘       │            │       └────▶ playback callback│
//	│ supervisor, watchdog         │ ◀─ pipes ─▶│ control loop, heart beat     │
//	└──────────────────────────────┘            └──────────────────────────────┘
//
// Samples cross in memory, so that neither side ever waits for the other, and a
// call gives the parent nothing to do besides copying: no system call but for the
// time, which is read in every slot, no goroutine that wakes. With each count stands
// when its newest callback came, on the clock that both have: so codec.Drift knows at
// once how the card's clock stands to the slots', and holds the delay to the millisecond
// from the first second on. The positions and times in that memory are the helper's word and
// are not believed: any value is safe. Orders cross in pipes, as messages
//
//	 0  2 3 4    6
//	+--+-+-+----+---------+
//	|US|v|k| n  | n bytes |   v = 1, version; k, kind; n, length, big endian
//	+--+-+-+----+---------+
//
//	kind  to        payload
//	 1    helper    live: generation 4, JSON of a Choice; no direction chosen is "close"
//	 2    helper    list: none
//	17    parent    beat: none; every 200 ms, whatever else happens
//	18    parent    opened: generation 4, JSON of an Opened
//	19    parent    closed: generation 4
//	20    parent    failed: generation 4, text for a person
//	21    parent    devices: JSON of a list of Device
//	22    parent    none: text for a person, instead of devices
//	23    parent    cautions: generation 4, JSON of the Cautions, when they are others
//
// A helper whose device is unplugged, or plugged again, opens its streams anew by
// itself and says "opened" once more for the same order. Where the sound server
// moves streams, as it does when its default changes, there are new cautions at most.
//
// A helper is in one of these states; setState is the one way between them:
//
//	           started            live(on)             opened
//	[starting] ───────▶ [resting] ────────▶ [opening] ────────▶ [playing]
//	    ▲                   ▲                   │ failed, slow       │ silent, stuck,
//	    │                   │ closed            ▼                    │ dead
//	    │                   └──── [closing] ◀── live(off) ───────────┤
//	    │ after a pause                                              ▼
//	    └──────────────────────────────────────────────────────── [gone]
//
// The watchdog takes a helper for gone that sent no beat for Config.Silence,
// whose open stream moved no samples for as long (five times that at
// its start), or that did not do within five times that what it was told. It is killed by its own process id, and another
// started after a pause that doubles from 100 ms to 1 s. Until then the call
// goes on in silence. A helper ends when its parent does: its standard input
// ends, and the kernel sends it a signal.
//
// Delay: the last sample that Read returns is captureCushion (3 ms) older than
// the newest that the helper has when that is least, just before a callback;
// what Write gets waits for playbackRest, playbackCushion (2 ms each; more when
// Choice.Latency asks for it or a ring ran dry) and what a callback takes (5 ms), and,
// by how the callbacks stand to the Writes, for up to a callback more. The device's own
// latency comes on top. Both directions follow the card's clock with
// codec.Drift.
//
// Devices are asked for little latency. Where one runs dry several times in a few
// seconds, the machine is too busy for that: the helper opens it anew with twice as
// much, until the call is over, unless Choice.Latency says what is wanted.
//
// For echo cancellation, Mic.ReadBoth tells with what was heard what was played
// meanwhile: the very samples, from the ring of what is played, by the two counts of
// the callbacks, through a resampler that does all that the one of the microphone
// does. So the way from loudspeaker to microphone stays as long as it is at the
// card, whatever the resamplers do to follow its clock. Two cards with clocks of
// their own creep apart; that is set right by 16 ms at a time.
//
// Who may call: Read and Write one goroutine each; everything else any.
package sound
