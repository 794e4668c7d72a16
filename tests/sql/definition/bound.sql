-- Defaults and rules as objects, bound to columns and types.
CREATE DATABASE bound;
GO
USE bound;
GO
CREATE DEFAULT dbo.phone AS 'unknown'
GO
CREATE DEFAULT nought AS 0;
GO
CREATE RULE dbo.within AS @range >= 1 AND @range < 100
GO
CREATE RULE word AS @w IN ('a', 'b') OR @w LIKE 'x@%'
GO
CREATE TYPE small FROM int NOT NULL;
CREATE TABLE t (id int NOT NULL, tel varchar(20) NULL, n small, w varchar(10) NULL, d AS id * 2, c int CONSTRAINT df_c DEFAULT 5);
GO
SELECT name, type, type_desc, parent_object_id FROM sys.objects WHERE name IN ('phone', 'nought', 'within', 'word') ORDER BY name;
EXEC sp_bindefault 'phone', 't.tel';
EXEC sp_bindrule 'within', 't.id';
EXEC sp_bindrule 'dbo.word', 'dbo.t.w';
EXEC sp_bindefault nought, 'small';
EXEC sp_bindrule 'within', 'small', 'futureonly';
GO
INSERT t (id) VALUES (1);
INSERT t (id, tel, n, w) VALUES (2, '1', 200, 'x@y');
SELECT * FROM t ORDER BY id;
GO
INSERT t (id) VALUES (100);
GO
UPDATE t SET w = 'q' WHERE id = 1;
GO
UPDATE t SET w = NULL, tel = DEFAULT WHERE id = 2;
SELECT tel, w FROM t WHERE id = 2;
SELECT name, OBJECT_NAME(default_object_id) AS d, OBJECT_NAME(rule_object_id) AS r FROM sys.columns WHERE object_id = OBJECT_ID('t') ORDER BY column_id;
SELECT COUNT(*) AS constraints FROM sys.default_constraints;
CREATE TABLE u (a small, b int);
SELECT OBJECT_NAME(default_object_id) AS d, OBJECT_NAME(rule_object_id) AS r FROM sys.columns WHERE object_id = OBJECT_ID('u') ORDER BY column_id;
GO
INSERT u DEFAULT VALUES;
GO
INSERT u VALUES (7, 7);
SELECT * FROM u;
GO
EXEC sp_bindefault 'phone', 't.c';
GO
EXEC sp_bindefault 'phone', 't.d';
GO
EXEC sp_bindefault 'nothing', 't.tel';
GO
EXEC sp_bindrule 'phone', 't.tel';
GO
EXEC sp_bindrule 'within', 't.nothing';
GO
DROP DEFAULT phone;
GO
DROP RULE within;
GO
EXEC sp_unbindefault 't.tel';
EXEC sp_unbindefault 'small';
EXEC sp_unbindrule 't.id';
EXEC sp_unbindrule 'small';
GO
EXEC sp_unbindrule 't.id';
GO
EXEC sp_unbindefault 't.c';
GO
DROP DEFAULT phone;
DROP RULE within;
INSERT t (id, n) VALUES (1000, 1);
SELECT tel FROM t WHERE id = 1000;
GO
SELECT 1;
CREATE RULE late AS @x > 1;
GO
CREATE DEFAULT bad AS id + 1;
GO
