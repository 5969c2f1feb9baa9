// Package lease decides when a member of an sMIX reserves a channel. It is pure
// and sees only what everybody sees, the member's own leases, and whether the
// member has something to say. mixclient/smix is the only caller.
//
// There are fewer channels than members. Who needs one must get one and keep it,
// and nobody should see that somebody did. So members without a call hold
// channels as well, and all together make one public process, with calls or
// without. It needs the rules of package calendar on the server: leases that end
// one after the other, and one channel always free for the next hand-over.
//
// # The process
//
// Of C channels, C-2 are always held: by calls, and for the rest by members who
// have none. In every frame one lease ends. Its owner reserves the free channel in
// the early part of the frame, and speaks there before the end:
//
//	frame  | early: renewal |  result known  | late: one more | the lease ends
//	40 ms    slots 0, 1        4 slots later    slots 5, 6       after slot 9
//
// One channel more than C-2 may be taken, in the late part, when it is known that
// there is room. A new call takes it as soon as it can. Since that is seen, it
// happens without calls too (attempts): members imitate a need. Then it is full,
// until somebody who does not need his channel gives way by not renewing:
//
//   - Nobody is in a call. All who hold a channel give way by chance, so that
//     together they do so after a number of frames with a known law (giving).
//   - All who hold a channel are in calls. Who imitated a need has two, and lets
//     the older one end. He imitated with a probability that depends on when it
//     ends, so that the law is the same.
//   - A call has come. Somebody who does not need his gives way as in the first
//     case: for a first call with the same law; for a third, with few who can,
//     later, and that is seen.
//
// When a call ends its members keep their channels, as members without a call: no
// end of a call is seen at all. With at most C-1 members everybody always has a
// channel and does the same whether in a call or not: hiding is perfect. So who
// can afford it sets channels to the number of members and one more.
//
// # What it tells
//
// 20 members, 8 channels, 40 ms, results known 4 slots later. Calls with human
// times: ring, answer after 2 s and more, talk for 2 minutes in the mean, pause for 10 s. A
// window is one of an independent run. The area under the curve of a logistic
// regression over all counts of the process, with its interval of 95 %; 0.5 is
// guessing. go test -run 'Occupancy|Probes' -v -args -occupancy.windows=300
//
//	                                   window of 10 s        of 60 s
//	lasting calls: 0 or 1              0.52 (0.45 to 0.60)   0.64 (0.57 to 0.70)
//	lasting calls: 0 or 3              0.50 (0.43 to 0.56)   0.49 (0.41 to 0.55)
//	coming and going: 0 or 1           0.50 (0.44 to 0.57)   0.64 (0.58 to 0.69)
//	coming and going: 0 or up to 3     0.59 (0.53 to 0.64)   0.87 (0.82 to 0.91)
//	a first call starts in the window  0.71 (0.66 to 0.77)   0.65 (0.59 to 0.71)
//	a third call starts in the window  0.84 (0.80 to 0.88)   0.80 (0.75 to 0.85)
//	control: 0 or 1, 0 or 3, a start,
//	without protection                 1.00
//
//	was he in the one call, of a member who is made to vanish   0.71 (0.65 to 0.77)
//	of one who vanished, and comes back                         0.53 (0.46 to 0.59)
//	control: of one whose channels are falsified, who gives up  0.87 (0.82 to 0.91)
//
// The seeds are others than those with which the constants were chosen, and calls
// have come and gone for three minutes when a window begins. The tests that run
// each time have few windows: they find a process that is broken, not one that is
// a little worse. A better classifier may see more than this one.
//
// The advantage is not nothing. Who watches a minute sees more than by guessing
// whether there is a call, and he who looks at the right ten seconds sees rather
// well that a call starts: for a third call, few are left who can give way, and it
// is seen that it waits. The end of a call is not seen, nor who is in one, but for
// what a server learns that makes a member vanish: whether he had a channel.
//
// A channel that is falsified towards its owner alone must be borne until its
// lease ends, three and a half seconds at most: if the client gave it up, falsifying all
// channels towards one member would tell whether he has one (the control). Borne,
// nothing that is seen depends on whose it was.
//
// # What calls get
//
// Up to three calls at once, that come and go all the time: 96 % of 588 who dial
// have a channel within 3 s; of those who answer 90 % have one at once, if Slot is
// told when it rings, and 98 % within 3 s. In 3.6 million slots of calls none was
// without a channel, at no lost slots as at two lost in a thousand: a token lost
// with its slot is placed again in the same frame, and its result comes with the
// end of the old lease. It takes two lost slots, or two tokens in one place, to lose
// a few slots of a voice: the promise is one of probability. Not counted is the
// first second of a call of somebody who was about to give way: he may have a
// channel at first, and then have to wait for one as others do. After a lapse 98 %
// of callers are back with the result of the first slot of the opening. A call that
// needs the eighth member to have a channel waits until another ends.
//
// The client tells Slot when a person answers, not when it rings: somebody who rings
// again and again could watch for the reservation. So those who answer wait as
// those who dial do.
package lease
