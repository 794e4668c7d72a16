-- Columns named by node tests: processing instructions are not escaped, values of data() that meet are apart.
SELECT 'a < b' AS [processing-instruction(q)], 'c < d' AS [text()] FOR XML PATH('r'), TYPE;
SELECT x AS [data()] FROM (VALUES ('a'), ('b'), (NULL), ('c')) AS v (x) FOR XML PATH('');
SELECT x AS [data()] FROM (VALUES ('a'), ('b')) AS v (x) FOR XML PATH('i');
SELECT 1 AS [data()], 2 AS [data()], 'x' AS [e], 3 AS [data()] FOR XML PATH('i');
SELECT (SELECT x AS [data()] FROM (VALUES (1), (2), (3)) AS v (x) FOR XML PATH('')) AS [@list] FOR XML PATH('i');
