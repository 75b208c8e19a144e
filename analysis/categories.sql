-- categories.sql - tokens per second (or tokens emitted a round for :figure 'categories-mat') by category and policy, the paper's table
-- 1.
--
-- :experiment, :policies (JSON array of specs and names; NULL: the ten that are fastest over all prompts, the oracles and plain
-- decoding). Categories come in the order of their first prompt, policies by speed over all prompts; the first "category" is all prompts.
-- lo, hi: BCa intervals over the category's prompts, NULL where it has one; half: half the interval's width, -1 without one.
WITH shown AS (
  SELECT *, row_number() OVER (ORDER BY tokens_per_s DESC, ordinal) AS place FROM styled p
  WHERE experiment = :experiment
    AND (EXISTS (SELECT 1 FROM json_each(:policies) WHERE value IN (p.spec, p.name))
      OR (:policies IS NULL AND (oracle = 1 OR spec = 'none' OR id IN
        (SELECT id FROM policy WHERE experiment = :experiment AND oracle = 0 ORDER BY tokens_per_s DESC, ordinal LIMIT 10))))
), one AS (
  SELECT category, min(sequence) AS first, count(*) AS prompts FROM sequence WHERE experiment = :experiment GROUP BY category
), cell AS (
  SELECT k.category, 1 + o.first AS place, k.prompts, k.policy, k.mat, k.mat_lo, k.mat_hi, k.tokens_per_s, k.tokens_per_s_lo,
      k.tokens_per_s_hi,
    k.plain_tokens_per_s AS plain
  FROM category k JOIN one o USING (category)
  UNION ALL
  SELECT 'all prompts', -1, (SELECT sum(prompts) FROM one), id, mat, mat_lo, mat_hi, tokens_per_s, tokens_per_s_lo, tokens_per_s_hi,
    tokens_per_s / nullif(speedup, 0)
  FROM policy WHERE experiment = :experiment AND id IN (SELECT policy FROM category)
)
SELECT c.category, s.spec, s.style, c.prompts,
  CASE :figure WHEN 'categories-mat' THEN c.mat    ELSE c.tokens_per_s    END AS value,
  CASE :figure WHEN 'categories-mat' THEN c.mat_lo ELSE c.tokens_per_s_lo END AS lo,
  CASE :figure WHEN 'categories-mat' THEN c.mat_hi ELSE c.tokens_per_s_hi END AS hi,
  coalesce(CASE :figure WHEN 'categories-mat' THEN c.mat_hi - c.mat_lo ELSE c.tokens_per_s_hi - c.tokens_per_s_lo END / 2, -1) AS half,
  CASE :figure WHEN 'categories-mat' THEN 1        ELSE c.plain           END AS plain,
  CASE WHEN :policies IS NULL THEN (SELECT count(*) FROM policy WHERE experiment = :experiment) - (SELECT count(*)
      FROM shown) ELSE 0 END AS left_out
FROM cell c JOIN shown s ON s.id = c.policy
ORDER BY c.place, s.place;
