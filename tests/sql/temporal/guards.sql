CREATE DATABASE guarded;
GO
USE guarded;
GO
-- What nobody may write: history through OUTPUT … INTO, generated columns through EXEC and bulk loads.
CREATE TABLE Pay (Id int NOT NULL PRIMARY KEY, Amount int, Twice AS Amount * 2,
  F datetime2 GENERATED ALWAYS AS ROW START NOT NULL, T datetime2 GENERATED ALWAYS AS ROW END NOT NULL,
  PERIOD FOR SYSTEM_TIME (F, T)) WITH (SYSTEM_VERSIONING = ON (HISTORY_TABLE = dbo.PayHistory));
CREATE TABLE Plain (Id int, Amount int, Twice int, F datetime2, T datetime2);
GO
INSERT Pay (Id, Amount) VALUES (1, 10);
INSERT Plain VALUES (7, 7, 7, '2000-01-01', '2001-01-01');
GO
DELETE Plain OUTPUT deleted.Id, deleted.Amount, deleted.Twice, deleted.F, deleted.T INTO dbo.PayHistory;
GO
INSERT Pay (Id, Amount, F) EXEC ('SELECT 2, 20, ''2020-01-01''');
GO
INSERT Pay (Id, Amount) EXEC ('SELECT 2, 20');
GO
SELECT Id, Amount, Twice FROM Pay ORDER BY Id;
SELECT COUNT(*) AS old_rows FROM PayHistory;
GO
-- A cascade keeps computed columns too.
CREATE TABLE Parent (Id int NOT NULL PRIMARY KEY);
CREATE TABLE Child (Id int NOT NULL PRIMARY KEY, P int REFERENCES Parent ON DELETE CASCADE, A int, K AS A * 2, L AS A * 3 PERSISTED,
  F datetime2 GENERATED ALWAYS AS ROW START NOT NULL, T datetime2 GENERATED ALWAYS AS ROW END NOT NULL,
  PERIOD FOR SYSTEM_TIME (F, T)) WITH (SYSTEM_VERSIONING = ON (HISTORY_TABLE = dbo.ChildHistory));
INSERT Parent VALUES (1);
INSERT Child (Id, P, A) VALUES (1, 1, 21);
DELETE Parent;
SELECT Id, A, K, L FROM ChildHistory;
GO
