// Package feature turns a recording into a table: for each segment the numbers in
// which a call might show. What they are worth is for package judge.
//
//	datagrams ─▶ flows, one for each direction and user
//	             ─▶ slots: which message is of which slot, and how late
//	segments  ─▶ windows of as many slots each ─▶ a value for each feature
//
// # Slots and lateness
//
// Messages leave on a grid that nobody tells an observer, and that moves: by clocks
// that run differently, and by the pacer, which follows the server by up to 200 ppm.
// So the grid is fitted. A message belongs to the slot that is nearest. For each
// second the lower quartile of the residuals is taken, and through those of half a
// minute the line of Theil and Sen (the median of all slopes), which up to 29 % of
// outliers do not move; where the grid turns, through those on one side of the turn.
// Lateness is what remains, in milliseconds. What lasts for a
// segment of two seconds is one fifteenth of what the line is fitted to, and stays
// in the lateness; what lasts for minutes is the clock's.
//
// A segment becomes a window of whole slots, of one number for all segments of its
// length, so that where it was cut changes no count.
//
// # Features
//
// For sent and received messages each:
//
//	wrong sizes      exact    messages of another length than all others
//	lateness         primary  median, MAD and 95th percentile over the slots
//	empty slots      primary  slots without a message
//	further messages          more than a batch in a slot: what was sent again
//	batch                     from the first message of a slot to the last, if several
//	gaps                      between messages: mean, variance, entropy (Fu, Graham,
//	                          Bettati; bins of a four hundredth of the period)
//	acknowledgements          how many, and how long after the last message from the
//	                          other side: median and MAD
//	several again             datagrams with several messages, that were sent before
//
// And of the line as a whole: the round trip of ICE's checks, how many there were,
// and, if the other side of the calls was recorded, how much the lateness of one
// side goes with or against that of the other, at the lag of a few slots where it does
// most. If a
// bystander was recorded, a member who was in no call, the same of his line, in short.
//
// # Which are primary, and why so few
//
// A primary feature has to be shown equal, and an honest line is refused by each with
// some chance. So primary are those in which earlier leaks showed, and no others:
// the lateness of what is sent (its median: work before the sending; its MAD and 95th
// percentile: work beside it), empty slots (what stops the pacer), and the median
// lateness of what is received (the server's work for a call). A received message's
// spread is the network's more than the server's; the rest follows from these or
// from losses, and is a further look. The classifier has all of them.
//
// Counts are not exact features: a machine that stands still for half a slot skips
// one, in a call or not, and lost messages are sent again. Sizes never have a reason.
//
// Pure functions; the same recording gives the same table.
package feature
