/* figures.h - every figure, an entry each: name, query file, script file, what it is drawn from (plot.h), lines of text it must have room
 * for (a gnuplot expression over the query's factors; 0: the usual canvas will do); summary, what is missing where the query has no rows,
 * and the command that makes it. */
FIGURE("regret", regret, regret, EXPERIMENT, "|spec| * 1.05",
       "regret in rounds along a prompt, 95% bands", "regret curve", "banditspec replay --db T --results R")
FIGURE("regret-log", regret_log, regret, EXPERIMENT, "|spec| * 1.05",
       "regret in rounds on logarithmic axes, beside the theorems' bounds", "regret curve", "banditspec replay --db T --results R")
FIGURE("regret-seconds", regret, regret, EXPERIMENT, "|spec| * 1.05",
       "regret in seconds along a prompt, 95% bands", "regret curve", "banditspec replay --db T --results R")
FIGURE("regret-prompts", regret_prompts, regret, EXPERIMENT, "|spec| * 1.05",
       "regret in rounds added up over prompts, 95% bands", "regret over prompts", "banditspec replay --db T --results R")
FIGURE("regret-bounds", regret_bounds, regret, EXPERIMENT, "|spec| * 1.05",
       "regret in rounds along a prompt beside the theorems' bounds", "bounds", "banditspec replay --db T --results R")
FIGURE("speed", speed, speed, EXPERIMENT, "term ? |spec| : |spec| * 1.12",
       "tokens per second and speedup by policy, 95% intervals", "policy", "banditspec replay --db T --results R")
FIGURE("categories", categories, categories, EXPERIMENT, "2 + ceil(|category| / 4.0) * (|spec| + 2.5)",
       "tokens per second by policy and category, 95% intervals", "figures by category", "banditspec replay --db T --results R")
FIGURE("categories-mat", categories, categories, EXPERIMENT, "2 + ceil(|category| / 4.0) * (|spec| + 2.5)",
       "tokens emitted a round by policy and category, 95% intervals", "figures by category", "banditspec replay --db T --results R")
FIGURE("round", round, round, EXPERIMENT, "term ? |spec| : |spec| * 1.12",
       "seconds of a round by part: drafting, verifying, the policy's own", "parts of a round",
       "banditspec replay --db T --own show --results R")
FIGURE("pulls", pulls, pulls, EXPERIMENT, "|arm|",
       "share of rounds each arm was played, over rounds", "arm pulls", "banditspec replay --db T --results R")
FIGURE("pulls-prompts", pulls_prompts, pulls_prompts, EXPERIMENT, "term ? ceil(|spec| / 3.0) * (|row| + 2.5) - 4 : 0",
       "share of rounds each arm was played, prompt by prompt", "arm pulls by prompt", "banditspec replay --db T --results R")
FIGURE("sensitivity", sensitivity, sensitivity, EXPERIMENT, "|panel| > 3 ? 31 : 0",
       "tokens per second over a policy's parameters, 95% intervals", "policy with two values of a parameter",
       "banditspec replay --db T --policy 'ucbspec:delta={0.01,0.1,0.5}' --results R")
FIGURE("serving", serving, serving, SERVING, "|named| * 1.05",
       "throughput over plain decoding by batch size", "simulated server", "banditspec serving --db T --batch 1 4 16 --results R")
FIGURE("fidelity", fidelity, fidelity, FIDELITY, "|spec|",
       "simulated beside live tokens per second", "live run held against its simulation",
       "banditspec live --model M --drafter D... --prompts F --policy A B --check T --results R")
FIGURE("lengths", lengths, lengths, TRACE, "0",
       "accepted lengths by drafter beside the fitted truncated geometric", "drafts", "banditspec record --db T")
FIGURE("drift", drift, drift, TRACE, "0",
       "acceptance over the position in the text by drafter, 95% intervals", "drafts", "banditspec record --db T")
FIGURE("latency", latency, latency, TRACE, "0",
       "verification time by width, batch and context: medians, p10 to p90", "timings", "banditspec record --db T")
