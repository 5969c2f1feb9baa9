// Package stats decides from measured numbers whether two kinds of segments can
// be told apart. It is written to be understood without having studied
// statistics; each idea is named, so that it can be looked up.
//
// # What is measured: the AUC
//
// Take one segment recorded in a call and one recorded idle, at random, and look
// at one feature of both. The AUC is how often the call has the larger value (a
// tie counts half). 0.5 is what guessing gives: the feature tells nothing. 1 and
// 0 tell every time. It is the area under the ROC curve (hence the name), and
// the Mann-Whitney statistic divided by the number of pairs; it needs no
// assumption of how the values are distributed. (Hanley and McNeil, The Meaning
// and Use of the Area under a ROC Curve, Radiology 1982.)
//
// # How sure that is: the interval
//
// Another run would give another AUC. The bootstrap imitates other runs: it
// draws as many segments from those recorded, with repetition, computes the AUC
// of that, and does so some thousand times. The middle 90 % of the results are
// the interval. (Efron and Tibshirani, An Introduction to the Bootstrap, 1993;
// this is their percentile interval. Their refined BCa interval differs from it
// near 0 and 1 only, where no decision hangs on it: near 0.5 an AUC is spread
// symmetrically.)
//
// Neighbours in time resemble each other: a busy minute makes ten segments late.
// If each segment's label is drawn alone, that does no harm, however long the moods
// of the machine are, since they hit both labels alike; then segments are drawn one
// by one. This is the way to record. But if a call lasts for several segments, labels
// have neighbours too, and fewer independent things were seen than there are
// segments. Then whole blocks of neighbours are drawn, call and idle together as they
// stood (the circular block bootstrap: Künsch 1989; Politis and Romano 1992). A block
// must be longer than the runs of a label, not longer than the moods: the product of
// the two is what survives into the AUC. See BlockLength. Drawing blocks of each
// label alone would be wrong: it takes the mood that both share, and that the
// difference does not see, for uncertainty.
//
// # Equal is more than not different: equivalence
//
// A short run finds no difference between anything, so "no difference found" is
// no evidence. Equivalence turns the burden of proof around: the whole interval
// has to lie between two bounds, 0.45 and 0.55. That is the same as two
// one-sided tests at 5 %, of "AUC at most 0.45" and of "AUC at least 0.55"
// (TOST: Schuirmann 1987), which is why the interval is one of 90 %. If several
// features all have to be equal, the chance of passing wrongly stays at 5 %
// however many there are, since a leak has to get past its own test (Berger
// 1982, intersection-union). What grows is the number of segments that an honest
// line needs to pass: see Needed.
//
// # Looking in many places: detection
//
// Of a thousand looks at nothing, ten find what has a chance of 1 %. So the
// chance p that a difference like the one seen comes from guessing alone is
// corrected for the number of looks: Holm 1979. After it the chance of any false
// alarm at all is at most the one chosen.
//
// p itself is that of the Mann-Whitney test, in which the labels are shuffled
// over the values. With few calls against many idle segments, and with values
// that are mostly ties, such as a count that is nearly always zero, its usual
// approximation by a normal distribution claims chances a thousand times too
// small. So the tail is computed by a saddlepoint approximation of the shuffle,
// which is good to some percent however far out (Robinson 1982; Skovgaard 1987).
//
// gonum.org/v1/gonum computes quantiles, normal distributions and correlations
// here; the package has what it lacks. All functions are pure, and the same seed
// gives the same result. Any goroutine may call them.
package stats
