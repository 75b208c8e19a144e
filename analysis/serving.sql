-- serving.sql - throughput over plain decoding by batch size, in per cent: the paper's figure 3.
--
-- :serving, :experiment (its policies keep their colours; others have styles from 1000), :policies (JSON array of specs and names; NULL:
-- all). kind: 'policy', 'arm', 'best' (the best fixed arm of each batch size, `arm` its name). lo, hi: 1.96 standard errors over seeds;
-- the value itself for one seed. Lines come by their last value, highest first.
WITH line AS (
  SELECT kind, spec, spec AS arm, bsz, vs_plain, throughput_se / nullif(throughput, 0) AS se,
    CASE kind WHEN 'arm' THEN -9 ELSE coalesce(
      (SELECT style FROM styled s WHERE s.experiment = :experiment AND s.spec = r.spec),
      1000 + ordinal) END AS style, ordinal
  FROM serving_row r
  WHERE serving = :serving AND kind <> 'plain'
    AND (kind = 'arm' OR :policies IS NULL OR EXISTS (SELECT 1 FROM json_each(:policies) WHERE value = r.spec OR value = substr(r.spec,
        1, instr(r.spec || ':', ':') - 1)))
  UNION ALL
  SELECT 'best', 'best fixed arm', spec, bsz, vs_plain, throughput_se / nullif(throughput, 0), -1, 100000
  FROM (SELECT *, row_number() OVER (PARTITION BY bsz ORDER BY throughput DESC, ordinal) AS place FROM serving_row
      WHERE serving = :serving AND kind <> 'policy')
  WHERE place = 1
), ended AS (
  SELECT *, last_value(vs_plain) OVER (PARTITION BY spec ORDER BY bsz ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS final
  FROM line
)
SELECT spec, kind, style, bsz, 100 * (vs_plain - 1) AS percent, 100 * (vs_plain * (1 - 1.96 * coalesce(se, 0)) - 1) AS lo,
  100 * (vs_plain * (1 + 1.96 * coalesce(se, 0)) - 1) AS hi, replace(CASE WHEN arm = 'none' THEN 'plain' ELSE arm END, 'fixed:arm=',
      '') AS arm,
  CASE kind WHEN 'arm' THEN NULL ELSE spec END AS named, final, max(policies - 16, 0) AS left_out
FROM (SELECT *, CASE WHEN :policies IS NULL THEN max(place) FILTER (WHERE kind = 'policy') OVER () ELSE 0 END AS policies
      FROM (SELECT *, dense_rank() OVER (PARTITION BY kind ORDER BY final DESC, spec) AS place FROM ended))
WHERE kind <> 'policy' OR :policies IS NOT NULL OR place <= 16
ORDER BY final DESC, ordinal, spec, bsz;
