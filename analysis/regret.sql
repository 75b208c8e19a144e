-- regret.sql - regret along a prompt, in rounds (or in seconds for :figure 'regret-seconds').
--
-- :experiment, :figure, :policies (JSON array of specs and names; NULL: the sixteen of least regret, as
-- more labels than that would not fit). Policies come by their last
-- value, highest first, as the curves end from top to bottom. A curve ends where fewer than half of
-- the prompts go on: beyond, the mean speaks of other prompts than before. shown, left_out: how many policies are and are not.
WITH shown AS (
  SELECT p.id, p.spec, p.ordinal, p.style FROM styled p
  WHERE p.experiment = :experiment
    AND (:policies IS NULL OR EXISTS (SELECT 1 FROM json_each(:policies) WHERE value IN (p.spec, p.name)))
  ORDER BY CASE :figure WHEN 'regret-seconds' THEN p.regret_seconds ELSE p.regret_rounds END, p.ordinal
  LIMIT CASE WHEN :policies IS NULL THEN 16 ELSE -1 END
), point AS (
  SELECT s.spec, s.style, s.ordinal, c.tokens,
    CASE :figure WHEN 'regret-seconds' THEN c.regret_seconds    ELSE c.regret_rounds    END AS regret,
    CASE :figure WHEN 'regret-seconds' THEN c.regret_seconds_lo ELSE c.regret_rounds_lo END AS lo,
    CASE :figure WHEN 'regret-seconds' THEN c.regret_seconds_hi ELSE c.regret_rounds_hi END AS hi,
    c.prompts, max(c.prompts) OVER (PARTITION BY c.policy) AS all_prompts
  FROM shown s JOIN curve c ON c.policy = s.id
)
SELECT spec, style, tokens, regret, lo, hi, prompts, all_prompts,
  last_value(regret) OVER (PARTITION BY spec ORDER BY tokens
                           ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS final,
  (SELECT count(*) FROM shown) AS shown,
  CASE WHEN :policies IS NULL THEN (SELECT count(*) FROM policy WHERE experiment = :experiment) - (SELECT count(*) FROM shown) ELSE 0
    END AS left_out
FROM point
WHERE 2 * prompts >= all_prompts
ORDER BY final DESC, ordinal, tokens;
