-- regret_log.sql - regret in rounds along a prompt, for logarithmic axes, beside what theory promises of it (sim/bounds.h).
--
-- :experiment, :policies (JSON array of specs and names; NULL: UCBSpec, EXP3Spec, plain decoding and the eight of least regret). Columns as
-- regret.sql's; a bound is its own band, and one that promises nothing the ceiling, as in regret_bounds.sql.
WITH shown AS (
  SELECT id, spec, ordinal, style FROM styled p
  WHERE experiment = :experiment
    AND (EXISTS (SELECT 1 FROM json_each(:policies) WHERE value IN (p.spec, p.name))
      OR (:policies IS NULL AND (p.spec IN ('ucbspec', 'exp3spec', 'none') OR p.id IN
        (SELECT id FROM policy WHERE experiment = :experiment ORDER BY regret_rounds, ordinal LIMIT 8))))
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
  last_value(regret) OVER (PARTITION BY spec ORDER BY tokens ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS final
FROM kept
ORDER BY final DESC, ordinal, spec, tokens;
