-- fidelity.sql - live decoding held against simulation (banditspec live --policy A B ... --check T --results R; sim/fidelity.h). Tables of a
-- results file (results.sql), made when first needed.

CREATE TABLE IF NOT EXISTS fidelity ( -- one run of the command
  id           INTEGER PRIMARY KEY,
  created      TEXT NOT NULL,        -- UTC, ISO 8601
  trace        TEXT NOT NULL,        -- path as given
  trace_sha256 TEXT NOT NULL,        -- content of the replay columns
  target       TEXT NOT NULL,
  device       TEXT NOT NULL,        -- that decoded; the trace may be another's
  threads      INTEGER NOT NULL,
  scope        TEXT NOT NULL,        -- 'prompt', 'stream', or 'default': as each policy has it
  seed         INTEGER NOT NULL,
  version      TEXT NOT NULL         -- of the program
) STRICT;

CREATE TABLE IF NOT EXISTS fidelity_run ( -- a policy on a prompt
  fidelity INTEGER NOT NULL REFERENCES fidelity(id) ON DELETE CASCADE,
  ordinal  INTEGER NOT NULL,         -- of the policy, as given
  spec     TEXT NOT NULL,
  sequence INTEGER NOT NULL,         -- of the trace
  category TEXT NOT NULL,
  tokens   INTEGER NOT NULL,         -- emitted in rounds
  rounds   INTEGER NOT NULL,
  live_draft REAL NOT NULL, live_verify REAL NOT NULL, live_seconds REAL NOT NULL, -- seconds: their sum
  simulated_draft REAL NOT NULL, simulated_verify REAL NOT NULL, simulated_seconds REAL NOT NULL,
  PRIMARY KEY (fidelity, ordinal, sequence)
) STRICT, WITHOUT ROWID;
