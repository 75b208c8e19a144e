-- compare.sql - speed-up over plain decoding of what played in both, A and B, the fastest in A on top.
--
-- pair (compare_figure.c): place, name, up_a, lo_a, hi_a, up_b, lo_b, hi_b; side: what A and B are. At most forty rows; left_out: how many
-- are not shown.
SELECT name AS spec, up_a, lo_a, hi_a, up_b, lo_b, hi_b, what, (SELECT b FROM side) AS side_b,
  max((SELECT count(*) FROM pair) - 40, 0) AS left_out
FROM pair, (SELECT what FROM side)
WHERE place <= 40
ORDER BY place;
