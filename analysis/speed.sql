-- speed.sql - tokens per second by policy, the fastest first.
--
-- :experiment, :policies (JSON array of specs and names; NULL: the fastest sixty, or all where a line more will do). `plain` is the
-- speed of plain decoding, over which the speedups are meant: every policy of the experiment tells the same, up to rounding. left_out:
-- how many are not shown.
WITH ranked AS (
  SELECT *, row_number() OVER (ORDER BY tokens_per_s DESC, ordinal) AS place, count(*) OVER () AS policies
  FROM styled p
  WHERE experiment = :experiment
    AND (:policies IS NULL OR EXISTS (SELECT 1 FROM json_each(:policies) WHERE value IN (p.spec, p.name)))
)
SELECT spec, style, tokens_per_s AS speed, tokens_per_s_lo AS lo, tokens_per_s_hi AS hi, speedup,
  coalesce((SELECT avg(o.tokens_per_s / o.speedup) FROM policy o WHERE o.experiment = :experiment AND o.speedup > 0), 0) AS plain,
  CASE WHEN :policies IS NULL AND policies > 80 THEN policies - 60 ELSE 0 END AS left_out
FROM ranked
WHERE :policies IS NOT NULL OR policies <= 80 OR place <= 60
ORDER BY place;
