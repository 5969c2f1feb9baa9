#ifndef UNDERTONE_ENHANCE_SHIM_H
#define UNDERTONE_ENHANCE_SHIM_H

#ifdef __cplusplus
extern "C" {
#endif

// The library works on blocks of 10 ms.
#define UT_BLOCK 480
#define UT_RATE 48000

enum { UT_ECHO = 1, UT_NOISE = 2, UT_GAIN = 4 };

// A ut_chain is one instance of the library. One thread at a time may use it.
struct ut_chain;

// ut_new returns a chain with what is set in on, or NULL.
struct ut_chain *ut_new(int on);
void ut_free(struct ut_chain *c);

// ut_switch makes the chain do what is set in on. It allocates. What stays on
// keeps what it has learnt. It returns 0, or the library's error.
int ut_switch(struct ut_chain *c, int on);

// ut_run gives the chain blocks of what is played, and replaces blocks of what
// is heard at the same time. A block that the library refuses stays as it is.
// It returns 0, or the last error of the library.
int ut_run(struct ut_chain *c, const float *played, float *heard, int blocks);

#ifdef __cplusplus
}
#endif

#endif
