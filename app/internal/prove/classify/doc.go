// Package classify plays the attacker who looks at all features at once: it
// learns from segments whose label it is told, and then says of others how much
// they look like a call. A leak may be in no feature alone, but in two together,
// or in how much one of them varies.
//
//	rows --> standardised ----> ridge logistic --\
//	     \                                        >-- weighted by what they
//	      -> sorted into bins -> boosted trees --/    have shown before --> scores
//
// Two learners, since neither sees all. Logistic regression (with each feature
// and its square) adds up many small shifts and changes of variance; it cannot
// see what two features say together only. Boosted trees of depth three can
// (Friedman 2002, Stochastic Gradient Boosting; bins as in LightGBM), but learn
// small shifts slowly. Each is trusted as far as it was right so far.
//
// # Never judged by what was learnt from it
//
// A classifier knows by heart what it has learnt from, so it has to be judged by
// other segments. The segments are cut into ten folds in the order of time, and
// each fold is judged by what was learnt from all folds before it: what an attacker
// does who listens for a while and then has to tell (Dawid 1984, prequential
// analysis). The first fold is judged by nobody. Segments at the cut are left out
// of the learning: neighbours resemble each other, and may belong to one call.
//
// The usual cross-validation, which learns from the folds after it too, would use
// each pair of folds twice, once in each direction. If two folds resemble each
// other by chance, both directions gain by it. So where there is nothing to find,
// its AUC is spread further than that of a feature (1.33 times, measured with this
// classifier; in theory up to 1.5 times), which an interval by bootstrap cannot
// know: of 90 % intervals 20 to 24 % missed 0.5. With folds that learn from the
// past alone what one fold errs by tells nothing of the next, and 10 to 12 % missed
// it. The price is that early folds are judged by a classifier that knows little.
//
// Scores are ranks within a fold, since those of two classifiers do not compare.
// (So the AUC of what separates entirely is a little below 1, where folds have more
// calls or fewer.)
//
// Of libraries in Go, gonum has no classifier, and the collections that have some
// have had no release for years. gonum.org/v1/gonum/mat solves the equations.
//
// Pure functions without state; the same seed gives the same scores.
package classify
