-- regret_prompts.sql - regret in rounds, added up over the prompts in their order.
--
-- :experiment, :policies (JSON array of specs and names; NULL: the sixteen of least regret). Columns as regret.sql's, with prompts in the
-- place of tokens: a policy that carries on from prompt to prompt bends down here, one that learns anew goes straight.
WITH shown AS (
  SELECT p.id, p.spec, p.ordinal, p.style FROM styled p
  WHERE p.experiment = :experiment
    AND (:policies IS NULL OR EXISTS (SELECT 1 FROM json_each(:policies) WHERE value IN (p.spec, p.name)))
  ORDER BY p.regret_rounds, p.ordinal
  LIMIT CASE WHEN :policies IS NULL THEN 16 ELSE -1 END
)
SELECT s.spec, s.style, c.prompts AS tokens, c.regret_rounds AS regret, c.regret_rounds_lo AS lo, c.regret_rounds_hi AS hi,
  1 AS prompts, 1 AS all_prompts,
  last_value(c.regret_rounds) OVER (PARTITION BY s.spec ORDER BY c.prompts ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS final,
  (SELECT count(*) FROM shown) AS shown,
  CASE WHEN :policies IS NULL THEN (SELECT count(*) FROM policy WHERE experiment = :experiment) - (SELECT count(*) FROM shown) ELSE 0
    END AS left_out
FROM shown s JOIN (
  SELECT policy, prompts, regret_rounds, regret_rounds_lo, regret_rounds_hi FROM stream
  UNION ALL SELECT * FROM temp.swept -- of a sweep (swept.h)
) c ON c.policy = s.id
ORDER BY final DESC, s.ordinal, c.prompts;
