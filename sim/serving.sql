-- serving.sql - what simulated servers did (banditspec serving --results). Tables of a results file (results.sql), made when first needed.

CREATE TABLE IF NOT EXISTS serving ( -- one run of the command
  id           INTEGER PRIMARY KEY,
  created      TEXT NOT NULL,        -- UTC, ISO 8601
  trace        TEXT NOT NULL,        -- path as given
  trace_sha256 TEXT NOT NULL,        -- content of the replay columns
  target       TEXT NOT NULL,
  device       TEXT NOT NULL,
  -- 'measured': from the table latency; 'extrapolated': from passes of one request; 'hardware': a roofline
  passes       TEXT NOT NULL,
  arrivals     TEXT NOT NULL,        -- 'closed', 'poisson', 'bursty' or a file
  rate         REAL NOT NULL,        -- requests a second, 0 in a closed loop or of a file
  peak         REAL NOT NULL, burst_s REAL NOT NULL, -- of 'bursty'
  requests     INTEGER NOT NULL,     -- that came
  refused      INTEGER NOT NULL,     -- of them, too long for the context
  queue        INTEGER NOT NULL,     -- places
  slo_ttft     REAL NOT NULL, slo_tpot REAL NOT NULL, -- seconds, 0: no objective
  seeds        INTEGER NOT NULL,
  version      TEXT NOT NULL         -- of the program
) STRICT;

CREATE TABLE IF NOT EXISTS serving_row ( -- one policy or fixed arm at one batch size; figures are means over seeds
  serving    INTEGER NOT NULL REFERENCES serving(id) ON DELETE CASCADE,
  bsz        INTEGER NOT NULL,
  ordinal    INTEGER NOT NULL,
  kind       TEXT NOT NULL,          -- 'policy', 'arm', 'plain'
  spec       TEXT NOT NULL,
  who        TEXT NOT NULL,          -- 'request', 'batch', 'share'
  spec_quota INTEGER,                -- rows a pass, NULL: none
  gamma      INTEGER,                -- of a fixed arm
  throughput REAL NOT NULL, throughput_se REAL NOT NULL, -- tokens/s
  vs_plain   REAL NOT NULL,          -- over plain decoding with as many requests at once
  goodput    REAL NOT NULL,          -- tokens/s of requests within both objectives
  attained   REAL NOT NULL,          -- their share
  fairness   REAL NOT NULL,          -- Jain's index
  batch      REAL NOT NULL,          -- mean requests a pass
  turned_away INTEGER NOT NULL, done INTEGER NOT NULL, tokens INTEGER NOT NULL,
  ttft_mean     REAL NOT NULL, ttft_p50     REAL NOT NULL, ttft_p99     REAL NOT NULL, -- seconds
  tpot_mean     REAL NOT NULL, tpot_p50     REAL NOT NULL, tpot_p99     REAL NOT NULL,
  queueing_mean REAL NOT NULL, queueing_p50 REAL NOT NULL, queueing_p99 REAL NOT NULL,
  rounds REAL NOT NULL, proposed REAL NOT NULL, accepted REAL NOT NULL,
  PRIMARY KEY (serving, bsz, ordinal)
) STRICT, WITHOUT ROWID;

CREATE VIEW IF NOT EXISTS serving_improvement AS -- the paper's figure 3: improvement over plain decoding by batch size, in per cent
  SELECT serving, bsz, spec, kind, 100 * (vs_plain - 1) AS percent FROM serving_row WHERE kind <> 'plain';
