package rtc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"net"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"undertone/transport/cell"
)

// dataChunk writes a chunk of data that is no part of the opening, with the number that
// it has among those in order.
func dataChunk(kind, flags byte, number uint16, user []byte) []byte {
	header := dataHeader
	if kind == chunkIData {
		header = idataHeader
	}
	b := make([]byte, (header+len(user)+3)&^3)
	b[0], b[1] = kind, flags
	binary.BigEndian.PutUint16(b[2:], uint16(header+len(user)))
	if kind == chunkIData {
		binary.BigEndian.PutUint32(b[idataNumber:], uint32(number))
	} else {
		binary.BigEndian.PutUint16(b[dataNumber:], number)
	}
	copy(b[header:], user)
	return b
}

// opening writes the chunk that opens the channel.
func opening(kind byte, number uint16) []byte {
	b := dataChunk(kind, flagBegins|flagEnds, number, make([]byte, 24))
	binary.BigEndian.PutUint32(b[map[byte]int{chunkData: dataProtocol, chunkIData: idataProtocol}[kind]:], protocolDCEP)
	return b
}

// control writes a chunk that is not data.
func control(kind byte, content ...byte) []byte {
	b := append([]byte{kind, 0, 0, 0}, content...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}

// sack writes a receipt that says that it has so many blocks, and has these.
func sack(says uint16, blocks ...uint16) []byte {
	b := []byte{0, 0, 0, 9, 0, 2, 0, 0, byte(says >> 8), byte(says), 0, 0}
	for _, x := range blocks {
		b = binary.BigEndian.AppendUint16(b, x)
	}
	return control(chunkSack, b...)
}

func packetOf(chunks ...[]byte) []byte {
	return append(make([]byte, packetHeader), bytes.Join(chunks, nil)...)
}

// What a link has use for gets through, and nothing that would be kept.
func TestSieveOfData(t *testing.T) {
	const all = flagBegins | flagEnds
	content, one := make([]byte, 128), []byte{1}
	for _, kind := range []byte{chunkData, chunkIData} {
		message := dataChunk(kind, all|flagUnordered, 0, content)
		byteAlone := packetOf(dataChunk(kind, all|flagUnordered, 5, one))
		for name, test := range map[string]struct {
			b    []byte
			want verdict
		}{
			"a message":                  {packetOf(message), pass},
			"a message and a receipt":    {packetOf(sack(0), message), pass},
			"ten messages":               {packetOf(slices.Repeat([][]byte{message}, 10)...), pass},
			"eleven messages":            {packetOf(slices.Repeat([][]byte{message}, 11)...), refuse},
			"the opening of the channel": {packetOf(opening(kind, 0)), pass},
			"an opening that is late":    {packetOf(opening(kind, 1)), lose},
			"in order, and no opening":   {packetOf(dataChunk(kind, all, 0, content)), lose},
			"a byte":                     {byteAlone, pass},
			"without padding":            {byteAlone[:len(byteAlone)-3], pass},
			"no chunk":                   {packetOf(), pass},
			"a beginning":                {packetOf(dataChunk(kind, flagBegins|flagUnordered, 0, content)), lose},
			"an end":                     {packetOf(dataChunk(kind, flagEnds|flagUnordered, 0, content)), lose},
			"a middle":                   {packetOf(dataChunk(kind, flagUnordered, 0, content)), lose},
			"no byte":                    {packetOf(dataChunk(kind, all|flagUnordered, 0, nil)), lose},
			"a middle behind a message":  {packetOf(message, dataChunk(kind, flagUnordered, 0, content)), lose},
			"a middle before a mistake":  {packetOf(dataChunk(kind, flagUnordered, 0, content), message[:60]), refuse},
			"half a header":              {packetOf(message[:8]), refuse},
			"half a chunk":               {packetOf(message[:60]), refuse},
			"no header at all":           {packetOf([]byte{kind, all | flagUnordered, 0, 5, 1}), lose},
			"half a packet":              {make([]byte, packetHeader-1), refuse},
			"nothing":                    {nil, refuse},
		} {
			for _, accepted := range []bool{false, true} {
				if got := judge(test.b, accepted); got != test.want {
					t.Errorf("%s, by chunks of kind %d: %v", name, kind, got)
				}
			}
		}
	}
}

// Of all that is not data, what a link has use for gets through, and nothing that makes
// more work than it.
func TestSieveOfControl(t *testing.T) {
	skip := []byte{0, 0, 0, 9}
	begin := func(n int) []byte {
		return control(chunkInit, append(make([]byte, 16), bytes.Repeat([]byte{0x80, 8, 0, 4}, n)...)...)
	}
	for name, test := range map[string]struct {
		b             []byte
		before, after verdict // the channel is there
	}{
		"a receipt":                    {packetOf(sack(0)), pass, pass},
		"a receipt with gaps":          {packetOf(sack(2, 2, 2, 3, 9)), pass, pass},
		"blocks that overlap":          {packetOf(sack(2, 2, 7, 7, 9)), refuse, refuse},
		"the same block":               {packetOf(sack(2, 2, 7, 2, 7)), refuse, refuse},
		"a block that ends too early":  {packetOf(sack(1, 2, 1)), refuse, refuse},
		"a block of what was received": {packetOf(sack(1, 0, 3)), refuse, refuse},
		"more blocks than there are":   {packetOf(sack(60000, 2, 2)), refuse, refuse},
		"fewer blocks than there are":  {packetOf(sack(1, 2, 2, 4, 4)), refuse, refuse},
		"half a receipt":               {packetOf(control(chunkSack, 0, 0, 0, 9)), refuse, refuse},
		"two receipts":                 {packetOf(sack(0), sack(0)), refuse, refuse},
		"a check":                      {packetOf(control(chunkHeartbeat, 0, 1, 0, 4)), pass, pass},
		"two checks":                   {packetOf(control(chunkHeartbeat), control(chunkHeartbeat)), refuse, refuse},
		"an answer to one":             {packetOf(control(chunkHeartbeatAck)), pass, pass},
		"the cookie and what is wrong": {packetOf(control(chunkCookieEcho), control(chunkError), opening(chunkData, 0)), pass, pass},
		"two errors":                   {packetOf(control(chunkError), control(chunkError)), refuse, refuse},
		"a long error":                 {packetOf(control(chunkError, make([]byte, maxErrors)...)), refuse, refuse},
		"an error before much":         {packetOf(control(chunkError), control(chunkHeartbeat, make([]byte, maxErrors)...)), refuse, refuse},
		"an error behind much":         {packetOf(control(chunkHeartbeat, make([]byte, maxErrors)...), control(chunkError)), pass, pass},
		"a beginning":                  {packetOf(begin(8)), pass, lose},
		"a beginning of many parts":    {packetOf(begin(maxParameters + 1)), refuse, lose},
		"an answer to a beginning":     {packetOf(control(chunkInitAck, make([]byte, 16)...)), pass, lose},
		"a cookie that was taken":      {packetOf(control(chunkCookieAck), sack(0)), pass, pass},
		"an end":                       {packetOf(control(chunkAbort)), pass, pass},
		"a reset":                      {packetOf(control(chunkReconfig, 0, 13, 0, 16)), hangUp, hangUp},
		"a key":                        {packetOf(control(15)), lose, lose},
		"what fills up":                {packetOf(control(132)), lose, lose},
		"a skip":                       {packetOf(control(chunkForwardTSN, skip...)), pass, pass},
		"a skip in order":              {packetOf(control(chunkForwardTSN, append(skip, 0, 0, 0x7f, 0xfe)...)), lose, pass},
		"a skip of much":               {packetOf(control(chunkForwardTSN, make([]byte, 4+5*4)...)), lose, refuse},
		"no skip":                      {packetOf(control(chunkForwardTSN)), refuse, refuse},
		"an I-skip":                    {packetOf(control(chunkIForwardTSN, append(skip, 0, 0, 0, 1, 0, 0, 0, 7)...)), pass, pass},
		"an I-skip in order":           {packetOf(control(chunkIForwardTSN, append(skip, 0, 0, 0, 0, 0, 0, 0, 7)...)), lose, pass},
		"an I-skip of much":            {packetOf(control(chunkIForwardTSN, append(skip, bytes.Repeat([]byte{0, 0, 0, 1, 0, 0, 0, 7}, 5)...)...)), refuse, refuse},
		"no I-skip":                    {packetOf(control(chunkIForwardTSN)), refuse, refuse},
		"a chunk of no length":         {packetOf([]byte{chunkSack, 0, 0, 0}), refuse, refuse},
	} {
		if before, after := judge(test.b, false), judge(test.b, true); before != test.before || after != test.after {
			t.Errorf("%s: %v, and then %v", name, before, after)
		}
	}
}

// FuzzSieve: whatever a member sends in place of packets, the sieve passes no data that
// is not a whole message, no kind of chunk too often, and nothing that is longer than it.
func FuzzSieve(f *testing.F) {
	f.Add(packetOf(dataChunk(chunkIData, flagBegins|flagEnds|flagUnordered, 0, make([]byte, 128))), true)
	f.Add(packetOf(sack(2, 2, 2, 3, 9), dataChunk(chunkData, flagBegins|flagEnds|flagUnordered, 0, []byte{1})), true)
	f.Add(packetOf(control(chunkCookieEcho, 1, 2, 3), control(chunkError), opening(chunkIData, 0)), false)
	f.Add(packetOf(control(chunkInit, make([]byte, 40)...)), false)
	f.Add(packetOf(control(chunkIForwardTSN, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 7)), true)
	f.Fuzz(func(t *testing.T, b []byte, accepted bool) {
		s := newSieve(defaultRate, true)
		s.say(b)
		if judge(b, accepted) != pass {
			return
		}
		s.hear(b)
		count := map[byte]int{}
		for at := packetHeader; at < len(b); {
			size, kind := int(binary.BigEndian.Uint16(b[at+2:])), b[at]
			if count[kind]++; count[kind] > 1 && kind != chunkData && kind != chunkIData || size > len(b)-at {
				t.Fatalf("at %d of %x", at, b)
			}
			if (kind == chunkData || kind == chunkIData) && (b[at+1]&3 != 3 || size <= dataHeader) {
				t.Fatalf("at %d of %x", at, b)
			}
			at += (size + 3) &^ 3
		}
		if count[chunkData]+count[chunkIData] > maxMessages {
			t.Fatalf("%x", b)
		}
	})
}

// A member who sends pieces of messages has the server keep none of them, and what is
// whole still comes.
func TestPiecesAreLost(t *testing.T) {
	for name, piece := range map[string]func(tsn uint32) []byte{
		"middles without a byte": func(tsn uint32) []byte { return member(chunkIData, flagUnordered, tsn, nil) },
		"middles of a byte":      func(tsn uint32) []byte { return member(chunkIData, flagUnordered, tsn, []byte{1}) },
		"beginnings":             func(tsn uint32) []byte { return member(chunkIData, flagUnordered|flagBegins, tsn, []byte{1}) },
		"one that comes later":   func(tsn uint32) []byte { return member(chunkIData, flagBegins|flagEnds, tsn, []byte{1}) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, 1, shortPath, shortPath)
				defer r.close()
				synctest.Wait()
				q, m := queueOf(r.server), newRaw(r.client)
				for range 5 {
					var pieces [][]byte
					for k := range uint32(10) {
						pieces = append(pieces, piece(m.next+k))
					}
					m.send(t, pieces...)
				}
				m.send(t, member(chunkIData, flagUnordered|flagBegins|flagEnds, m.next, make([]byte, 128)))
				time.Sleep(time.Second)
				if n := r.server.Stats().Dropped; r.server.Err() != nil || n != 5 || r.up.count() != 1 {
					t.Errorf("%d packets were lost and %d messages came; %v", n, r.up.count(), r.server.Err())
				}
				r.server.Close() // Nothing writes to the queue any more.
				if n := kept(q); n != 0 {
					t.Errorf("the server keeps %d pieces", n)
				}
			})
		})
	}
}

// A member who leaves out every second message, again and again, has the server go
// through some gaps and no more, whatever the rate of his link. Who loses as many as a
// line may, goes on.
func TestGapsEndTheLink(t *testing.T) {
	for _, rate := range []int{defaultRate, Rate(cell.Interval20.Duration(), 8, 8), Rate(cell.Interval100.Duration(), 1, 13)} {
		bubble(t, func(t *testing.T) {
			r, err := openRigFor(t, DialConfig{Rate: rate, Window: maxWindow}, 1, shortPath, shortPath, func(answer string) string { return answer })
			defer r.close()
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			m, gaps := newRaw(r.client), min(rate/gapsPerRate, 250)
			for k := range uint32(gaps) {
				m.send(t, member(chunkIData, flagBegins|flagEnds|flagUnordered, m.next+2*k+1, make([]byte, 128)))
				time.Sleep(10 * time.Millisecond)
			}
			if err := r.server.Err(); err != nil {
				t.Fatal(err)
			}
			m.send(t, member(chunkIData, flagBegins|flagEnds|flagUnordered, m.next+2*uint32(gaps)+1, make([]byte, 128)))
			waitFor(t, r.server, time.Second)
			if err := r.server.Err(); !errors.Is(err, ErrProtocol) {
				t.Error(err)
			}
		})
	}
}

// A member who says again and again that he has all but the first message has the server
// keep so many of the rest, and no more.
func TestOutstandingEndsTheLink(t *testing.T) {
	s := newSieve(100, true)
	s.Conn, s.end = &reads{}, func(error) {}
	const first = 0xffffff80 // They go round.
	say := func(n uint32) bool {
		b := member(chunkIData, flagBegins|flagEnds|flagUnordered, first+n, make([]byte, 128))
		return s.say(packetOf(b))
	}
	hear := func(n uint32) {
		b := sack(0)
		binary.BigEndian.PutUint32(b[sackTo:], first+n)
		s.hear(packetOf(b))
	}
	hear(1 << 20) // Before anything was sent.
	for n := range uint32(300) {
		if !say(n) {
			t.Fatalf("message %d is too many", n)
		}
	}
	if say(300) || say(1000) {
		t.Error("there is no end to it")
	}
	s = newSieve(100, true)
	for n := range uint32(1000) {
		if !say(n) {
			t.Fatalf("message %d is too many", n)
		}
		hear(n)
		hear(n - 10) // One that comes late.
		hear(n + 10) // Nobody can have what was not sent.
	}
	for n := uint32(1000); n < 1300; n++ {
		if !say(n) || !say(n-500) {
			t.Fatalf("message %d is too many", n)
		}
		hear(999)
	}
	if say(1300) {
		t.Error("there is no end to it")
	}
}

// A raw is somebody with a link who writes his own packets of SCTP.
type raw struct {
	link *Link
	tag  uint32
	next uint32 // the number of what he sends next
}

func newRaw(l *Link) raw {
	a := reflect.ValueOf(l.connection.association).Elem()
	return raw{l, uint32(a.FieldByName("peerVerificationTag").Uint()), uint32(a.FieldByName("myNextTSN").Uint())}
}

func (r raw) send(t *testing.T, chunks ...[]byte) {
	t.Helper()
	b := packetOf(chunks...)
	binary.BigEndian.PutUint16(b, 5000)
	binary.BigEndian.PutUint16(b[2:], 5000)
	binary.BigEndian.PutUint32(b[4:], r.tag)
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	if _, err := r.link.connection.conn.Write(b); err != nil {
		t.Fatal(err)
	}
}

// member writes what a member sends: each piece is of another message.
func member(kind, flags byte, tsn uint32, user []byte) []byte {
	b := dataChunk(kind, flags, uint16(tsn)|1, user)
	binary.BigEndian.PutUint32(b[4:], tsn)
	return b
}

// queueOf returns where the SCTP of a link keeps what came on the channel.
func queueOf(l *Link) reflect.Value {
	streams := field(reflect.ValueOf(l.connection.association).Elem(), "streams").MapRange()
	streams.Next()
	return field(streams.Value().Elem(), "reassemblyQueue").Elem()
}

// kept returns how many chunks are in a queue that come out by no message.
func kept(q reflect.Value) (n int) {
	for _, name := range []string{"unorderedMIDMap", "orderedMIDMap"} {
		for all := field(q, name).MapRange(); all.Next(); {
			n += field(all.Value().Elem(), "chunks").Len()
		}
	}
	return n + field(q, "unorderedChunks").Len() + field(q, "ordered").Len()
}

// field returns what pion does not show.
func field(v reflect.Value, name string) reflect.Value {
	f := v.FieldByName(name)
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

// The first packet that nobody sends who means well ends the link, and SCTP gets none of
// it, nor what is to be lost.
func TestSieveReads(t *testing.T) {
	message := packetOf(dataChunk(chunkIData, flagBegins|flagEnds|flagUnordered, 0, []byte{7}))
	piece := packetOf(dataChunk(chunkIData, flagEnds|flagUnordered, 0, []byte{8}))
	for last, want := range map[string]error{
		string(packetOf(sack(0), sack(0))):       ErrProtocol,
		string(packetOf(control(chunkReconfig))): ErrLost,
	} {
		var ended error
		s := newSieve(defaultRate, true)
		s.Conn, s.end = &reads{all: [][]byte{piece, message, []byte(last)}}, func(err error) { ended = err }
		b := make([]byte, 100)
		if n, err := s.Read(b); err != nil || !bytes.Equal(b[:n], message) || ended != nil || s.lost.Load() != 1 {
			t.Errorf("%x, %v, %v", b[:n], err, ended)
		}
		if n, err := s.Read(b); n != 0 || !errors.Is(err, want) || !errors.Is(ended, want) {
			t.Errorf("%d bytes, %v, %v", n, err, ended)
		}
		if _, err := s.Read(b); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	}
}

type reads struct {
	net.Conn
	all [][]byte
}

func (r *reads) Read(b []byte) (int, error) {
	if len(r.all) == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.all[0])
	r.all = r.all[1:]
	return n, nil
}
