-- sensitivity.sql - tokens per second over a parameter of a policy, of which the experiment holds several values.
--
-- :experiment, :policies (JSON array of specs and names; NULL: all). A panel is a policy and a parameter that takes two values or more
-- (defaults count, spec_json of functions.h); a line in it is one setting of the other parameters that vary. x is the value where all are
-- numbers, else its place. At most six panels: those with most values; left_out: how many are
-- not shown.
WITH spec AS (
  SELECT * FROM styled p WHERE experiment = :experiment AND oracle = 0
    AND (:policies IS NULL OR EXISTS (SELECT 1 FROM json_each(:policies) WHERE value IN (p.spec, p.name)))
), setting AS (
  SELECT s.id, s.name, j.key, j.value FROM spec s, json_each(spec_json(s.spec)) j
), varied AS (
  SELECT name, key, count(DISTINCT value) AS many,
    min(value NOT GLOB '*[^-+.0-9eE]*' AND value GLOB '*[0-9]*') AS numbers
  FROM setting GROUP BY name, key HAVING count(DISTINCT value) > 1
), panel AS (
  SELECT *, row_number() OVER (ORDER BY many DESC, name, key) AS place FROM varied
), point AS (
  SELECT p.place, p.name || ': ' || p.key AS panel, p.numbers, x.value AS word, s.id,
    coalesce((SELECT group_concat(o.key || '=' || o.value, ', ') FROM setting o JOIN varied v ON v.name = o.name AND v.key = o.key
      WHERE o.id = s.id AND o.key <> p.key), '') AS others,
    s.tokens_per_s AS speed, s.tokens_per_s_lo AS lo, s.tokens_per_s_hi AS hi, s.ordinal, s.tokens_per_s / nullif(s.speedup, 0) AS plain
  FROM panel p JOIN spec s ON s.name = p.name JOIN setting x ON x.id = s.id AND x.key = p.key
  WHERE p.place <= 6
)
SELECT panel, others, word, numbers,
  CASE numbers WHEN 1 THEN CAST(word AS REAL) ELSE dense_rank() OVER (PARTITION BY panel ORDER BY word) END AS x,
  dense_rank() OVER (PARTITION BY panel ORDER BY others) - 1 AS line, speed, lo, hi, plain,
  max((SELECT count(*) FROM panel) - 6, 0) AS left_out
FROM point
ORDER BY place, others, x, ordinal;
