// Package signal is how a user comes online: one HTTPS request that carries the
// offer of a WebRTC connection and brings back the answer. It is the only thing
// that ever crosses the network outside cells, happens only when a user comes
// online, and looks the same for everybody and whatever comes of it.
//
// Clients use Client.Online; the server uses NewHandler and Serve, and Root and
// NewOnline for its keys. Everybody may import this package.
//
// # Connection
//
// One TLS 1.3 connection for each request, key exchange X25519MLKEM768 and no
// other, no session tickets, no resumption, no early data, no client
// certificate, no server name indication; HTTP/1.1 inside. The server shows two
// certificates: its online certificate (good for a year or less) and its root, which
// signs itself; both are Ed25519. The client checks that
//
//   - SHA-256 of the SubjectPublicKeyInfo (DER) of the last one is the pin of
//     the invite,
//   - the root signed the first one, for server authentication,
//   - the first one is valid now,
//
// and nothing else: no authority, no name. So an address is free to change, and
// no third party can vouch for another server. A client keeps nothing of an online
// certificate: the server may have another one the next time, or after years. The
// certificate of a link's DTLS is made for that link alone, and named in the answer.
//
// What is no TLS at the same port, since it begins with a byte below 20, is a link over
// TCP (package rtc).
//
// Both sides export two secrets from the connection (RFC 8446, section 7.5),
// with no context, 32 bytes each:
//
//	"EXPORTER-undertone-auth-v1"   what the user signs
//	"EXPORTER-undertone-link-v1"   the link key: seals every cell of this link
//
// # Request
//
//	POST /v1/online HTTP/1.1
//	Host: calls.example.org:7443
//	User-Agent: undertone
//	Content-Type: application/sdp
//	Content-Length: 8192
//	Undertone-Version: 1
//	Undertone-Mode: tmix
//	Undertone-Interval: 40ms
//	Undertone-Account: base64url(Ed25519 key 32 ‖ inner hash 32)
//	Undertone-Invite: base64url(token 16)
//	Undertone-Signature: base64url(64)
//
//	v=0 …
//	a=x-undertone-member:base64url(record)
//	a=x-padding:00000000…
//
// base64url is that of RFC 4648, section 5, without padding. Undertone-Mode and
// -Interval are those of the invite; the account is in package key, and the order
// of the fields does not matter. What else is in the head is not looked at, but
// shows who uses another client.
//
// The body is an SDP offer of one data channel and nothing else (package rtc has an
// example). Its lines end with CR LF. A last line, which every reader of SDP
// ignores, brings it to OfferSize bytes: "a=x-padding:", as many zeros as it
// takes, none or more, CR LF. The line before it
// is the member's record, of 1 to MaxRecord bytes, in the modes that ask for one:
// in bMIX the 16 bytes of the value of this connection, in sMIX the public keys
// of this connection (see mixclient/smix); it is missing in tMIX. A user who has
// joined before shows the token of 16 zero bytes. So the request of each user
// has one length. The signature is Ed25519, by the key of the account, over
//
//	 0            19         51        115         147          179
//	+--------------+----------+---------+-----------+------------+
//	| label        | exporter | account | SHA-256   | SHA-256    |
//	|              |          |         | of body   | of token   |
//	+--------------+----------+---------+-----------+------------+
//
//	label            "undertone online v1"
//	exporter         the one of auth-v1, so that a request that was recorded
//	                 says nothing on another connection
//	SHA-256 of token over "undertone token v1" ‖ token
//
// # Response
//
//	HTTP/1.1 201 Created
//	Date: Sun, 22 Nov 2026 17:00:00 GMT
//	Content-Type: application/sdp
//	Location: /v1/online
//	Undertone-Padding: 000…
//
//	v=0 …
//	a=x-undertone-set:channels=8
//	a=x-padding:00000000…
//
// where the line about the set is there in sMIX only, with 1 to MaxChannels
// channels, in decimal; or a refusal, which is JSON followed by spaces:
//
//	HTTP/1.1 403 Forbidden
//	Content-Type: application/json
//	Undertone-Padding: 000…
//
//	{"code":"invite-used","message":"…","version":1,"mode":"tmix","interval":"40ms"}
//
//	400  malformed
//	401  signature       it is not the account's, of this body on this connection
//	403  user-unknown    a token of zeros, and the account has not joined
//	     user-disabled   by the operator
//	     invite-unknown, invite-used (by another account), invite-expired,
//	     invite-revoked
//	409  version, mode, interval    those of the server are in the JSON
//	500  internal        worth another try later, and so are
//	503  full, busy
//
// The date is the clock that the server counts its slots by. A cell holds the low
// 16 bits of its slot only; the date tells which of the slots with these bits is
// near.
//
// The shape is WHIP's (RFC 9725), except that the location is no resource: a
// user goes offline by closing the link. Version, mode and interval are what
// the server speaks. Whatever the response, its head has one length, its body
// has AnswerSize bytes, and it leaves ResponseTime after the last byte of the
// request came (or, on an overloaded server, a whole multiple of that). Only
// what is not HTTP at all is cut off or answered otherwise.
//
// A connection is cut without a word where one address, one network, or all together
// ask too often (see Guard), and when it is too slow: 5 s for the handshake and 5 s for
// the header of the request, 10 s for the whole of it.
//
// # Other clients
//
// A web page has no access to the exporters and cannot check the pin. It needs
// a small native companion that makes the connection, hands the page the two
// exported values, and posts the offer and the signature that the page made
// (WebCrypto knows Ed25519); all the rest is ordinary WebRTC. server/e2e/browser
// has both, page and companion.
package signal
