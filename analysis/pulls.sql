-- pulls.sql - the share of rounds each arm was played, by bucket of rounds.
--
-- :experiment, :policies (JSON array of specs and names; NULL: the six of least regret that play more than
-- one arm). Every policy has a row for every arm and bucket, also where the arm was never
-- played; shares of a bucket stack from `bottom` to `top` = 0..1 in the order of the arms.
WITH shown AS (
  SELECT p.id, p.spec, p.ordinal FROM policy p
  WHERE p.experiment = :experiment
    AND EXISTS (SELECT 1 FROM pull WHERE policy = p.id)
    AND (EXISTS (SELECT 1 FROM json_each(:policies) WHERE value IN (p.spec, p.name))
      OR (:policies IS NULL AND p.oracle = 0 AND (SELECT count(DISTINCT arm) FROM pull WHERE policy = p.id) > 1))
  ORDER BY p.regret_rounds, p.ordinal
  LIMIT CASE WHEN :policies IS NULL THEN 6 ELSE 12 END
), played AS ( -- those that could be shown
  SELECT count(*) AS policies FROM policy p
  WHERE p.experiment = :experiment AND p.id IN (SELECT policy FROM pull)
    AND (:policies IS NULL OR EXISTS (SELECT 1 FROM json_each(:policies) WHERE value IN (p.spec, p.name)))
), bucket AS (
  SELECT policy, round, coalesce(lead(round) OVER before, 2 * round - lag(round) OVER before, round + 1) AS next, rounds
  FROM (SELECT policy, round, sum(count) AS rounds FROM pull WHERE policy IN (SELECT id FROM shown) GROUP BY policy, round)
  WINDOW before AS (PARTITION BY policy ORDER BY round)
), family AS (
  SELECT arm, name, drafter, dense_rank() OVER (ORDER BY first) - 1 AS hue,
    row_number() OVER (PARTITION BY drafter ORDER BY gamma, arm) AS shade, count(*) OVER (PARTITION BY drafter) AS shades
  FROM (SELECT *, min(arm) OVER (PARTITION BY drafter) AS first FROM arm WHERE experiment = :experiment)
)
SELECT s.spec, f.name AS arm, b.round, b.next,
  (sum(coalesce(l.count, 0)) OVER stack - coalesce(l.count, 0)) * 1.0 / b.rounds AS bottom,
  sum(coalesce(l.count, 0)) OVER stack * 1.0 / b.rounds AS top,
  CASE f.drafter WHEN '' THEN -1 ELSE f.hue END AS hue, f.shade, f.shades,
  (SELECT policies FROM played) - (SELECT count(*) FROM shown) AS left_out
FROM shown s JOIN bucket b ON b.policy = s.id CROSS JOIN family f
LEFT JOIN pull l ON l.policy = s.id AND l.round = b.round AND l.arm = f.arm
WINDOW stack AS (PARTITION BY s.id, b.round ORDER BY f.arm)
ORDER BY s.ordinal, f.arm, b.round;
