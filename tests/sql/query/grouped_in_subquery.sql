-- An expression of GROUP BY stands for the group inside subqueries too, as a whole.
CREATE TABLE #locks (session int, kind varchar(8), name varchar(8))
INSERT #locks VALUES (1, 'S', 'a'), (1, 'X', 'a'), (1, 'S', NULL), (2, 'S', NULL), (2, 'S', NULL)
GO
SELECT l.session, COALESCE(l.name, '(null)') AS name,
    (SELECT COUNT(*) FROM #locks i WHERE i.session = l.session AND COALESCE(l.name, '(null)') = COALESCE(i.name, '(null)')) AS n
FROM #locks l GROUP BY l.session, COALESCE(l.name, '(null)') ORDER BY l.session, name
GO
-- Two levels down, with the aggregate of the outer query beside it.
SELECT l.session + 1 AS next, COUNT(*) AS n,
    (SELECT MAX(i.kind) FROM #locks i WHERE EXISTS (SELECT 1 FROM #locks d WHERE d.session = l.session + 1 AND d.kind = i.kind)) AS kind,
    (SELECT MIN(l.name)) AS name
FROM #locks l GROUP BY l.session + 1 HAVING EXISTS (SELECT 1 FROM #locks i WHERE i.session < l.session + 1) ORDER BY next
GO
-- As nested XML that groups at each level.
SELECT COALESCE(l.name, '(null)') AS [@name],
    (SELECT i.kind AS [@kind], COUNT(*) AS [@n] FROM #locks i WHERE COALESCE(l.name, '(null)') = COALESCE(i.name, '(null)') GROUP BY i.kind ORDER BY i.kind FOR XML PATH('lock'), TYPE)
FROM #locks l GROUP BY COALESCE(l.name, '(null)') ORDER BY COALESCE(l.name, '(null)') FOR XML PATH('object')
GO
-- Two expressions over one column.
SELECT l.session * 2 AS twice, l.session % 2 AS odd, (SELECT SUM(i.session) FROM #locks i WHERE i.session * 2 = l.session * 2 AND i.session % 2 = l.session % 2) AS total
FROM #locks l GROUP BY l.session * 2, l.session % 2 ORDER BY twice
GO
-- With sets the expression may be NULL.
SELECT l.session + 1 AS next, (SELECT COUNT(*) FROM #locks i WHERE i.session + 1 = l.session + 1) AS n
FROM #locks l GROUP BY ROLLUP (l.session + 1) ORDER BY next
GO
-- The column alone is not of the group.
SELECT l.session + 1 AS next, (SELECT COUNT(*) FROM #locks i WHERE i.session + 1 = l.session + 1 AND i.session <> l.session) AS n
FROM #locks l GROUP BY l.session + 1
GO
