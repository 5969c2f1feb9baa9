package archtest

// exceptions lists, by rule, the places where it may be broken, each with the
// reason. One that is not needed any more fails the test.
var exceptions = map[string]map[string]string{
	"pure": {
		"transport/cell: time":                                "an interval is a duration, and a slot starts at a time; cell never asks for the time",
		"mixclient/pairing: " + moduleName + "/transport/uri": "the rule for names is there; it does no I/O",
	},
	"exits": {
		"app/internal/audio/sound/helper.go": "it runs in the helper process, which must not outlive its parent with the microphone open, whatever the driver does",
	},
	"secrets": {
		"transport/uri: Contact": "a link is made to be printed and handed over",
	},
}
