-- lengths.sql - how many drafted tokens were accepted, by drafter, beside the truncated geometric fitted to them (BanditSpec eq. (10),
-- traces/hazard.h).
--
-- :recording. Rounds follow one another as the arm (drafter, longest draft) plays them; those in which it proposed nothing are left out.
-- `fitted` is what one acceptance rate p gives for drafts of the lengths that were proposed. At most nine drafters.
WITH RECURSIVE walk(sequence, drafter, pos, most, accepted, tokens) AS (
  SELECT s.id, d.drafter, 1, min(d.proposed, s.tokens - 1), d.accepted, s.tokens
  FROM sequence s JOIN draft d ON d.sequence = s.id AND d.pos = 1
  WHERE s.recording = :recording AND d.drafter IN (SELECT id FROM drafter WHERE recording = :recording ORDER BY ordinal LIMIT 9)
  UNION ALL
  SELECT w.sequence, w.drafter, d.pos, min(d.proposed, w.tokens - d.pos), d.accepted, w.tokens
  FROM walk w JOIN draft d ON d.sequence = w.sequence AND d.pos = w.pos + w.accepted + 1 AND d.drafter = w.drafter
), round AS (
  SELECT drafter, most, accepted, count(*) AS rounds FROM walk GROUP BY 1, 2, 3
), depth(k) AS (
  SELECT 0 UNION ALL SELECT k + 1 FROM depth WHERE k < (SELECT max(most) FROM round)
), fit AS (
  SELECT drafter, tgd_p(k, tested, accepted) AS p, tgd_chi2(k, tested, accepted) AS chi2, tgd_df(k, tested, accepted) AS df,
    tgd_p_value(k, tested, accepted) AS p_value
  FROM (SELECT drafter, k, sum(rounds * (k <= min(most, accepted + 1))) AS tested, sum(rounds * (k <= accepted)) AS accepted
        FROM round JOIN depth ON k > 0 GROUP BY drafter, k)
  GROUP BY drafter
), total AS (
  SELECT drafter, sum(rounds) AS rounds, sum(rounds * (most > 0)) AS proposing, max(most) AS longest FROM round GROUP BY drafter
)
SELECT d.name AS drafter, k AS accepted,
  (SELECT coalesce(sum(rounds), 0) FROM round r WHERE r.drafter = d.id AND r.accepted = k AND r.most > 0) * 1.0 / t.proposing AS share,
  (SELECT sum(rounds * CASE WHEN k < most THEN pow(f.p, k) * (1 - f.p) WHEN k = most THEN pow(f.p, k) ELSE 0 END)
   FROM round r WHERE r.drafter = d.id AND r.most > 0) / t.proposing AS fitted,
  f.p, f.chi2, f.df, f.p_value, t.rounds, t.proposing
FROM drafter d JOIN total t ON t.drafter = d.id JOIN fit f ON f.drafter = d.id JOIN depth ON k <= t.longest
WHERE t.proposing > 0
ORDER BY d.ordinal, k;
