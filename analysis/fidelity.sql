-- fidelity.sql - tokens per second by policy, simulated and live, over the same prompts.
--
-- :fidelity, :experiment (its policies keep their colours; others have styles from 1000), :policies (JSON array of specs and names; NULL:
-- all). Seconds are those of rounds. percent: how much more tokens per second the simulation says. verify_percent,
-- draft_percent: how much longer its parts take. Fastest live first.
WITH sums AS (
  SELECT spec, ordinal, sum(tokens) AS tokens, count(DISTINCT sequence) AS prompts, sum(live_seconds) AS live,
      sum(simulated_seconds) AS simulated,
    sum(live_draft) AS live_draft, sum(simulated_draft) AS simulated_draft, sum(live_verify) AS live_verify,
        sum(simulated_verify) AS simulated_verify
  FROM fidelity_run
  WHERE fidelity = :fidelity
    AND (:policies IS NULL OR EXISTS (SELECT 1 FROM json_each(:policies) WHERE value = spec OR value = substr(spec, 1, instr(spec || ':',
        ':') - 1)))
  GROUP BY ordinal, spec HAVING sum(live_seconds) > 0 AND sum(simulated_seconds) > 0
)
SELECT spec, coalesce((SELECT style FROM styled s WHERE s.experiment = :experiment AND s.spec = sums.spec), 1000 + ordinal) AS style,
  tokens / live AS live, tokens / simulated AS simulated, 100 * (live / simulated - 1) AS percent,
  100 * (simulated_verify / nullif(live_verify, 0) - 1) AS verify_percent, 100 * (simulated_draft / nullif(live_draft,
      0) - 1) AS draft_percent, prompts
FROM sums
ORDER BY tokens / live DESC, ordinal;
