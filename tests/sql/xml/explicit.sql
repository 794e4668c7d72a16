-- FOR XML EXPLICIT: universal tables.
SELECT 1 AS Tag, NULL AS Parent, v.id AS [Item!1!id], v.name AS [Item!1!name!ELEMENT], v.note AS [Item!1!!CDATA]
FROM (VALUES (1, 'a<b', 'x & y'), (2, NULL, NULL)) v(id, name, note)
FOR XML EXPLICIT
GO
SELECT 1 AS Tag, NULL AS Parent, o.id AS [Order!1!id], NULL AS [Line!2!no], NULL AS [Line!2!price!element]
FROM (VALUES (1), (2)) o(id)
UNION ALL
SELECT 2, 1, l.o, l.n, l.p FROM (VALUES (1, 1, 2.5), (1, 2, 3.5), (2, 1, 4.0)) l(o, n, p)
ORDER BY [Order!1!id], [Line!2!no]
FOR XML EXPLICIT, ROOT('Orders')
GO
SELECT 2 AS Tag, 1 AS Parent, 'x' AS [A!2!b] FOR XML EXPLICIT
GO
SELECT 1 AS Tag, NULL AS Parent, 'x' AS wrong FOR XML EXPLICIT
GO
SELECT 1 AS Tag, NULL AS Parent, '<k/>' AS [A!1!b!xml], '<q/>' AS [A!1!!xml], 5 AS [A!1!h!hide] FOR XML EXPLICIT
GO
