-- pulls_prompts.sql - the share of rounds each arm was played, prompt by prompt.
--
-- :experiment, :policies (JSON array of specs and names; NULL: the six of least regret that play more than one arm). Prompts come
-- category by category; more than sixty are put together, so many a row that sixty rows will do. Rows without a round are left out.
WITH shown AS (
  SELECT p.id, p.spec, p.ordinal, p.regret_rounds FROM policy p
  WHERE p.experiment = :experiment
    AND EXISTS (SELECT 1 FROM prompt_pull WHERE policy = p.id)
    AND (EXISTS (SELECT 1 FROM json_each(:policies) WHERE value IN (p.spec, p.name))
      OR (:policies IS NULL AND p.oracle = 0 AND (SELECT count(DISTINCT arm) FROM prompt_pull WHERE policy = p.id) > 1))
  ORDER BY p.regret_rounds, p.ordinal
  LIMIT CASE WHEN :policies IS NULL THEN 6 ELSE 12 END
), played AS ( -- those that could be shown
  SELECT count(*) AS policies FROM policy p
  WHERE p.experiment = :experiment AND p.id IN (SELECT policy FROM prompt_pull)
    AND (:policies IS NULL OR EXISTS (SELECT 1 FROM json_each(:policies) WHERE value IN (p.spec, p.name)))
), prompt AS (
  SELECT sequence, category, row_number() OVER (ORDER BY first, category, sequence) - 1 AS place, count(*) OVER () AS prompts
  FROM (SELECT *, min(sequence) OVER (PARTITION BY category) AS first FROM sequence WHERE experiment = :experiment)
), binned AS (
  SELECT sequence, category, place, CASE WHEN prompts > 60 THEN place * 60 / prompts ELSE place END AS bin, prompts FROM prompt
), named AS (
  SELECT bin, min(place) AS place, category, max(prompts) AS prompts, count(*) AS together FROM binned GROUP BY bin
), cell AS (
  SELECT l.policy, b.bin, l.arm, sum(l.count) AS count FROM prompt_pull l JOIN binned b USING (sequence)
  WHERE l.policy IN (SELECT id FROM shown) GROUP BY 1, 2, 3
), family AS (
  SELECT arm, CASE drafter WHEN '' THEN 'plain' ELSE drafter END AS drafter, row_number() OVER (ORDER BY first, gamma, arm) - 1 AS column_
  FROM (SELECT *, min(arm) OVER (PARTITION BY drafter) AS first FROM arm WHERE experiment = :experiment)
)
SELECT s.spec, n.category, f.drafter, c.bin, f.column_ AS place, c.count * 1.0 / sum(c.count) OVER (PARTITION BY c.policy, c.bin) AS share,
  (SELECT count(*) FROM family) AS arms, (SELECT count(*) FROM named) AS bins, n.prompts,
  (SELECT policies FROM played) - (SELECT count(*) FROM shown) AS left_out,
  CAST(c.bin AS TEXT) AS row
FROM cell c JOIN shown s ON s.id = c.policy JOIN named n USING (bin) JOIN family f USING (arm)
ORDER BY s.regret_rounds, s.ordinal, c.bin, f.column_;
