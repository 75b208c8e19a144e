/* list.h - every policy, one line each. The line makes the table entry, the --policy
 * name, the help text and the conformance test. */
POLICY(none)
POLICY(fixed)
POLICY(random)
POLICY(ucbspec)
POLICY(exp3spec)
POLICY(thompson)
POLICY(seed_ucb)
POLICY(kl_ucb_tgd)
POLICY(imed_tgd)
POLICY(ts_hazard)
POLICY(hf)
POLICY(goodput)
