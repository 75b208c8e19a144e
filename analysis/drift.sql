-- drift.sql - the probability that a drafted token is accepted, over the position in the text, by drafter: does acceptance drift?
--
-- :recording. Rounds follow one another as in lengths.sql; of a draft the tokens up to the first rejected one count, so one cut short by
-- the text's end says nothing of what it lacks. A point is a stretch of positions, at most sixteen of them, as long as at least half of
-- the sequences go on; its interval is over sequences.
WITH RECURSIVE walk(sequence, drafter, pos, most, accepted, tokens) AS (
  SELECT s.id, d.drafter, 1, min(d.proposed, s.tokens - 1), d.accepted, s.tokens
  FROM sequence s JOIN draft d ON d.sequence = s.id AND d.pos = 1
  WHERE s.recording = :recording AND d.drafter IN (SELECT id FROM drafter WHERE recording = :recording ORDER BY ordinal LIMIT 12)
  UNION ALL
  SELECT w.sequence, w.drafter, d.pos, min(d.proposed, w.tokens - d.pos), d.accepted, w.tokens
  FROM walk w JOIN draft d ON d.sequence = w.sequence AND d.pos = w.pos + w.accepted + 1 AND d.drafter = w.drafter
), length AS (
  SELECT id, tokens, row_number() OVER (ORDER BY tokens) AS place, count(*) OVER () AS sequences FROM sequence WHERE recording = :recording
), reach AS (
  SELECT max(1, tokens - 1) AS last FROM length WHERE place = (sequences + 1) / 2
), width AS (
  SELECT max(1, (last + 15) / 16) AS w, last FROM reach
), tally AS (
  SELECT drafter, sequence, (pos - 1) / w AS bin, sum(accepted) AS accepted, sum(min(most, accepted + 1)) AS tested
  FROM width, walk WHERE pos <= last GROUP BY 1, 2, 3
)
SELECT d.name AS drafter, (bin * w + 1 + min(bin * w + w, last)) / 2.0 AS pos, sum(accepted) * 1.0 / sum(tested) AS rate, max(0,
    ratio_lo(accepted, tested)) AS lo,
  min(1, ratio_hi(accepted, tested)) AS hi, count(*) AS sequences, sum(tested) AS tested, bin * w + 1 AS first, min(bin * w + w,
      last) AS final
FROM width, tally t JOIN drafter d ON d.id = t.drafter
WHERE tested > 0
GROUP BY t.drafter, bin
ORDER BY d.ordinal, bin;
