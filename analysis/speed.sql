-- speed.sql - tokens per second by policy, the fastest first.
--
-- :experiment, :policies (JSON array of specs and names; NULL: all). `plain` is the speed of plain decoding,
-- over which the speedups are meant: every policy of the experiment tells the same, up to rounding.
SELECT p.spec,
  (1 - 2 * p.oracle) * (SELECT count(*) FROM policy o WHERE o.experiment = p.experiment AND o.oracle = p.oracle
    AND o.ordinal < p.ordinal) - p.oracle AS style,
  p.tokens_per_s AS speed, p.tokens_per_s_lo AS lo, p.tokens_per_s_hi AS hi, p.speedup,
  coalesce((SELECT avg(o.tokens_per_s / o.speedup) FROM policy o WHERE o.experiment = p.experiment AND o.speedup > 0), 0) AS plain
FROM policy p
WHERE p.experiment = :experiment
  AND (:policies IS NULL OR EXISTS (SELECT 1 FROM json_each(:policies) WHERE value IN (p.spec, p.name)))
ORDER BY p.tokens_per_s DESC, p.ordinal;
