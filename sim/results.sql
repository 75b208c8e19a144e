-- results.sql - what experiments found; plots and reports are SQL over these tables.
-- user_version 1, application_id 0x42535252 ("BSRR"). STRICT, WAL, foreign keys.

PRAGMA application_id = 0x42535252;
PRAGMA user_version = 1;

CREATE TABLE experiment (            -- one replay (or live) run over one recording
  id           INTEGER PRIMARY KEY,
  created      TEXT NOT NULL,        -- UTC, ISO 8601
  world        TEXT NOT NULL,        -- 'trace', 'table', 'live'
  trace        TEXT NOT NULL,        -- path as given
  trace_sha256 TEXT NOT NULL,        -- content of the replay columns
  target       TEXT NOT NULL,
  device       TEXT NOT NULL,
  scope        TEXT NOT NULL,        -- 'prompt' | 'stream'
  seeds        INTEGER NOT NULL,
  max_draft    INTEGER NOT NULL,     -- L over the arms
  timing       TEXT NOT NULL,        -- 'model': seconds are modelled from recorded timings; 'live'
  version      TEXT NOT NULL         -- of the program
) STRICT;

CREATE TABLE arm (
  experiment INTEGER NOT NULL REFERENCES experiment(id) ON DELETE CASCADE,
  arm        INTEGER NOT NULL,       -- 0..K-1
  name       TEXT NOT NULL,
  drafter    TEXT NOT NULL,          -- '' for plain decoding
  gamma      INTEGER NOT NULL,
  PRIMARY KEY (experiment, arm)
) STRICT, WITHOUT ROWID;

CREATE TABLE sequence (              -- and its comparators
  experiment    INTEGER NOT NULL REFERENCES experiment(id) ON DELETE CASCADE,
  sequence      INTEGER NOT NULL,    -- ordinal
  prompt_key    TEXT NOT NULL,
  category      TEXT NOT NULL,
  tokens        INTEGER NOT NULL,
  best_arm_rounds  INTEGER NOT NULL, -- arm with the fewest rounds on this prompt
  best_rounds      INTEGER NOT NULL,
  best_arm_seconds INTEGER NOT NULL, -- arm with the fewest seconds on this prompt
  best_seconds     REAL NOT NULL,
  oracle_rounds    INTEGER NOT NULL, -- clairvoyant
  oracle_seconds   REAL NOT NULL,
  plain_seconds    REAL NOT NULL,    -- plain decoding
  PRIMARY KEY (experiment, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE policy (                -- one row a policy spec, with its summary over prompts and seeds
  id           INTEGER PRIMARY KEY,
  experiment   INTEGER NOT NULL REFERENCES experiment(id) ON DELETE CASCADE,
  ordinal      INTEGER NOT NULL,     -- order on the command line: colours follow it
  spec         TEXT NOT NULL,        -- 'ucbspec:delta=0.1', 'best-fixed', 'clairvoyant'
  name         TEXT NOT NULL,        -- 'ucbspec'
  oracle       INTEGER NOT NULL,     -- 1: uses hindsight
  seeds        INTEGER NOT NULL,     -- 1 for deterministic policies
  rounds       REAL NOT NULL,        -- mean rounds a sequence
  mat          REAL NOT NULL, mat_lo REAL NOT NULL, mat_hi REAL NOT NULL,
  tokens_per_s REAL NOT NULL, tokens_per_s_lo REAL NOT NULL, tokens_per_s_hi REAL NOT NULL,
  speedup      REAL NOT NULL, speedup_lo REAL NOT NULL, speedup_hi REAL NOT NULL, -- over plain decoding
  regret_rounds  REAL NOT NULL, regret_rounds_lo  REAL NOT NULL, regret_rounds_hi  REAL NOT NULL, -- mean a sequence, against its best fixed arm
  regret_seconds REAL NOT NULL, regret_seconds_lo REAL NOT NULL, regret_seconds_hi REAL NOT NULL,
  gap_closed   REAL,                 -- (best fixed - policy) / (best fixed - clairvoyant), in seconds; NULL when there is no gap
  UNIQUE (experiment, spec)
) STRICT;

CREATE TABLE outcome (               -- one row a run: policy x seed x sequence
  policy   INTEGER NOT NULL REFERENCES policy(id) ON DELETE CASCADE,
  seed     INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  rounds   INTEGER NOT NULL,
  proposed INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  emitted  INTEGER NOT NULL,
  seconds  REAL NOT NULL,
  PRIMARY KEY (policy, seed, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE curve (                 -- regret along a prompt: Reg(s) = rounds(policy) - rounds(best fixed arm) on first reaching s tokens
  policy INTEGER NOT NULL REFERENCES policy(id) ON DELETE CASCADE,
  tokens INTEGER NOT NULL,           -- s
  regret_rounds  REAL NOT NULL, regret_rounds_lo  REAL NOT NULL, regret_rounds_hi  REAL NOT NULL, -- mean over prompts, 95% bootstrap band
  regret_seconds REAL NOT NULL, regret_seconds_lo REAL NOT NULL, regret_seconds_hi REAL NOT NULL,
  prompts INTEGER NOT NULL,          -- how many reach s
  PRIMARY KEY (policy, tokens)
) STRICT, WITHOUT ROWID;

CREATE TABLE pull (                  -- how often each arm was played in the rounds [round, next bucket)
  policy INTEGER NOT NULL REFERENCES policy(id) ON DELETE CASCADE,
  round  INTEGER NOT NULL,           -- first round of the bucket, 0-based
  arm    INTEGER NOT NULL,
  count  INTEGER NOT NULL,           -- over all seeds and sequences
  PRIMARY KEY (policy, round, arm)
) STRICT, WITHOUT ROWID;
