package signal

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	// MaxRecord is the length of the longest record, in bytes.
	MaxRecord = 3 << 10
	// MaxChannels is how many shared channels a set can have.
	MaxChannels = 32

	memberStart = "a=x-undertone-member:"
	setStart    = "a=x-undertone-set:channels="
	lineEnd     = "\r\n"
)

var (
	errLine   = errors.New("a line of the session description is not where or what it must be")
	errRecord = fmt.Errorf("a record has at most %d bytes", MaxRecord)
)

// withRecord adds the line that carries a member's record to an offer. Without
// a record there is no line.
func withRecord(sdp string, record []byte) (string, error) {
	if len(record) > MaxRecord {
		return "", errRecord
	}
	if len(record) == 0 {
		return sdp, nil
	}
	return sdp + memberStart + encode(record) + lineEnd, nil
}

// cutRecord is the way back from withRecord.
func cutRecord(sdp string) (rest string, record []byte, err error) {
	rest, value, err := cutLast(sdp, memberStart)
	if err != nil || value == "" {
		return rest, nil, err
	}
	if record, err = decode(value); err == nil && (len(record) == 0 || len(record) > MaxRecord) {
		err = errRecord
	}
	return rest, record, err
}

// withChannels adds the line about the set to an answer. Where there are no
// shared channels there is no line.
func withChannels(sdp string, channels int) string {
	if channels == 0 {
		return sdp
	}
	return sdp + setStart + strconv.Itoa(channels) + lineEnd
}

// cutChannels is the way back from withChannels.
func cutChannels(sdp string) (rest string, channels int, err error) {
	rest, value, err := cutLast(sdp, setStart)
	if err != nil || value == "" {
		return rest, 0, err
	}
	channels, err = strconv.Atoi(value)
	if err == nil && (channels < 1 || channels > MaxChannels || strconv.Itoa(channels) != value) {
		err = errLine
	}
	return rest, channels, err
}

// cutLast takes the last line off a description, if it begins with start, and
// returns what follows that. Such a line is nowhere else, and never empty.
func cutLast(sdp, start string) (rest, value string, err error) {
	rest = sdp
	if i := strings.LastIndex(sdp, "\n"+start); i >= 0 {
		last, ended := strings.CutSuffix(sdp[i+1+len(start):], lineEnd)
		if !ended || last == "" || strings.ContainsAny(last, lineEnd) {
			return "", "", errLine
		}
		rest, value = sdp[:i+1], last
	}
	if strings.HasPrefix(rest, start) || strings.Contains(rest, "\n"+start) {
		return "", "", errLine
	}
	return rest, value, nil
}
