-- regret_bounds.sql - regret in rounds along a prompt beside what theory promises of it (sim/bounds.h).
--
-- :experiment, :figure, :policies (JSON array of specs and names; NULL: UCBSpec and EXP3Spec, whose bounds these are, and the four of least
-- regret; for 'regret-log' plain decoding too, and the eight of least regret with those that use hindsight). Columns as regret.sql's; a
-- bound is its own band.
-- A bound is cut at the ceiling that lengths set, so much a token (bound_drawn). One that is nowhere below it promises nothing: such bounds
-- are one curve, the ceiling.
WITH shown AS (
  SELECT p.id, p.spec, p.ordinal, p.style FROM styled p
  WHERE p.experiment = :experiment
    AND (EXISTS (SELECT 1 FROM json_each(:policies) WHERE value IN (p.spec, p.name))
      OR (:policies IS NULL AND (p.name IN ('ucbspec', 'exp3spec') OR (:figure = 'regret-log' AND p.spec = 'none') OR p.id IN
        (SELECT id FROM policy WHERE experiment = :experiment AND (oracle = 0 OR :figure = 'regret-log') ORDER BY regret_rounds, ordinal
         LIMIT CASE :figure WHEN 'regret-log' THEN 8 ELSE 4 END))))
), point AS (
  SELECT s.spec, s.style, s.ordinal, c.tokens, c.regret_rounds AS regret, c.regret_rounds_lo AS lo, c.regret_rounds_hi AS hi, c.prompts,
    max(c.prompts) OVER (PARTITION BY c.policy) AS all_prompts
  FROM shown s JOIN curve c ON c.policy = s.id
), told AS (
  SELECT b.name, b.tokens, b.regret_rounds, b.name LIKE '% at most %'
      AND min(b.regret_rounds / b.tokens) OVER (PARTITION BY b.name)
        >= (1 - 1e-9) * max(CASE WHEN b.name LIKE '% at most %' THEN b.regret_rounds / b.tokens END) OVER () AS silent
  FROM bound b
  WHERE b.experiment = :experiment AND b.tokens > 0 AND b.tokens <= (SELECT max(tokens) FROM point WHERE 2 * prompts >= all_prompts)
), named AS (
  SELECT DISTINCT tokens, regret_rounds, CASE WHEN NOT silent THEN name ELSE 'every token by itself ('
      || CASE (SELECT count(DISTINCT name) FROM told WHERE silent) WHEN 1 THEN substr(name, instr(name, '(') + 1, 11) || ' promises'
         ELSE 'Theorems 4.3 and 5.3 promise' END || ' no better here)' END AS name
  FROM told
), kept AS (
  SELECT * FROM point WHERE 2 * prompts >= all_prompts
  UNION ALL
  SELECT name, -5 - dense_rank() OVER (ORDER BY name), 1000000, tokens, regret_rounds, regret_rounds, regret_rounds, 1, 1 FROM named
)
SELECT spec, style, tokens, regret, lo, hi, prompts, all_prompts,
  last_value(regret) OVER (PARTITION BY spec ORDER BY tokens ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS final,
  (SELECT count(*) FROM shown) AS shown,
  CASE WHEN :policies IS NULL THEN (SELECT count(*) FROM policy WHERE experiment = :experiment) - (SELECT count(*) FROM shown) ELSE 0
    END AS left_out
FROM kept
ORDER BY final DESC, ordinal, spec, tokens;
