#!/bin/sh
# Makes the recorded speech of this folder again. Run by hand, needs
# espeak-ng 1.51 and sox 14.4; the results are committed, because a build must
# not need either. The sentences are our own, so the sounds are under the
# licence of the project.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# say FILE SPEED PITCH TEXT: one voice, 16 kHz mono, band limited as a
# telephone headset would, a fifth of a second of silence around it.
say() {
	espeak-ng -v en-us+f3 -s "$2" -p "$3" -g 2 -w "$work/raw.wav" "$4"
	sox "$work/raw.wav" -r 16000 -c 1 -b 16 -D "$work/trim.wav" \
		highpass 80 lowpass 7200 silence 1 0.01 0.1% reverse silence 1 0.01 0.1% reverse
	sox "$work/trim.wav" "$work/$1" fade 0.005 -0 0.02 pad 0.2 0.3
}

# level IN OUT: -20 dBFS RMS over the whole file; the highest peak stays below
# full scale, which assets_test.go checks.
level() {
	rms=$(sox "$work/$1" -n stat 2>&1 | awk '/RMS.*amplitude/ {print $3}')
	sox -D "$work/$1" -b 16 "$2" vol "$(awk "BEGIN {print 0.1 / $rms}")"
}

say a.wav 155 50 "Good morning. This call hides in a steady stream of cells. Nobody who watches can say when I began to speak."
level a.wav speech.wav

say b.wav 150 35 "The harbour is quiet tonight. Seven small boats came home before the rain, with their lamps burning."
level b.wav answer.wav

say c.wav 160 45 "Please put the kettle on while I look for the other map. I thought it was in the blue folder, under the tickets."
say d.wav 150 58 "Did you ask her about Thursday? We could take the early train and walk the rest of the way."
say e.wav 165 40 "All right, just a moment. Yes, I can hear you well. Tell me the whole thing."
sox "$work/c.wav" "$work/d.wav" "$work/e.wav" "$work/f.wav"
level f.wav loop.wav
