package rtc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"net"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

// chunk writes a chunk of data with the number that it has among those in order.
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

func packetOf(chunks ...[]byte) []byte {
	return append(make([]byte, packetHeader), bytes.Join(chunks, nil)...)
}

// What a link has use for gets through, and nothing that would be kept.
func TestWhole(t *testing.T) {
	const all = flagBegins | flagEnds
	cell, one := make([]byte, 128), []byte{1}
	sack := []byte{3, 0, 0, 16, 0, 0, 0, 9, 0, 2, 0, 0, 0, 0, 0, 0}
	for _, kind := range []byte{chunkData, chunkIData} {
		message := dataChunk(kind, all|flagUnordered, 0, cell)
		for name, test := range map[string]struct {
			b    []byte
			want bool
		}{
			"a message":                   {packetOf(message), true},
			"a message and what it acks":  {packetOf(sack, message), true},
			"seven messages":              {packetOf(message, message, message, message, message, message, message), true},
			"the opening of the channel":  {packetOf(dataChunk(kind, all, 0, cell)), true},
			"a byte":                      {packetOf(dataChunk(kind, all|flagUnordered, 5, one)), true},
			"without padding":             {packetOf(dataChunk(kind, all|flagUnordered, 5, one))[:packetHeader+len(dataChunk(kind, all, 5, one))-3], true},
			"an acknowledgement":          {packetOf(sack), true},
			"a chunk that nobody knows":   {packetOf([]byte{200, 0, 0, 4}), true},
			"no chunk":                    {packetOf(), true},
			"a beginning":                 {packetOf(dataChunk(kind, flagBegins|flagUnordered, 0, cell)), false},
			"an end":                      {packetOf(dataChunk(kind, flagEnds|flagUnordered, 0, cell)), false},
			"a middle":                    {packetOf(dataChunk(kind, flagUnordered, 0, cell)), false},
			"no byte":                     {packetOf(dataChunk(kind, all|flagUnordered, 0, nil)), false},
			"in order, and not the first": {packetOf(dataChunk(kind, all, 1, cell)), false},
			"a middle behind a message":   {packetOf(message, dataChunk(kind, flagUnordered, 0, cell)), false},
			"half a header":               {packetOf(message[:8]), false},
			"half a chunk":                {packetOf(message[:60]), false},
			"a chunk of no length":        {packetOf([]byte{3, 0, 0, 0}), false},
			"half a packet":               {make([]byte, packetHeader-1), false},
			"nothing":                     {nil, false},
		} {
			if got := isWhole(test.b); got != test.want {
				t.Errorf("%s, by chunks of kind %d: %v", name, kind, got)
			}
		}
	}
}

// FuzzWhole: whatever a member sends in place of packets, the parser ends, and lets no
// data through that is not a whole message.
func FuzzWhole(f *testing.F) {
	f.Add(packetOf(dataChunk(chunkIData, flagBegins|flagEnds|flagUnordered, 0, make([]byte, 128))))
	f.Add(packetOf([]byte{3, 0, 0, 16, 0, 0, 0, 9, 0, 2, 0, 0, 0, 0, 0, 0}, dataChunk(chunkData, flagBegins|flagEnds, 0, []byte{1})))
	f.Fuzz(func(t *testing.T, b []byte) {
		if !isWhole(b) {
			return
		}
		for at := packetHeader; at < len(b); {
			size := int(binary.BigEndian.Uint16(b[at+2:]))
			if kind := b[at]; (kind == chunkData || kind == chunkIData) && (b[at+1]&3 != 3 || size <= dataHeader) {
				t.Fatalf("at %d of %x", at, b)
			}
			at += (size + 3) &^ 3
		}
	})
}

// A member who sends pieces of messages has the server keep none of them: the first one
// ends his link.
func TestPiecesEndTheLink(t *testing.T) {
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
				q := queueOf(r.server)
				a := reflect.ValueOf(r.client.connection.association).Elem()
				b := make([]byte, packetHeader)
				binary.BigEndian.PutUint16(b, 5000)
				binary.BigEndian.PutUint16(b[2:], 5000)
				binary.BigEndian.PutUint32(b[4:], uint32(a.FieldByName("peerVerificationTag").Uint()))
				for k := range uint32(50) {
					b = append(b, piece(uint32(a.FieldByName("myNextTSN").Uint())+k)...)
				}
				binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
				if _, err := r.client.connection.conn.Write(b); err != nil {
					t.Fatal(err)
				}
				waitFor(t, r.server, time.Second)
				if err := r.server.Err(); !errors.Is(err, ErrProtocol) {
					t.Error(err)
				}
				r.server.Close() // Nothing writes to the queue any more.
				if n := kept(q); n != 0 {
					t.Errorf("the server keeps %d pieces", n)
				}
			})
		})
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

// The first packet that is not whole ends the link, and SCTP gets none of it.
func TestWholeReads(t *testing.T) {
	message := packetOf(dataChunk(chunkIData, flagBegins|flagEnds|flagUnordered, 0, []byte{7}))
	var ended error
	w := &whole{Conn: &reads{all: [][]byte{message, packetOf(dataChunk(chunkIData, 0, 0, nil))}}, end: func(err error) { ended = err }}
	b := make([]byte, 100)
	if n, err := w.Read(b); err != nil || !bytes.Equal(b[:n], message) || ended != nil {
		t.Errorf("%x, %v, %v", b[:n], err, ended)
	}
	if n, err := w.Read(b); n != 0 || !errors.Is(err, ErrProtocol) || !errors.Is(ended, ErrProtocol) {
		t.Errorf("%d bytes, %v, %v", n, err, ended)
	}
	if _, err := w.Read(b); !errors.Is(err, io.EOF) {
		t.Error(err)
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
