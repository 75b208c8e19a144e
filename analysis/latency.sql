-- latency.sql - how long a verification takes by its width: median and 10th to 90th percentile, in milliseconds.
--
-- :recording. `line` is a batch and a stretch of contexts: of the recording's own verifications (one request) in thirds by context, and
-- of the latency table (banditspec bench --batches ... --db T) each batch and context that was timed at two widths or more. At most
-- twelve lines: the recording's own, then small batches first; left_out: how many are not shown. Lines come by their last value, highest
-- first.
WITH own AS (
  SELECT p.verify_width AS width, p.verify_ns, s.prompt_tokens + p.pos AS context, ntile(3) OVER (ORDER BY s.prompt_tokens + p.pos) AS third
  FROM step p JOIN sequence s ON s.id = p.sequence WHERE s.recording = :recording
), third AS (
  SELECT third, min(context) AS least, max(context) AS most FROM own GROUP BY third
), point AS (
  SELECT printf('1 request, context %d to %d', t.least, t.most) AS line_, 0 AS kind, 1 AS batch, o.third AS place, o.width,
    quantile(o.verify_ns, 0.1) / 1e6 AS p10, quantile(o.verify_ns, 0.5) / 1e6 AS p50, quantile(o.verify_ns, 0.9) / 1e6 AS p90,
        count(*) AS samples
  FROM own o JOIN third t USING (third) GROUP BY o.third, o.width HAVING count(*) >= 5
  UNION ALL
  SELECT printf('%d request%s, context %d (bench)', batch, CASE batch WHEN 1 THEN '' ELSE 's' END, context), 1, batch, context, width,
    p10_ns / 1e6, p50_ns / 1e6, p90_ns / 1e6, samples
  FROM latency WHERE recording = :recording AND operation = 'verify' AND drafter IS NULL AND samples >= 2
), kept AS (
  SELECT *, dense_rank() OVER (ORDER BY kind, batch, place) AS rank
  FROM (SELECT *, count(*) OVER (PARTITION BY kind, batch, place) AS widths FROM point) WHERE widths > 1
)
SELECT line_, batch, width, p10, p50, p90, samples, rank,
  last_value(p50) OVER (PARTITION BY line_ ORDER BY width ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS final,
  max((SELECT max(rank) FROM kept) - 12, 0) AS left_out
FROM kept WHERE rank <= 12
ORDER BY final DESC, rank, width;
