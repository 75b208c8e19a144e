-- round.sql - what a round takes by part: drafting, verifying and the policy's own arithmetic, in milliseconds; the fastest policy first.
--
-- :experiment, :policies (JSON array of specs and names; NULL: the fastest 24 and plain decoding). own: 0 where it was not measured.
-- a_token: seconds a token, by which the order comes; left_out: how many are not shown.
WITH ranked AS (
  SELECT p.*, row_number() OVER (ORDER BY tokens_per_s DESC, ordinal) AS place, count(*) OVER () AS policies
  FROM styled p JOIN part ON policy = p.id
  WHERE experiment = :experiment
    AND (:policies IS NULL OR EXISTS (SELECT 1 FROM json_each(:policies) WHERE value IN (p.spec, p.name)))
), shown AS (SELECT * FROM ranked WHERE :policies IS NOT NULL OR place <= 24 OR spec = 'none')
SELECT s.spec, s.style, 1e3 * draft_seconds AS draft, 1e3 * verify_seconds AS verify, 1e3 * coalesce(own_seconds, 0) AS own,
    own_seconds IS NOT NULL AS measured, s.mat AS emitted,
  1e3 * (draft_seconds + verify_seconds + coalesce(own_seconds, 0)) / nullif(s.mat, 0) AS a_token,
  s.policies - (SELECT count(*) FROM shown) AS left_out
FROM shown s JOIN part t ON t.policy = s.id
ORDER BY s.place;
