package quality

import (
	"math"

	"gonum.org/v1/gonum/dsp/fourier"

	"undertone/codec"
)

// The constants of STOI: C. H. Taal, R. C. Hendriks, R. Heusdens, J. Jensen,
// "An Algorithm for Intelligibility Prediction of Time-Frequency Weighted Noisy
// Speech", IEEE Trans. Audio, Speech and Language Processing 19 (2011), and of
// ESTOI: J. Jensen, C. H. Taal, "An Algorithm for Predicting the
// Intelligibility of Speech Masked by Modulated Noise Maskers", 24 (2016).
const (
	stoiRate    = 10000 // samples per second
	stoiFrame   = 256   // samples of an analysis frame
	stoiHop     = stoiFrame / 2
	stoiFFT     = 512
	stoiBands   = 15    // third-octave bands
	stoiLowest  = 150.0 // centre of the first band, in Hz
	stoiSegment = 30    // frames of a segment: 384 ms
	stoiBeta    = -15.0 // lower bound of the signal to distortion ratio, in dB
	stoiDynamic = 40.0  // frames this far below the loudest are silent, in dB
)

// Intelligibility returns STOI and ESTOI of heard against clean, which must be
// aligned already and of one length. Both are about 1 for the same speech and
// about 0 for noise; with less than 0.4 s of speech both are 0.
func Intelligibility(clean, heard []float32) (stoi, estoi float64) {
	return intelligibility(atStoiRate(clean), atStoiRate(heard))
}

// intelligibility does it at stoiRate.
func intelligibility(x, y []float64) (stoi, estoi float64) {
	n := min(len(x), len(y))
	x, y = removeSilence(x[:n], y[:n])
	bx, by := bands(x), bands(y)
	count := 0
	for m := stoiSegment; m <= len(bx); m++ {
		sx, sy := bx[m-stoiSegment:m], by[m-stoiSegment:m]
		stoi += segmentSTOI(sx, sy)
		estoi += segmentESTOI(sx, sy)
		count++
	}
	if count == 0 {
		return 0, 0
	}
	return stoi / float64(count), estoi / float64(count)
}

func atStoiRate(pcm []float32) []float64 {
	low, err := codec.Convert(pcm, SampleRate, stoiRate)
	if err != nil {
		return nil // both rates are constants that the resampler takes
	}
	out := make([]float64, len(low))
	for i, v := range low {
		out[i] = float64(v)
	}
	return out
}

// hann is the window of the paper, without the zeros at its ends.
func hann() []float64 {
	w := make([]float64, stoiFrame)
	for i := range w {
		w[i] = 0.5 * (1 - math.Cos(2*math.Pi*float64(i+1)/(stoiFrame+1)))
	}
	return w
}

// removeSilence leaves out the frames in which x, the clean speech, is silent,
// from both.
func removeSilence(x, y []float64) (_, _ []float64) {
	w := hann()
	var levels []float64
	top := math.Inf(-1)
	for at := 0; at+stoiFrame <= len(x); at += stoiHop {
		sum := 0.0
		for i, v := range w {
			sum += v * x[at+i] * v * x[at+i]
		}
		level := 10 * math.Log10(sum+1e-30)
		levels = append(levels, level)
		top = max(top, level)
	}
	kx, ky := make([]float64, len(x)), make([]float64, len(x))
	kept := 0
	for f, level := range levels {
		if level <= top-stoiDynamic {
			continue
		}
		for i, v := range w {
			kx[kept*stoiHop+i] += v * x[f*stoiHop+i]
			ky[kept*stoiHop+i] += v * y[f*stoiHop+i]
		}
		kept++
	}
	if kept == 0 {
		return nil, nil
	}
	end := (kept-1)*stoiHop + stoiFrame
	return kx[:end], ky[:end]
}

// bands returns, frame by frame, the magnitude in each third-octave band.
func bands(x []float64) [][stoiBands]float64 {
	edges := bandEdges()
	w := hann()
	fft := fourier.NewFFT(stoiFFT)
	buf := make([]float64, stoiFFT)
	var coeff []complex128
	var out [][stoiBands]float64
	for at := 0; at+stoiFrame <= len(x); at += stoiHop {
		for i, v := range w {
			buf[i] = v * x[at+i]
		}
		coeff = fft.Coefficients(coeff, buf)
		var frame [stoiBands]float64
		for b := range frame {
			sum := 0.0
			for _, c := range coeff[edges[b][0]:edges[b][1]] {
				sum += real(c)*real(c) + imag(c)*imag(c)
			}
			frame[b] = math.Sqrt(sum)
		}
		out = append(out, frame)
	}
	return out
}

// bandEdges returns the first bin of each band and the first beyond it: the
// bins nearest to a sixth of an octave below and above its centre.
func bandEdges() (edges [stoiBands][2]int) {
	for b := range edges {
		centre := stoiLowest * math.Pow(2, float64(b)/3)
		for k, f := range []float64{centre * math.Pow(2, -1.0/6), centre * math.Pow(2, 1.0/6)} {
			edges[b][k] = int(math.Round(f * stoiFFT / stoiRate))
		}
	}
	return edges
}

// segmentSTOI is the mean over the bands of the correlation of their envelopes,
// that of y brought to the level of x and clipped.
func segmentSTOI(x, y [][stoiBands]float64) float64 {
	clip := 1 + math.Pow(10, -stoiBeta/20)
	sum := 0.0
	for b := range stoiBands {
		var ex, ey [stoiSegment]float64
		var px, py float64
		for m := range stoiSegment {
			ex[m], ey[m] = x[m][b], y[m][b]
			px += ex[m] * ex[m]
			py += ey[m] * ey[m]
		}
		gain := 0.0
		if py > 0 {
			gain = math.Sqrt(px / py)
		}
		for m := range ey {
			ey[m] = min(gain*ey[m], clip*ex[m])
		}
		normalise(ex[:])
		normalise(ey[:])
		sum += dot(ex[:], ey[:])
	}
	return sum / stoiBands
}

// segmentESTOI is the mean over the frames of the correlation of their spectra,
// each band having been brought to mean zero and norm one over the segment.
func segmentESTOI(x, y [][stoiBands]float64) float64 {
	nx, ny := normaliseBands(x), normaliseBands(y)
	sum := 0.0
	for m := range stoiSegment {
		normalise(nx[m][:])
		normalise(ny[m][:])
		sum += dot(nx[m][:], ny[m][:])
	}
	return sum / stoiSegment
}

func normaliseBands(x [][stoiBands]float64) (out [stoiSegment][stoiBands]float64) {
	for b := range stoiBands {
		var row [stoiSegment]float64
		for m := range row {
			row[m] = x[m][b]
		}
		normalise(row[:])
		for m := range row {
			out[m][b] = row[m]
		}
	}
	return out
}

// normalise brings x to mean zero and norm one; a constant becomes zero.
func normalise(x []float64) {
	mean := 0.0
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	norm := 0.0
	for i := range x {
		x[i] -= mean
		norm += x[i] * x[i]
	}
	norm = math.Sqrt(norm)
	for i := range x {
		if norm < 1e-12 {
			x[i] = 0
			continue
		}
		x[i] /= norm
	}
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}
