/* words.h - the second words of `banditspec traces`, one line each; traces_NAME is a command
 * (core/cmd.h) in a cmd_traces*.c. A file name right after the word stands for --db. */
TRACES(info, "what a trace holds: recordings, drafters, accepted lengths, timings")
TRACES(check, "prove a trace whole: the invariants of its schema")
TRACES(merge, "join traces: those of several recorders, or of several settings")
TRACES(synth, "write a trace whose law is known; fit the law to a recorded one")
TRACES(export, "rows as CSV or JSON Lines")
TRACES(import, "answer files with accept_lengths as an approximate trace")
