CREATE DATABASE past;
GO
USE past;
GO
-- The whole life of a versioned table: what is kept, and what a time shows.
CREATE TABLE dbo.Employee (
  Id int NOT NULL PRIMARY KEY,
  Name nvarchar(40) NOT NULL,
  Pay decimal(9,2) NULL,
  Twice AS (Pay * 2),
  ValidFrom datetime2 GENERATED ALWAYS AS ROW START,
  ValidTo datetime2 GENERATED ALWAYS AS ROW END,
  PERIOD FOR SYSTEM_TIME (ValidFrom, ValidTo)
) WITH (SYSTEM_VERSIONING = ON (HISTORY_TABLE = dbo.EmployeeHistory));
GO
SELECT name, temporal_type, temporal_type_desc, OBJECT_NAME(history_table_id) AS history, history_retention_period, history_retention_period_unit, history_retention_period_unit_desc FROM sys.tables ORDER BY name;
SELECT p.name, period_type, period_type_desc, OBJECT_NAME(object_id) AS t, COL_NAME(object_id, start_column_id) AS s, COL_NAME(object_id, end_column_id) AS e FROM sys.periods p;
SELECT OBJECT_NAME(object_id) AS t, name, is_computed, is_nullable, generated_always_type, generated_always_type_desc, is_hidden FROM sys.columns WHERE object_id IN (OBJECT_ID('Employee'), OBJECT_ID('EmployeeHistory')) ORDER BY t, column_id;
SELECT i.name, i.type_desc, i.is_unique, COL_NAME(ic.object_id, ic.column_id) AS c FROM sys.indexes i JOIN sys.index_columns ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id WHERE i.object_id = OBJECT_ID('EmployeeHistory') ORDER BY ic.key_ordinal;
SELECT OBJECTPROPERTY(OBJECT_ID('Employee'), 'TableTemporalType') AS t, OBJECTPROPERTY(OBJECT_ID('EmployeeHistory'), 'TableTemporalType') AS h, COLUMNPROPERTY(OBJECT_ID('Employee'), 'ValidTo', 'GeneratedAlwaysType') AS g, data_compression_desc FROM sys.partitions WHERE object_id = OBJECT_ID('EmployeeHistory');
GO
INSERT INTO Employee (Id, Name, Pay) VALUES (1, 'Ann', 100), (2, 'Bob', 200), (3, 'Cid', 300);
INSERT INTO Employee VALUES (4, 'Dee', 400, DEFAULT, DEFAULT);
SELECT Id, Name, Pay, Twice, CASE WHEN ValidFrom <= SYSUTCDATETIME() THEN 'past' END AS f, ValidTo FROM Employee ORDER BY Id;
SELECT COUNT(*) AS old FROM EmployeeHistory;
GO
DECLARE @before datetime2 = SYSUTCDATETIME();
WAITFOR DELAY '00:00:00.020';
UPDATE Employee SET Pay = Pay + 1 WHERE Id <= 2;
DELETE Employee WHERE Id = 3;
MERGE Employee AS t USING (VALUES (4, 'Dea'), (5, 'Eve')) AS s (Id, Name) ON t.Id = s.Id
WHEN MATCHED THEN UPDATE SET Name = s.Name
WHEN NOT MATCHED THEN INSERT (Id, Name, Pay) VALUES (s.Id, s.Name, 500);
SELECT Id, Name, Pay FROM Employee ORDER BY Id;
SELECT Id, Name, Pay, Twice, CASE WHEN ValidFrom < ValidTo THEN 'ordered' END AS o FROM EmployeeHistory ORDER BY Id;
SELECT Id, Name, Pay, Twice FROM Employee FOR SYSTEM_TIME AS OF @before ORDER BY Id;
SELECT Id, Pay FROM Employee FOR SYSTEM_TIME ALL AS e WHERE e.Id IN (1, 3) ORDER BY Id, Pay;
DECLARE @now datetime2 = SYSUTCDATETIME();
SELECT COUNT(*) AS of_now FROM Employee FOR SYSTEM_TIME AS OF @now;
SELECT COUNT(*) AS from_to FROM Employee FOR SYSTEM_TIME FROM @before TO @now;
SELECT COUNT(*) AS between_and FROM Employee FOR SYSTEM_TIME BETWEEN @before AND @now;
SELECT COUNT(*) AS contained FROM Employee FOR SYSTEM_TIME CONTAINED IN ('0001-01-01', @now);
SELECT COUNT(*) AS long_ago FROM Employee FOR SYSTEM_TIME AS OF '2001-01-01';
GO
DECLARE @n datetime2;
SELECT COUNT(*) AS nothing FROM Employee FOR SYSTEM_TIME AS OF @n;
-- What was is what became: the end of each old row is the start of the one that replaced it.
SELECT e.Id FROM Employee e JOIN EmployeeHistory h ON h.Id = e.Id AND h.ValidTo = e.ValidFrom ORDER BY e.Id;
GO
-- A transaction has one time; what it changes twice leaves an empty period, which no query shows.
BEGIN TRAN;
UPDATE Employee SET Pay = 7 WHERE Id = 1;
WAITFOR DELAY '00:00:00.010';
UPDATE Employee SET Pay = 8 WHERE Id = 1;
INSERT Employee (Id, Name) VALUES (6, 'Fay');
SELECT COUNT(DISTINCT ValidFrom) AS times FROM Employee WHERE Id IN (1, 6);
COMMIT;
SELECT COUNT(*) AS kept FROM EmployeeHistory WHERE Id = 1;
SELECT COUNT(*) AS empty FROM EmployeeHistory WHERE ValidFrom = ValidTo;
SELECT COUNT(*) AS shown FROM Employee FOR SYSTEM_TIME ALL WHERE Id = 1;
BEGIN TRAN;
DELETE Employee;
ROLLBACK;
SELECT (SELECT COUNT(*) FROM Employee) AS now, (SELECT COUNT(*) FROM EmployeeHistory WHERE Id = 6) AS old;
GO
-- Views, functions and OUTPUT.
CREATE VIEW Pays AS SELECT Id, Pay FROM dbo.Employee;
GO
CREATE VIEW PaysAgain AS SELECT p.Id, p.Pay, e.Name FROM Pays p JOIN Employee e ON e.Id = p.Id;
GO
CREATE FUNCTION PaysAt (@t datetime2) RETURNS TABLE AS RETURN SELECT Id, Pay FROM Employee FOR SYSTEM_TIME AS OF @t;
GO
DECLARE @t datetime2 = (SELECT MIN(ValidFrom) FROM EmployeeHistory WHERE Id = 1);
SELECT * FROM Pays FOR SYSTEM_TIME AS OF @t ORDER BY Id;
SELECT * FROM PaysAgain FOR SYSTEM_TIME AS OF @t ORDER BY Id;
SELECT * FROM PaysAt(@t) ORDER BY Id;
SELECT h.Id, a.Pay FROM EmployeeHistory h CROSS APPLY PaysAt(h.ValidFrom) a WHERE h.Id = 3 AND a.Id = 3;
UPDATE Employee SET Pay = 9 OUTPUT deleted.Pay, inserted.Pay, CASE WHEN inserted.ValidFrom > deleted.ValidFrom THEN 1 END AS later WHERE Id = 1;
GO
SELECT * FROM sys.tables FOR SYSTEM_TIME ALL;
GO
CREATE VIEW Plain AS SELECT 1 AS a;
GO
SELECT * FROM Plain FOR SYSTEM_TIME ALL;
GO
SELECT * FROM EmployeeHistory FOR SYSTEM_TIME ALL;
GO
SELECT * FROM Employee FOR SYSTEM_TIME AS OF DATEADD(day, -1, SYSUTCDATETIME());
GO
-- What is refused.
INSERT Employee (Id, Name, ValidFrom) VALUES (9, 'x', '2020-01-01');
GO
INSERT Employee SELECT 9, 'x', 1, '2020-01-01', '2020-01-01';
GO
UPDATE Employee SET ValidTo = '2020-01-01';
GO
INSERT EmployeeHistory SELECT * FROM EmployeeHistory;
GO
UPDATE EmployeeHistory SET Pay = 1;
GO
DELETE EmployeeHistory;
GO
MERGE EmployeeHistory h USING (SELECT 1 AS a) s ON h.Id = s.a WHEN MATCHED THEN DELETE;
GO
TRUNCATE TABLE Employee;
GO
TRUNCATE TABLE EmployeeHistory;
GO
DROP TABLE Employee;
GO
DROP TABLE EmployeeHistory;
GO
ALTER TABLE Employee DROP PERIOD FOR SYSTEM_TIME;
GO
ALTER TABLE Employee DROP COLUMN ValidTo;
GO
ALTER TABLE Employee ALTER COLUMN ValidTo datetime2(3) NOT NULL;
GO
ALTER TABLE EmployeeHistory ADD x int;
GO
ALTER TABLE EmployeeHistory ADD CONSTRAINT u UNIQUE (Id);
GO
CREATE UNIQUE INDEX u ON EmployeeHistory (Id);
GO
CREATE TRIGGER tr ON EmployeeHistory AFTER INSERT AS RETURN;
GO
CREATE TRIGGER tr ON Employee INSTEAD OF DELETE AS RETURN;
GO
ALTER TABLE Employee SET (SYSTEM_VERSIONING = ON);
GO
-- Columns come to both tables.
ALTER TABLE Employee ADD Grade int NULL, Town varchar(10) NOT NULL CONSTRAINT df_town DEFAULT 'Rome';
ALTER TABLE Employee ALTER COLUMN Name nvarchar(80) NOT NULL;
EXEC sp_rename 'Employee.Grade', 'Level', 'COLUMN';
SELECT Id, Town FROM Employee FOR SYSTEM_TIME ALL WHERE Id = 3;
ALTER TABLE Employee DROP CONSTRAINT df_town;
ALTER TABLE Employee DROP COLUMN Town;
SELECT name, max_length FROM sys.columns WHERE object_id = OBJECT_ID('EmployeeHistory') ORDER BY column_id;
GO
-- A trigger sees the new periods.
CREATE TRIGGER seen ON Employee AFTER UPDATE AS SELECT i.Id, CASE WHEN i.ValidFrom > d.ValidFrom THEN 'later' END AS f FROM inserted i JOIN deleted d ON d.Id = i.Id;
GO
UPDATE Employee SET Level = 1 WHERE Id = 2;
DROP TRIGGER seen;
GO
ALTER TABLE Employee SET (SYSTEM_VERSIONING = OFF);
ALTER TABLE Employee SET (SYSTEM_VERSIONING = OFF);
GO
SELECT name, temporal_type, history_table_id FROM sys.tables ORDER BY name;
UPDATE EmployeeHistory SET Pay = 0 WHERE Id = 3;
UPDATE Employee SET Level = 2 WHERE Id = 2;
SELECT COUNT(*) AS kept FROM EmployeeHistory WHERE Id = 2;
ALTER TABLE Employee SET (SYSTEM_VERSIONING = ON (HISTORY_TABLE = dbo.EmployeeHistory, DATA_CONSISTENCY_CHECK = ON));
GO
ALTER TABLE Employee SET (SYSTEM_VERSIONING = OFF);
ALTER TABLE Employee DROP PERIOD FOR SYSTEM_TIME;
UPDATE Employee SET ValidFrom = '2020-01-01';
SELECT COUNT(*) AS free FROM Employee WHERE ValidFrom = '2020-01-01';
DROP TABLE EmployeeHistory;
DROP TABLE Employee;
GO
