/* code.h - what plays, as one number: a hash of the sources that a run's counts and seconds depend on, made when the program is built
 * (Makefile). Results of other sources are other results. */
#ifndef SIM_CODE_H
#define SIM_CODE_H

extern const char code_version[]; // 64 hex digits

#endif
