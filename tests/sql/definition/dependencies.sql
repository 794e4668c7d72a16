CREATE DATABASE deps
GO
USE deps
GO
CREATE TABLE dbo.customer(id int NOT NULL, name varchar(20), city varchar(20));
CREATE TABLE dbo.invoice(id int NOT NULL, customer_id int, total money);
GO
CREATE VIEW v1 AS SELECT c.id, c.name, i.total FROM customer c JOIN dbo.invoice i ON i.customer_id = c.id
GO
CREATE PROCEDURE p1 @id int AS
UPDATE customer SET city = 'x' WHERE id = @id;
INSERT dbo.invoice(id, customer_id) SELECT id, id FROM customer;
WITH x AS (SELECT 1 a) SELECT * FROM x JOIN master.sys.objects o ON 1=1;
SELECT * INTO #t FROM v1; SELECT * FROM #t;
DELETE dbo.nosuch;
EXEC p2;
EXEC dbo.p2;
EXEC sp_executesql N'SELECT 1';
SELECT name FROM sys.tables;
SELECT * FROM otherdb.dbo.t
GO
CREATE PROCEDURE p2 AS RETURN
GO
CREATE FUNCTION f1(@a int) RETURNS int AS BEGIN RETURN (SELECT MAX(total) FROM dbo.invoice WHERE id = @a) END
GO
CREATE FUNCTION f2() RETURNS TABLE AS RETURN SELECT dbo.f1(id) m FROM customer
GO
CREATE TRIGGER tr ON customer AFTER UPDATE AS INSERT invoice(id) SELECT id FROM inserted
GO
SELECT OBJECT_NAME(referencing_id) a, is_schema_bound_reference b, referenced_server_name s, referenced_database_name d, referenced_schema_name sc, referenced_entity_name n, OBJECT_NAME(referenced_id) o, is_caller_dependent cd, is_ambiguous am FROM sys.sql_expression_dependencies ORDER BY 1, 6, 5
GO
SELECT OBJECT_NAME(object_id) a, OBJECT_NAME(referenced_major_id) r, COL_NAME(referenced_major_id, referenced_minor_id) c, is_selected, is_updated, is_select_all, class_desc FROM sys.sql_dependencies ORDER BY 1,2,3
GO
EXEC sp_depends 'p1'
GO
EXEC sp_depends 'customer'
GO
SELECT COUNT(*) n FROM sysdepends
GO
SELECT * FROM INFORMATION_SCHEMA.VIEW_TABLE_USAGE
GO
SELECT * FROM INFORMATION_SCHEMA.VIEW_COLUMN_USAGE
GO
SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE FROM INFORMATION_SCHEMA.ROUTINE_COLUMNS
GO
CREATE TYPE dom FROM varchar(10)
GO
CREATE TABLE withdom(a dom)
GO
SELECT * FROM INFORMATION_SCHEMA.COLUMN_DOMAIN_USAGE
GO
SELECT * FROM INFORMATION_SCHEMA.DOMAIN_CONSTRAINTS
GO
DROP TABLE invoice
GO
SELECT OBJECT_NAME(referencing_id) a, referenced_entity_name n, referenced_id FROM sys.sql_expression_dependencies WHERE referenced_entity_name = 'invoice' ORDER BY 1
GO
ALTER PROCEDURE p1 AS SELECT 1 a
GO
SELECT COUNT(*) n FROM sys.sql_expression_dependencies WHERE referencing_id = OBJECT_ID('p1')
GO
DROP PROCEDURE p2
GO
DROP VIEW v1
GO
SELECT COUNT(*) n FROM sys.sql_dependencies WHERE object_id NOT IN (SELECT object_id FROM sys.objects) OR referenced_major_id NOT IN (SELECT object_id FROM sys.objects)
GO
CREATE TABLE invoice(id int, customer_id int, total money)
GO
CREATE PROCEDURE p3 AS INSERT invoice(id, total) SELECT id, 1 FROM customer; EXEC nothere
GO
SELECT referenced_schema_name s, referenced_entity_name n, referenced_minor_name m, referenced_minor_id i, is_selected, is_updated, is_all_columns_found f, is_incomplete FROM sys.dm_sql_referenced_entities('dbo.p3', 'OBJECT') ORDER BY 2, 4
GO
SELECT referencing_schema_name, referencing_entity_name, is_caller_dependent FROM sys.dm_sql_referencing_entities('dbo.customer', 'OBJECT') ORDER BY 2
GO
