// The library is C++; this is all of it that Go sees.

#include "shim.h"

#include <cstring>
#include <memory>

#include <webrtc/modules/audio_processing/include/audio_processing.h>

using webrtc::AudioProcessing;
using webrtc::StreamConfig;

struct ut_chain {
	std::unique_ptr<AudioProcessing> apm;
	StreamConfig mono{UT_RATE, 1, false};
	float scratch[UT_BLOCK];
};

namespace {

// What is played comes as late as the finder wants it, so there is no delay left
// to tell, and the library must not look for one.
const int kDelay = 0;
const bool kFindDelay = false;

// The long filter, 128 ms, can do with a delay that is not quite right.
const bool kLongFilter = true;

// More suppression takes away more of who talks at the same time as the far end;
// less does not bear a delay that changes.
const auto kSuppression = webrtc::EchoCancellation::kModerateSuppression;

// Noise becomes some 12 dB less; a voice in it is not hurt.
const auto kNoise = webrtc::NoiseSuppression::kModerate;

// The microphone's own volume is the user's.
const auto kGain = webrtc::GainControl::kAdaptiveDigital;

int enable(AudioProcessing *apm, int on)
{
	int err = apm->high_pass_filter()->Enable(on != 0);
	err |= apm->echo_cancellation()->Enable((on & UT_ECHO) != 0);
	err |= apm->noise_suppression()->Enable((on & UT_NOISE) != 0);
	err |= apm->gain_control()->Enable((on & UT_GAIN) != 0);
	return err;
}

} // namespace

struct ut_chain *ut_new(int on)
try {
	webrtc::Config config;
	config.Set<webrtc::ExtendedFilter>(new webrtc::ExtendedFilter(kLongFilter));
	config.Set<webrtc::DelayAgnostic>(new webrtc::DelayAgnostic(kFindDelay));
	std::unique_ptr<ut_chain> c(new ut_chain);
	c->apm.reset(AudioProcessing::Create(config));
	if (!c->apm)
		return nullptr;
	AudioProcessing *apm = c->apm.get();
	webrtc::ProcessingConfig format;
	for (StreamConfig &s : format.streams)
		s = c->mono;
	int err = apm->Initialize(format);
	err |= apm->echo_cancellation()->set_suppression_level(kSuppression);
	err |= apm->noise_suppression()->set_level(kNoise);
	err |= apm->gain_control()->set_mode(kGain);
	err |= enable(apm, on);
	return err == 0 ? c.release() : nullptr;
} catch (...) {
	return nullptr;
}

void ut_free(struct ut_chain *c)
{
	delete c;
}

int ut_switch(struct ut_chain *c, int on)
try {
	return enable(c->apm.get(), on);
} catch (...) {
	return AudioProcessing::kUnspecifiedError;
}

int ut_run(struct ut_chain *c, const float *played, float *heard, int blocks)
try {
	AudioProcessing *apm = c->apm.get();
	int result = 0;
	float *out = c->scratch;
	for (int i = 0; i < blocks; i++, played += UT_BLOCK, heard += UT_BLOCK) {
		int err = apm->ProcessReverseStream(&played, c->mono, c->mono, &out);
		if (err == 0)
			err = apm->set_stream_delay_ms(kDelay);
		const float *in = heard;
		if (err == 0)
			err = apm->ProcessStream(&in, c->mono, c->mono, &out);
		if (err == 0)
			std::memcpy(heard, out, UT_BLOCK * sizeof *heard);
		else
			result = err;
	}
	return result;
} catch (...) {
	return AudioProcessing::kUnspecifiedError;
}
