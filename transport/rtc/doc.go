// Package rtc moves cells between a client and a server: whole messages over
// one WebRTC data channel. A client calls Dial, a server has one Listener; both
// get a Link. This package and simnet are the only ones that know WebRTC.
//
// # A link's life
//
//	connecting ──channel──▶ attached ──both have it──▶ open
//	    │                      │                        │
//	    └──────────────────────┴───────────▶ closed ◀───┘
//	         Close, lost, timeout, protocol error
//
// One exchange opens a link: the offer goes to Listener.Accept, the answer comes
// back, and nothing follows outside of UDP, or of one connection over TCP where no
// UDP comes through. The offer holds no address and has
// one length, since an ICE-lite server answers to where the checks come from.
// The answer holds the server's addresses, and each client is answered from the one
// that it writes to (origin.go). Who stays in connecting or attached
// for 10 s is closed. Closed is final: who wants to stay online dials again.
//
// Each link has one goroutine that writes, one that reads and calls Receive, one in
// which the connection opens and ends, and one that owns these and what belongs to pion;
// Close waits for all of them.
// Every method may be called from any goroutine, but Send from one at a time, and
// Close, which waits for Receive, not from Receive.
//
// # Who is not on the link
//
// The port takes datagrams from anybody. Those from an address that no link knows
// go no further than a look at their first bytes, and a link takes from its own
// address only what may be its peer's (lane.go): no more datagrams a second than it
// may have any use for (Rate), none that is longer than 1,500 bytes, and, once it is
// open, nothing but encrypted data, and no check of the line from elsewhere. What it
// decrypts it looks at before SCTP does, loses what a link has no use for, and ends at
// what would have SCTP keep, do or answer more than messages and receipts do (sieve.go).
// So a member who sends all that he can costs what ten others do, and not the machine.
// Who can watch the line and forge addresses can bring nothing in, and cannot end the
// link or turn it away; what he can do is to flood it. A link that is not open after 10 s
// is closed, and a Listener has room for so many of those that were not (ListenConfig).
// All of it is counted (ListenerStats).
//
// What a peer that misbehaves can have a link hold is bounded by pion's buffer of 1 MB
// before DTLS, what he can send of a handshake while it opens, the messages that are not
// read yet, of which each may take a packet, and some ten seconds of those that go out;
// there are never more than 16 addresses and one channel.
//
// # The channel, for other clients
//
// Any implementation of WebRTC will do. The client opens one channel when it makes its
// offer, in-band, by what JavaScript calls
//
//	pc.createDataChannel("undertone", {ordered: false, maxPacketLifeTime: 90})
//
// and DCEP (RFC 8832) an OPEN with channel type 0x82, reliability parameter 90, label
// "undertone" and no protocol. Another label or kind of channel, or a second one, ends
// the link. Messages are binary, of 1 to 1,156 bytes; text and what is empty are dropped.
// What comes in more than one chunk of SCTP, as all does that is longer than the
// a=max-message-size of the answer, or in order, as some browsers send what they send
// before DCEP's ACK is there, is lost: so send nothing until the first message of the
// server has come. More than ten messages in a packet, or two chunks of another kind, end
// the link; so does the reset of a stream, which closes the channel. The offer, which
// signalling carries (package signal), has these lines at least, in any order that SDP
// allows:
//
//	v=0
//	o=- 1 1 IN IP4 0.0.0.0
//	s=-
//	t=0 0
//	a=group:BUNDLE 0
//	m=application 9 UDP/DTLS/SCTP webrtc-datachannel
//	c=IN IP4 0.0.0.0
//	a=ice-ufrag:wwzr
//	a=ice-pwd:ADgqNptryGNnBLVIaRdxlCwU
//	a=fingerprint:sha-256 57:78:3C: (and so on, of the client's DTLS certificate)
//	a=setup:actpass
//	a=mid:0
//	a=sctp-port:5000
//
// Candidates in it are not looked at, but for whether one asks for TCP (see below). So
// the offer can be sent as soon as it is there, and no other follows: there is no
// trickle. The fingerprint is by SHA-256. The answer has the same lines, with a=ice-lite, a=setup:passive, and a
// candidate of type host for each address of the server, all with the same UDP port. A
// client may look for the server at the address of signalling too, with that port, and
// ours does: a router's address can be another one today than the server knows. So
// the client sends the checks of ICE, and begins the handshake of DTLS as its client;
// the server answers to where they come from. Each side ends the link if the other's
// certificate is not that of the fingerprint. No STUN or TURN server is needed. I-DATA,
// and SCTP without checksums, are used if both sides know them.
//
// # Where no UDP comes through
//
// ICE has a way for networks that let no UDP through (RFC 6544): the same datagrams go
// over a connection of TCP, each behind its length (RFC 4571).
//
//	 0             2
//	+-------------+--------------------+
//	| length n    | datagram           |   n from 0 to 1,500; one that is empty
//	+-------------+--------------------+   says nothing
//
// The server takes such connections at the port of signalling, which is TCP already
// and known to everybody: what begins with a byte of 20 or more is TLS (package
// signal), and a length never does. So there is no further port to be opened, no third
// party that sees who is online, as with a TURN server, no second layer of encryption,
// and any browser can do it. BenchmarkWays compares them: by TURN over TLS a
// round trip takes 1.3 times as long, and writes 273 bytes for a cell and not 233. What it does not get through is a firewall that looks for
// TLS in all that is TCP.
//
// A client asks for it by a candidate in its offer that is active,
//
//	a=candidate:1 1 tcp 1518280447 0.0.0.0 9 typ host tcptype active
//
// of which nothing else is looked at, and then finds passive ones in the answer, of
// the same addresses as those of UDP. Undertone's client, which has just reached
// the server for signalling, connects to where that was. It does so if UDP has
// brought no answer two seconds after the answer came, and from then on leaves UDP
// alone for as long as the link lives; a link over UDP never becomes one over TCP. If
// a link does not open in time, the next one goes over TCP from the beginning, and the
// one after that begins with UDP again: some firewalls let through the first packets of
// UDP, and no others. So which it is follows from the network while a link opens, and
// from nothing that happens later, such as a call. Who records the line sees it.
//
// Over TCP all is as over UDP, with 2 bytes more for each datagram and the headers of
// TCP, and one write, and so one packet if the line takes it, for each. What differs is
// loss: TCP sends again what was lost, and holds back what comes after it, for a round
// trip at least. So that nobody is late from then on, nothing waits: a datagram goes
// out at once or is lost. Up to the messages of one slot, and not fewer than two, may
// wait in the system, which is asked before each write how much it has not sent yet
// (Linux; elsewhere its buffer is small), and as many, and two besides, for the
// goroutine that writes. It is the connection's own, so one that stands still keeps
// nobody waiting. SCTP takes what is lost here for lost on the way.
//
// A connection is anybody's until the link has answered a check on it that shows the
// link's password. Until then it may bring 64 checks of the line in 5 s and nothing
// else; it is cut for less than that if others want its place (signal.Guard), and at
// once for a frame that is too long or empty. A link has no more than four, and ends
// them when it ends. Inside, an address that nobody has stands for each, so that agent
// and lane treat what comes as if it came over UDP from there.
//
//	TCP ──▶ frames ──▶ inbox ──▶ socket ──▶ pion's multiplexer ──▶ lane ──▶ agent
//	UDP ────────────────────────▶ │
//
// # On the wire
//
// One message is one datagram:
//
//	DTLS record 13 | nonce 8 | SCTP 12 | I-DATA 20 | message | tag 16
//
// so a cell of 128 bytes is a UDP payload of 197, and the longest message, of
// 1,156 bytes, one of 1,225. A second message enters SCTP only when the first
// has left it (block-write), so two never share a datagram; without that, two
// sent together become one of 345 bytes. What is too much for the mailbox, which
// is two deep unless somebody sends whole batches, is overwritten, oldest first:
// Send never waits, and there is no lock in its way.
//
// All other datagrams, of which none depends on what is in a message:
//
//	112  ICE's check, from the client, on a timer of 2 s that starts when
//	     ICE connects and that traffic does not move
//	64   the server's answer to it
//	65   an acknowledgement, for every second message or after 0.2 s, and
//	     4 bytes more for each gap that a loss left
//	197 + n·148   after a loss: cells sent again, several together
//
// Who watches learns from these how good the line is, which he could measure
// himself. Without loss, two runs with different contents have the same list of
// (time, source, size), also with jitter; with loss, two runs differ even with
// the same contents, by which of two timers of one instant runs first. So they do
// if messages of a batch overtake each other, which SCTP takes for a loss.
//
// Measured (pion/webrtc v4.2.26, fake time, 3,000 cells each way, worse of both
// directions): cells not there by one-way + one interval, and datagrams per
// second and direction that are not single cells.
//
//	                    100 ms           40 ms            20 ms
//	one-way   loss   missing control  missing control  missing control
//	   0 ms    0 %    0.0 %    5.5     0.0 %   13.0     0.0 %   25.5
//	           1 %    0.0 %    5.6     0.1 %   13.1     0.1 %   25.7
//	           5 %    0.6 %    6.0     0.9 %   13.6     1.0 %   27.1
//	  50 ms    0 %    0.0 %    5.5     0.0 %   13.0     0.0 %   25.5
//	           1 %    1.0 %    5.6     1.1 %   13.4     1.4 %   27.4
//	           5 %    5.2 %    6.0     5.6 %   16.6     5.5 %   33.5
//	 100 ms    0 %    0.0 %    5.5     0.0 %   13.0     0.0 %   25.5
//	           1 %    1.0 %    5.7     1.1 %   13.8     1.5 %   29.4
//	           5 %    5.1 %    6.4     5.5 %   16.6     5.4 %   38.1
//	 200 ms    0 %    0.0 %    5.5     0.0 %   13.0     0.0 %   25.4
//	           1 %    1.0 %    5.8     1.1 %   14.4     1.5 %   32.4
//	           5 %    5.1 %    6.8     5.5 %   19.1     5.5 %   42.4
//	 300 ms    0 %    0.0 %    5.5     0.0 %   13.0     0.0 %   25.4
//	           1 %    1.1 %    5.9     1.1 %   14.8     1.4 %   34.4
//	           5 %    5.2 %    7.3     5.5 %   20.6     5.3 %   46.4
//
// The same for batches of the longest messages, 1,000 slots each way, with a
// mailbox and a window that are made for them: 13 messages at once, as the bMIX of
// 100 users sends, and 2 in every slot, half of it apart, as the sMIX of 8 channels
// sends. Both is how many slots neither part was there of by one-way + one
// interval after the tick.
//
//	                 13 per 100 ms       2×1 per 40 ms           2×1 per 20 ms
//	one-way   loss   missing control    missing   both control  missing   both control
//	   0 ms    0 %    0.0 %   60.1     0.0 %   0.0 %   25.5    0.0 %   0.0 %   50.5
//	           1 %    0.0 %   60.6     0.1 %   0.0 %   25.8    0.1 %   0.0 %   50.8
//	           5 %    0.1 %   63.0     0.5 %   0.2 %   26.6    0.5 %   0.2 %   53.5
//	  50 ms    0 %    0.0 %   40.5     0.0 %   0.0 %   25.5    0.0 %   0.0 %   50.4
//	           1 %    0.6 %   42.4     1.1 %   0.1 %   27.1    1.4 %   0.1 %   56.7
//	           5 %    4.0 %   47.3     5.1 %   0.4 %   33.0    6.0 %   0.5 %   81.7
//	 100 ms    0 %    0.0 %   40.5     0.0 %   0.0 %   25.4    0.0 %   0.0 %   50.2
//	           1 %    1.0 %   43.5     1.1 %   0.1 %   28.2    1.4 %   0.1 %   62.1
//	           5 %    5.0 %   49.2     5.0 %   0.4 %   37.5    6.0 %   0.5 %   86.8
//	 200 ms    0 %    0.0 %   40.4     0.0 %   0.0 %   25.4    0.0 %   0.0 %   50.0
//	           1 %    1.0 %   45.2     1.1 %   0.0 %   30.1    1.1 %   0.1 %   67.3
//	           5 %    5.1 %   50.8     5.0 %   0.3 %   42.5    5.8 %   0.5 %   92.5
//	 300 ms    0 %    0.0 %   40.4     0.0 %   0.0 %   25.3    0.0 %   0.0 %   49.8
//	           1 %    1.0 %   46.7     1.1 %   0.0 %   32.0    1.2 %   0.1 %   72.5
//	           5 %    5.1 %   53.2     5.0 %   0.3 %   45.4    6.2 %   0.5 %   94.7
//
// 40 messages per 100 ms (a bMIX of 320) and 2×4 per 20 ms (an sMIX of 32 channels)
// differ from these by no more than a tenth of a percent. UNDERTONE_TABLE=1 has
// TestBatches measure all of this again.
//
// Opening takes 0.2 s at no delay, 1.4 s at 100 ms one way, and about 4 s (worst
// of 20: 5.2 s) at 300 ms with 5 % loss. One cell there and back over loopback,
// both ends together, costs 97 µs, 213 allocations and 10 kB, all of them
// pion's.
//
// # Why these parameters
//
// The channel is unordered with a lifetime of 90 ms. In this version of pion the
// lifetime starts again with each repetition, so a lost cell is in fact repeated
// (after a second, or when acknowledgements show the gap) until it arrives; the
// receiver drops it by its slot. That costs less than the alternatives: with one
// retransmission allowed instead, giving up cells brings 8.5 to 10 control
// datagrams per second at 200 and 300 ms and 5 % loss; with none, FORWARD-TSN
// storms. The price comes after an outage of the whole line: its cells are sent
// again at once, seven in a datagram, beside the new ones, which are in time.
// What is on the way is bounded by the window of 128 kB: 18 s of cells at 20 ms.
//
// Batches need a longer window, for two reasons. 460 kB/s over a round trip of
// 400 ms do not fit into 128 kB: a third of the messages is missing. And a window
// that fills up in an outage opens only when its messages were sent again, which
// pion does a few per second; for five seconds and more nothing is in time. With
// one of 1.6 s (see Window), and an outage of up to 0.9 s, the first message sent
// after it is. A client gives a line up after one second. The receiver has room for
// two windows: with room for just one, pion takes what is on the way for what is
// there, and repeats one message at a time.
package rtc
