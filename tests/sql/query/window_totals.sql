-- Totals of one partition, and of one frame, do not overflow each other.
SELECT v % 2 AS p, SUM(z) OVER (PARTITION BY v % 2 ORDER BY v) AS s
FROM (SELECT v, CAST('9' + REPLICATE('0', 37) AS decimal(38, 0)) AS z FROM (VALUES (3), (4)) AS t (v)) AS q ORDER BY v;
SELECT v, SUM(z) OVER (ORDER BY v ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s
FROM (SELECT v, CAST('4' + REPLICATE('0', 37) AS decimal(38, 0)) AS z FROM (VALUES (1), (2), (3), (4), (5)) AS t (v)) AS q ORDER BY v;
GO
SELECT v, SUM(z) OVER (ORDER BY v) AS s
FROM (SELECT v, CAST('4' + REPLICATE('0', 37) AS decimal(38, 0)) AS z FROM (VALUES (1), (2), (3), (4), (5)) AS t (v)) AS q ORDER BY v;
GO
