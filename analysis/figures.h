/* figures.h - every figure, an entry each: name, query file, script file, what it is drawn from (plot.h), lines of text it must have room
 * for (a gnuplot expression over the query's factors; 0: the usual canvas will do); summary, what is missing where the query has no rows,
 * the command that makes it, and what to see in it. */
FIGURE("regret", regret, regret, EXPERIMENT, "|spec| * 1.05",
       "regret in rounds along a prompt, 95% bands", "regret curve", "banditspec replay --db T --results R",
       "A curve that flattens has found the good arms; one that keeps climbing pays for every token. Below zero a policy beats the "
       "best single arm of each prompt, which only changing arms within a prompt can do.")
FIGURE("regret-log", regret_bounds, regret, EXPERIMENT, "|spec| * 1.05",
       "regret in rounds on logarithmic axes, beside the theorems' bounds", "regret curve", "banditspec replay --db T --results R",
       "On these axes a logarithm bends and a straight line stays straight: a curve as steep as plain decoding's learns nothing, "
       "one that grows flatter learns.")
FIGURE("regret-seconds", regret, regret, EXPERIMENT, "|spec| * 1.05",
       "regret in seconds along a prompt, 95% bands", "regret curve", "banditspec replay --db T --results R",
       "The same loss in time, which is what counts: a round saved is worth little where verifying a longer draft costs as much. "
       "Where bands overlap, the table's paired tests say more.")
FIGURE("regret-prompts", regret_prompts, regret, EXPERIMENT, "|spec| * 1.05",
       "regret in rounds added up over prompts, 95% bands", "regret over prompts", "banditspec replay --db T --results R",
       "Prompts in their order. A policy that starts anew with each prompt goes straight; one that carries on what it learned "
       "bends down.")
FIGURE("regret-bounds", regret_bounds, regret, EXPERIMENT, "|spec| * 1.05",
       "regret in rounds along a prompt beside the theorems' bounds", "bounds", "banditspec replay --db T --results R",
       "Upper bounds lie far above what policies pay on texts of this length; the asymptote is what no good policy can stay below "
       "in the long run.")
FIGURE("speed", speed, speed, EXPERIMENT, "term ? |spec| : |spec| * 1.12",
       "tokens per second and speedup by policy, 95% intervals", "policy", "banditspec replay --db T --results R",
       "Longer is faster; the dashed line is plain decoding. Intervals are of each policy alone: whether two policies differ is "
       "for the table's paired tests to say.")
FIGURE("categories", categories, categories, EXPERIMENT, "2 + ceil(|category| / 4.0) * (|spec| + 2.5)",
       "tokens per second by policy and category, 95% intervals", "figures by category", "banditspec replay --db T --results R",
       "Whether the order of the policies is the same in every panel. Where it is not, what to use depends on the text; an "
       "interval that reaches across the dashed line leaves open whether drafting pays there. An arrow: the interval goes on.")
FIGURE("categories-mat", categories, categories, EXPERIMENT, "2 + ceil(|category| / 4.0) * (|spec| + 2.5)",
       "tokens emitted a round by policy and category, 95% intervals", "figures by category", "banditspec replay --db T --results R",
       "The same by tokens a round, which does not depend on the machine: a policy that is ahead here and not in tokens per second "
       "pays for it with longer drafts.")
FIGURE("round", round, round, EXPERIMENT, "term ? |spec| : |spec| * 1.12",
       "seconds of a round by part: drafting, verifying, the policy's own", "parts of a round",
       "banditspec replay --db T --own show --results R",
       "Where a round's time goes. What is not verification is what a better drafter, or none, would save; the policy's own "
       "arithmetic should not be seen at all.")
FIGURE("pulls", pulls, pulls, EXPERIMENT, "|arm|",
       "share of rounds each arm was played, over rounds", "arm pulls", "banditspec replay --db T --results R",
       "From left to right within a prompt: a learner begins with a mixture of all arms and ends with few colours. A panel that "
       "stays mixed has not learned, or the best arm changes. A drafter has a hue and a pattern; its longer drafts stand out more.")
FIGURE("pulls-prompts", pulls_prompts, pulls_prompts, EXPERIMENT, "term ? ceil(|spec| / 3.0) * (|row| + 2.5) - 4 : 0",
       "share of rounds each arm was played, prompt by prompt", "arm pulls by prompt", "banditspec replay --db T --results R",
       "Rows that look alike say that one arm would do for all prompts; rows that differ are what a policy can gain over a fixed "
       "arm.")
FIGURE("sensitivity", sensitivity, sensitivity, EXPERIMENT, "|panel| > 3 ? 31 : 0",
       "tokens per second over a policy's parameters, 95% intervals", "policy with two values of a parameter",
       "banditspec replay --db T --policy 'ucbspec:delta={0.01,0.1,0.5}' --results R",
       "A flat line is a parameter that need not be tuned. A peak that stands out of its neighbours' intervals is worth tuning, on "
       "other prompts than those it is reported on.")
FIGURE("serving", serving, serving, SERVING, "|named| * 1.05",
       "throughput over plain decoding by batch size", "simulated server", "banditspec serving --db T --batch 1 4 16 --results R",
       "Where the curves fall to zero drafting stops paying: with more requests at once the target is busy without it.")
FIGURE("fidelity", fidelity, fidelity, FIDELITY, "|spec|",
       "simulated beside live tokens per second", "live run held against its simulation",
       "banditspec live --model M --drafter D... --prompts F --policy A B --check T --results R",
       "Dots that lie together are policies whose simulated speed can be taken for the live one; what is said beside them is how "
       "far off simulation is, and in which part.")
FIGURE("lengths", lengths, lengths, TRACE, "0",
       "accepted lengths by drafter beside the fitted truncated geometric", "drafts", "banditspec record --db T",
       "Bars above the fitted line at full length are drafts that are right as a whole or not at all; where bars follow the line, "
       "one acceptance rate says all about the drafter.")
FIGURE("drift", drift, drift, TRACE, "0",
       "acceptance over the position in the text by drafter, 95% intervals", "drafts", "banditspec record --db T",
       "A line that rises or falls is acceptance that changes along the text, which a policy with a memory can use; a level one "
       "asks for none.")
FIGURE("latency", latency, latency, TRACE, "0",
       "verification time by width, batch and context: medians, p10 to p90", "timings", "banditspec record --db T",
       "How much a row more costs. Flat, and long drafts are nearly free; steep, and every refused token is paid for. An arrow: the bar "
       "goes on.")
