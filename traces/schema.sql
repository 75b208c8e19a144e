-- schema.sql - a trace: what every drafter would have had accepted at every position.
--
-- SQLite, WAL, STRICT tables, foreign keys. `PRAGMA user_version` is the schema's version
-- (1) and `PRAGMA application_id` is 0x42535043 ("BSPC"). Several recordings live in one
-- file. `banditspec traces check` proves the numbered invariants:
--
--  1. user_version and application_id are those above; foreign keys hold; integrity_check is "ok".
--  2. A sequence has exactly the steps pos = 1 .. tokens - 1 (prefill emits the first token
--     and is no round), and the token of pos 0 is sequence.first_token.
--  3. Every step has one draft row for every drafter of its recording, and no other.
--  4. 0 <= accepted <= proposed <= min(drafter.max_draft, recording.max_new - pos - 1).
--  5. accepted <= tokens - pos: text after the end does not exist.
--  6. verify_width >= 1; verify_ns > 0; draft_ns >= 0.
--  7. finish = 'length' if and only if tokens = recording.max_new and the last token is not
--     an end token that stopped it; 'eos' sequences have tokens <= max_new.
--  8. (recording, ordinal) and (recording, prompt_key) are unique; drafter names are unique within a recording.
--  9. signal is NULL or a blob of float32 little-endian: model drafters 2 * proposed values
--     (top probability, entropy in nats, by depth), copiers one value (tokens matched). Of a tree `proposed` is the depth,
--     and its pairs hold, by depth, the nodes down to there and the largest cumulative probability of a path that long.

PRAGMA application_id = 0x42535043;
PRAGMA user_version = 1;

CREATE TABLE recording (
  id               INTEGER PRIMARY KEY,
  created          TEXT    NOT NULL,            -- UTC, ISO 8601
  target           TEXT    NOT NULL,            -- the model's name
  target_sha256    TEXT    NOT NULL,
  tokenizer_sha256 TEXT    NOT NULL,
  backend          TEXT    NOT NULL,            -- 'cpu', 'cuda'
  device           TEXT    NOT NULL,            -- 'AMD EPYC, avx512-vnni'
  dtype            TEXT    NOT NULL,            -- 'Q4_1'
  threads          INTEGER NOT NULL,
  max_new          INTEGER NOT NULL CHECK (max_new >= 1),
  max_draft        INTEGER NOT NULL CHECK (max_draft >= 1), -- L
  temperature      REAL    NOT NULL,            -- 0: greedy
  noise_seed       INTEGER NOT NULL,
  template         TEXT    NOT NULL,            -- chat template used
  engine_version   TEXT    NOT NULL,
  options          TEXT    NOT NULL             -- JSON: everything else that shapes the text ({"ignore_eos":false,...})
) STRICT;

CREATE TABLE drafter (
  id         INTEGER PRIMARY KEY,
  recording  INTEGER NOT NULL REFERENCES recording(id) ON DELETE CASCADE,
  ordinal    INTEGER NOT NULL,                  -- 0, 1, ... in the order given
  name       TEXT    NOT NULL,
  kind       TEXT    NOT NULL,
  parameters TEXT    NOT NULL,                  -- canonical "match=recent,..."
  sha256     TEXT    NOT NULL,                  -- of the drafter's files; '' for none
  max_draft  INTEGER NOT NULL,
  UNIQUE (recording, ordinal),
  UNIQUE (recording, name)
) STRICT;

CREATE TABLE sequence (
  id            INTEGER PRIMARY KEY,
  recording     INTEGER NOT NULL REFERENCES recording(id) ON DELETE CASCADE,
  ordinal       INTEGER NOT NULL,               -- place in the prompts file, from 0
  prompt_key    TEXT    NOT NULL,               -- sha256 of the prompt's token ids (int32 little-endian), first 16 hex digits
  category      TEXT    NOT NULL,
  question      TEXT    NOT NULL,               -- question_id of the prompts file, or ''
  prompt_tokens INTEGER NOT NULL,
  tokens        INTEGER NOT NULL CHECK (tokens >= 1), -- emitted, the first included
  first_token   INTEGER,                        -- token of pos 0; NULL under --no-text
  finish        TEXT    NOT NULL CHECK (finish IN ('eos', 'length')),
  prefill_ns    INTEGER NOT NULL,
  prompt        BLOB,                           -- the prompt's ids, int32 little-endian; NULL under --no-text
  UNIQUE (recording, ordinal),
  UNIQUE (recording, prompt_key)
) STRICT;

CREATE TABLE step (
  sequence     INTEGER NOT NULL REFERENCES sequence(id) ON DELETE CASCADE,
  pos          INTEGER NOT NULL,                -- tokens emitted so far; decides token number pos
  token        INTEGER,                         -- NULL under --no-text
  margin       REAL    NOT NULL,                -- top-1 minus top-2 logit
  verify_width INTEGER NOT NULL,                -- rows of the forward pass that was timed
  verify_ns    INTEGER NOT NULL,
  PRIMARY KEY (sequence, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE draft (
  sequence INTEGER NOT NULL,
  pos      INTEGER NOT NULL,
  drafter  INTEGER NOT NULL REFERENCES drafter(id) ON DELETE CASCADE,
  proposed INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  draft_ns INTEGER NOT NULL,                    -- time of drafting `proposed` tokens
  signal   BLOB,
  PRIMARY KEY (sequence, pos, drafter),
  FOREIGN KEY (sequence, pos) REFERENCES step(sequence, pos) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE latency (
  id        INTEGER PRIMARY KEY,
  recording INTEGER NOT NULL REFERENCES recording(id) ON DELETE CASCADE,
  operation TEXT    NOT NULL,                   -- 'verify' (bench), 'draft', 'catchup', 'prefill', 'again' (sim/cost.h)
  drafter   INTEGER REFERENCES drafter(id) ON DELETE CASCADE,
  batch     INTEGER NOT NULL,
  width     INTEGER NOT NULL,
  context   INTEGER NOT NULL,
  samples   INTEGER NOT NULL,
  p10_ns    INTEGER NOT NULL,
  p50_ns    INTEGER NOT NULL,
  p90_ns    INTEGER NOT NULL
) STRICT;
