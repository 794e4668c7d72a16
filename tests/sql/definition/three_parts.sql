CREATE DATABASE parts;
GO
USE parts;
GO
-- Names of three parts that name no database: schema, table, and what belongs to it.
CREATE TABLE dbo.t (i int, j int);
CREATE STATISTICS st ON dbo.t (i);
CREATE INDEX ix ON dbo.t (j);
CREATE INDEX iy ON dbo.t (i, j);
GO
DROP STATISTICS dbo.t.st;
DROP INDEX dbo.t.ix;
GO
USE master;
GO
DROP INDEX iy ON parts.dbo.t;
GO
SELECT name FROM parts.sys.stats WHERE object_id = OBJECT_ID('parts.dbo.t');
SELECT name FROM parts.sys.indexes WHERE object_id = OBJECT_ID('parts.dbo.t');
GO
