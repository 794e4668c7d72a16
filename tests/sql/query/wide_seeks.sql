-- Joins and conditions that several seeks, or seeks between values of the outer row, answer.
CREATE DATABASE wide_seeks;
GO
USE wide_seeks;
GO
CREATE TABLE a (id int NOT NULL PRIMARY KEY, x int NULL, y int NULL, low int NULL, high int NULL);
CREATE TABLE b (id int NOT NULL PRIMARY KEY, x int NULL, y int NULL, name nvarchar(10) NULL, filler char(200) NOT NULL DEFAULT '');
INSERT b (id, x, y, name) SELECT value, NULLIF(value % 700, 0), NULLIF(value % 900, 3), CONCAT(N'n', value) FROM GENERATE_SERIES(1, 3000);
INSERT a VALUES (1, 5, 7, 10, 12), (2, 5, 5, 2999, 5000), (3, NULL, 8, NULL, 4), (4, NULL, NULL, 3, NULL), (5, 0, 3, 20, 19), (6, 699, 899, 1, 2);
CREATE INDEX bx ON b (x); CREATE INDEX by_y ON b (y);
GO
SELECT a.id, b.id FROM a JOIN b ON a.x = b.x OR a.y = b.y ORDER BY a.id, b.id;
SELECT a.id, COUNT(b.id) AS n FROM a LEFT JOIN b ON (a.x = b.x AND b.id > 100) OR a.y = b.y OR (a.id = 5 AND b.id = 6) GROUP BY a.id ORDER BY a.id;
SELECT a.id, b.id FROM a JOIN b ON b.id BETWEEN a.low AND a.high ORDER BY a.id, b.id;
SELECT a.id, b.id FROM a LEFT JOIN b ON b.id > a.low AND b.id <= a.high AND a.id <> 1 ORDER BY a.id, b.id;
SELECT a.id FROM a WHERE EXISTS (SELECT * FROM b WHERE b.id >= a.low AND b.id < a.high) ORDER BY a.id;
SELECT a.id FROM a WHERE NOT EXISTS (SELECT * FROM b WHERE b.id >= a.low AND b.id < a.high) ORDER BY a.id;
SELECT a.id FROM a WHERE NOT EXISTS (SELECT * FROM b WHERE b.x = a.x OR b.y = a.y) ORDER BY a.id;
SELECT id FROM b WHERE x = 5 OR y = 7 ORDER BY id;
SELECT id, name FROM b WHERE (x = 5 OR y = 5 OR id IN (5, 6)) AND id < 1500 ORDER BY id DESC;
SELECT COUNT(*) AS n FROM b WHERE x IS NULL OR y IS NULL;
SELECT a.id, (SELECT COUNT(*) FROM b WHERE b.x = a.x OR b.y = a.y) AS n FROM a ORDER BY a.id;
UPDATE b SET x = y, y = x WHERE x = 5 OR y = 5;
SELECT id, x, y FROM b WHERE x = 5 OR y = 5 ORDER BY id;
DELETE b WHERE x = 5 OR y = 5;
SELECT COUNT(*) AS n FROM b;
GO
