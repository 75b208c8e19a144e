/* figures.h - every figure, one line each: name, query file, script file, summary, what it draws from. */
FIGURE("regret", regret, regret, "regret in rounds along a prompt, 95% bands", "regret curve")
FIGURE("regret-seconds", regret, regret, "regret in seconds along a prompt, 95% bands", "regret curve")
FIGURE("regret-prompts", regret_prompts, regret, "regret in rounds added up over prompts, 95% bands", "regret over prompts")
FIGURE("regret-bounds", regret_bounds, regret, "regret in rounds along a prompt beside the theorems' bounds", "bounds")
FIGURE("speed", speed, speed, "tokens per second and speedup by policy, 95% intervals", "policy")
FIGURE("pulls", pulls, pulls, "share of rounds each arm was played, over rounds", "arm pulls")
