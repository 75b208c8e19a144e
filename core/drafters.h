/* drafters.h - every kind of drafter, one line each. */
DRAFTER(pld)
DRAFTER(sam)
DRAFTER(rest)
DRAFTER(resttree)
DRAFTER(eagle)
DRAFTER(eagle2)
DRAFTER(model)
