-- results_2.sql - version 2 of a results file: what comparisons found, every fixed arm's walk, and sweeps.
-- Version 1 (results.sql) stays as it was; a file of version 1 is brought here when it is next written to.

PRAGMA user_version = 2;

CREATE TABLE comparison (            -- a policy held against another on the same prompts
  policy    INTEGER PRIMARY KEY REFERENCES policy(id) ON DELETE CASCADE,
  reference TEXT NOT NULL,           -- spec of the other
  rank INTEGER, rank_lo INTEGER, rank_hi INTEGER, -- by tokens/s, 1 the fastest; NULL: uses hindsight
  tokens_per_s REAL NOT NULL, tokens_per_s_lo REAL NOT NULL, tokens_per_s_hi REAL NOT NULL, -- more than the other's
  percent      REAL NOT NULL, percent_lo      REAL NOT NULL, percent_hi      REAL NOT NULL,
  p REAL NOT NULL, p_holm REAL NOT NULL, -- two-sided; corrected for the number of policies
  verdict TEXT NOT NULL              -- 'reference' | 'no difference found' | 'faster' | 'slower'
) STRICT;

CREATE TABLE walk (                  -- comparators, prompt by prompt
  experiment INTEGER NOT NULL REFERENCES experiment(id) ON DELETE CASCADE,
  sequence   INTEGER NOT NULL,
  arm        INTEGER NOT NULL,       -- -1: the clairvoyant in seconds; -2: plain decoding; -3: the clairvoyant in rounds
  rounds     INTEGER NOT NULL,
  seconds    REAL NOT NULL,
  PRIMARY KEY (experiment, sequence, arm)
) STRICT, WITHOUT ROWID;

CREATE TABLE stream (                -- regret against the best fixed arm of each prompt, added up over the prompts in their order
  policy  INTEGER NOT NULL REFERENCES policy(id) ON DELETE CASCADE,
  prompts INTEGER NOT NULL,          -- 1, 2, 4, ... and all
  tokens  INTEGER NOT NULL,          -- emitted in them by rounds
  regret_rounds  REAL NOT NULL, regret_rounds_lo  REAL NOT NULL, regret_rounds_hi  REAL NOT NULL, -- 95%, of the mean over the prompts so far
  regret_seconds REAL NOT NULL, regret_seconds_lo REAL NOT NULL, regret_seconds_hi REAL NOT NULL,
  PRIMARY KEY (policy, prompts)
) STRICT, WITHOUT ROWID;

CREATE TABLE bound (                 -- what theory promises on these arms (sim/bounds.h), as rounds of regret; mean lengths are those of the fixed arms
  experiment INTEGER NOT NULL REFERENCES experiment(id) ON DELETE CASCADE,
  name   TEXT NOT NULL,              -- 'UCBSpec at most (Theorem 4.3)', ...
  tokens INTEGER NOT NULL,
  regret_rounds REAL NOT NULL,       -- never more than lengths allow: every token by itself
  PRIMARY KEY (experiment, name, tokens)
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (               -- an experiment that is a sweep's: runs are added to it as long as nothing of this changes
  experiment INTEGER PRIMARY KEY REFERENCES experiment(id) ON DELETE CASCADE,
  key        TEXT NOT NULL UNIQUE,   -- sha256 of all that shapes a run but policy and seed: trace, arms, scope, seconds, code
  arms       TEXT NOT NULL,          -- their names, with blanks between
  seconds    TEXT NOT NULL,          -- sha256 of the cost model's coefficients
  code       TEXT NOT NULL           -- sha256 of the sources that play
) STRICT;

CREATE TABLE run (                   -- one policy and seed over all sequences of a setting
  key        TEXT PRIMARY KEY,       -- sha256 of the setting's key, spec and seed: a finished run is never done again
  experiment INTEGER NOT NULL REFERENCES experiment(id) ON DELETE CASCADE,
  spec       TEXT NOT NULL,
  seed       INTEGER NOT NULL,
  rounds     INTEGER NOT NULL,       -- of all sequences
  emitted    INTEGER NOT NULL,
  seconds    REAL NOT NULL,
  own_ns     REAL NOT NULL,          -- a round's select and update, as measured here: a timing, so it differs from run to run
  outcomes   BLOB NOT NULL,          -- a sequence: rounds, proposed, accepted, emitted (int32), seconds (float64), little-endian, in ordinal order
  pulls      BLOB NOT NULL           -- int32 by (bucket of rounds, arm): buckets begin at 0, 1, 2, 3, 4, 6, 8, 12, ...
) STRICT;
CREATE INDEX run_by_policy ON run (experiment, spec, seed);
