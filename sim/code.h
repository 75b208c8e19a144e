/* code.h - what plays, as hashes of the sources that a run's counts and seconds depend on, made when the program is built (Makefile).
 * Results of other sources are other results. */
#ifndef SIM_CODE_H
#define SIM_CODE_H

/* Of what all policies share: 64 hex digits. */
extern const char code_version[];

/* Of the file of each policy in policies/list.h, by its name, so that work on one leaves the runs of the others as they are. A null name ends them. */
struct policy_code {
    const char *name, *code;
};
extern const struct policy_code policy_codes[];

#endif
