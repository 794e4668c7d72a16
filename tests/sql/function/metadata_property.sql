CREATE DATABASE Properties
GO
USE Properties
GO
-- Functions over types, files, filegroups, keys of indexes and collations, as tools ask them.
SELECT TYPEPROPERTY('int', 'Precision') AS i, TYPEPROPERTY('int', 'Scale') AS s, TYPEPROPERTY('nvarchar', 'Precision') AS n,
    TYPEPROPERTY('varchar', 'UsesAnsiTrim') AS trimmed, TYPEPROPERTY('varchar', 'Scale') AS no_scale, TYPEPROPERTY('nothing', 'Precision') AS nothing
CREATE TYPE dbo.Amount FROM decimal(9, 3) NOT NULL
SELECT TYPEPROPERTY('dbo.Amount', 'Precision') AS p, TYPEPROPERTY('[dbo].[Amount]', 'Scale') AS s, TYPEPROPERTY('Amount', 'AllowsNull') AS n
SELECT FILE_NAME(1) AS data, FILE_NAME(2) AS log, FILE_NAME(9) AS none, FILE_ID(FILE_NAME(2)) AS id, FILE_IDEX(FILE_NAME(1)) AS idex, FILE_ID('none') AS none2
SELECT FILEGROUP_NAME(1) AS name, FILEGROUP_ID('primary') AS id, FILEGROUPPROPERTY('PRIMARY', 'IsDefault') AS d, FILEGROUPPROPERTY('PRIMARY', 'IsUserDefinedFG') AS u, FILEGROUP_ID('none') AS none
CREATE TABLE k (a int, b int, c int)
CREATE INDEX ix ON k (c DESC, a)
SELECT INDEXKEY_PROPERTY(OBJECT_ID('k'), 2, 1, 'ColumnId') AS c, INDEXKEY_PROPERTY(OBJECT_ID('k'), 2, 1, 'IsDescending') AS d,
    INDEXKEY_PROPERTY(OBJECT_ID('k'), 2, 2, 'IsDescending') AS a, INDEXKEY_PROPERTY(OBJECT_ID('k'), 2, 3, 'ColumnId') AS none
SELECT COLLATIONPROPERTY('Latin1_General_CI_AS', 'CodePage') AS page, COLLATIONPROPERTY('Latin1_General_CI_AS', 'LCID') AS lcid,
    COLLATIONPROPERTY('Latin1_General_CI_AS', 'ComparisonStyle') AS style, COLLATIONPROPERTY('Latin1_General_BIN', 'ComparisonStyle') AS bin,
    COLLATIONPROPERTY('Latin1_General_100_CS_AS', 'Version') AS v, COLLATIONPROPERTY('nothing', 'Version') AS none
SELECT COUNT(*) AS groups, MIN(groupname) AS name FROM sysfilegroups
GO
-- A column has the name that the query writes, in the query's case; * has the columns' own.
CREATE TABLE named (Id int, Label nvarchar(10))
SELECT ID, n.LABEL FROM named AS n
SELECT * FROM named
SELECT x.LABEL FROM (SELECT label FROM named) AS x
GO
-- Hints of UPDATE and DELETE without WITH.
UPDATE named (ROWLOCK) SET Label = N'x'
DELETE FROM named (TABLOCKX)
GO
-- The columns of a check over several of them; the options that a contained database would have of its own.
CREATE TABLE checked (price int, discount int, CONSTRAINT sane CHECK (price > discount), CONSTRAINT positive CHECK (price > 0))
SELECT CONSTRAINT_NAME, COLUMN_NAME FROM INFORMATION_SCHEMA.CONSTRAINT_COLUMN_USAGE WHERE TABLE_NAME = 'checked' ORDER BY 1, 2
SELECT configuration_id, name FROM sys.configurations WHERE configuration_id IN (115, 124, 1126, 1127, 1555) ORDER BY 1
SELECT c.config, c.status FROM master.dbo.syscurconfigs AS c WHERE c.config IN (115, 1127)
-- What FreeTDS asks for tables of all databases.
EXEC sp_tableswc N'checked', N'%', N'%', '''TABLE'''
EXEC sp_tableswc N'checked', NULL, N'Prop%'
