-- results_3.sql - version 3 of a results file: what figures by category, by prompt and by part of a round are drawn from.
-- Versions 1 and 2 (results.sql, results_2.sql) stay as they were; a file of theirs is brought here when it is next written to.

PRAGMA user_version = 3;

CREATE TABLE category (              -- a policy on the prompts of one category: BCa intervals over these, seeds averaged within each
  policy   INTEGER NOT NULL REFERENCES policy(id) ON DELETE CASCADE,
  category TEXT NOT NULL,
  prompts  INTEGER NOT NULL,
  mat          REAL NOT NULL, mat_lo REAL, mat_hi REAL, -- NULL: one prompt has no interval
  tokens_per_s REAL NOT NULL, tokens_per_s_lo REAL, tokens_per_s_hi REAL,
  plain_tokens_per_s REAL NOT NULL,  -- plain decoding of the same prompts
  PRIMARY KEY (policy, category)
) STRICT, WITHOUT ROWID;

CREATE TABLE part (                  -- what a round takes, mean over seeds and prompts
  policy         INTEGER PRIMARY KEY REFERENCES policy(id) ON DELETE CASCADE,
  draft_seconds  REAL NOT NULL,
  verify_seconds REAL NOT NULL,
  own_seconds    REAL                -- the policy's own select and update: a timing of this machine; NULL: not measured
) STRICT;

CREATE TABLE prompt_pull (           -- how often each arm was played on each prompt, over all seeds; replays alone keep it
  policy   INTEGER NOT NULL REFERENCES policy(id) ON DELETE CASCADE,
  sequence INTEGER NOT NULL,         -- ordinal
  arm      INTEGER NOT NULL,
  count    INTEGER NOT NULL,
  PRIMARY KEY (policy, sequence, arm)
) STRICT, WITHOUT ROWID;

ALTER TABLE run ADD COLUMN draft_seconds REAL; -- of `seconds`; NULL: written by a program of version 2
