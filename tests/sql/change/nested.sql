-- The rows that a change puts out become rows of another table.
CREATE DATABASE nested;
GO
USE nested;
GO
CREATE TABLE Dim (Id int NOT NULL, City varchar(20), Since int, Until int NULL);
CREATE TABLE Stage (Id int NOT NULL, City varchar(20));
CREATE TABLE Log (n int IDENTITY, What nvarchar(10), Id int, Old varchar(20), New varchar(20));
INSERT Dim VALUES (1, 'Rome', 1, NULL), (2, 'Oslo', 1, NULL), (3, 'Bern', 1, NULL);
INSERT Stage VALUES (1, 'Pisa'), (2, 'Oslo'), (4, 'Lyon');
GO
-- A slowly changing dimension in one statement.
INSERT INTO Dim (Id, City, Since)
SELECT Id, City, 2 FROM (
  MERGE Dim AS t USING Stage AS s ON t.Id = s.Id AND t.Until IS NULL
  WHEN MATCHED AND t.City <> s.City THEN UPDATE SET Until = 2
  WHEN NOT MATCHED THEN INSERT (Id, City, Since) VALUES (s.Id, s.City, 2)
  OUTPUT $action AS act, s.Id, s.City
) AS m WHERE act = 'UPDATE';
SELECT @@ROWCOUNT AS n;
SELECT * FROM Dim ORDER BY Id, Since;
GO
INSERT Log (What, Id, Old, New)
SELECT 'u', d.k, d.was, d.now + '!' FROM (UPDATE Dim SET City = UPPER(City) OUTPUT inserted.Id, deleted.City, inserted.City WHERE Id < 3) AS d (k, was, now) WHERE d.k = 2;
INSERT Log (What, Id, Old) SELECT 'd', Id, City FROM (DELETE TOP (1) Dim OUTPUT deleted.* WHERE Id = 3) AS d;
INSERT Log (What, Id) OUTPUT inserted.What, inserted.Id SELECT 'i', Id FROM (INSERT Stage OUTPUT inserted.Id VALUES (8, 'x'), (9, 'y')) AS i WHERE Id = 9;
SELECT * FROM Log ORDER BY n;
SELECT COUNT(*) AS staged FROM Stage;
DECLARE @t TABLE (Id int);
INSERT @t SELECT Id FROM (DELETE Stage OUTPUT deleted.Id WHERE Id > 7) AS x;
SELECT * FROM @t ORDER BY Id;
GO
-- What fails in the outer statement takes the inner one back.
CREATE TABLE Small (Id int NOT NULL CONSTRAINT ck_small CHECK (Id < 3));
GO
INSERT Small SELECT Id FROM (DELETE Stage OUTPUT deleted.Id) AS x;
SELECT COUNT(*) AS still FROM Stage;
GO
-- Refused.
SELECT * FROM (DELETE Stage OUTPUT deleted.Id) AS x;
GO
INSERT Small SELECT x.Id FROM (DELETE Stage OUTPUT deleted.Id) AS x JOIN Dim d ON d.Id = x.Id;
GO
INSERT Small SELECT DISTINCT Id FROM (DELETE Stage OUTPUT deleted.Id) AS x;
GO
INSERT Small SELECT Id FROM (DELETE Stage OUTPUT deleted.Id) AS x GROUP BY Id;
GO
INSERT Small SELECT Id FROM (DELETE Stage) AS x;
GO
INSERT Small SELECT Id FROM (DELETE Stage OUTPUT deleted.Id INTO Stage (Id)) AS x;
GO
INSERT Small SELECT 1 FROM (DELETE Stage OUTPUT deleted.Id + 1) AS x;
GO
INSERT Small SELECT 1 FROM (DELETE Stage OUTPUT deleted.Id) AS x (a, b);
GO
INSERT Small SELECT nothing FROM (DELETE Stage OUTPUT deleted.Id) AS x;
GO
CREATE TRIGGER tr ON Small AFTER INSERT AS RETURN;
GO
INSERT Small SELECT Id FROM (DELETE Stage OUTPUT deleted.Id) AS x;
GO
DROP TRIGGER tr;
CREATE TABLE Kept (Id int PRIMARY KEY);
CREATE TABLE Refers (Id int CONSTRAINT fk_kept REFERENCES Kept);
GO
INSERT Refers SELECT Id FROM (DELETE Stage OUTPUT deleted.Id) AS x;
GO
SELECT COUNT(*) AS still FROM Stage;
GO
-- The statement's common table expressions, and a table variable that gets its rows back.
CREATE TABLE Taken (Id int);
WITH s AS (SELECT MIN(Id) AS Id FROM Stage) INSERT Taken SELECT Id FROM (DELETE Stage OUTPUT deleted.Id FROM Stage JOIN s ON s.Id = Stage.Id) AS x;
GO
SELECT (SELECT COUNT(*) FROM Taken) AS taken, (SELECT COUNT(*) FROM Stage) AS still;
GO
CREATE TABLE Few (Id int CHECK (Id < 3));
GO
DECLARE @t TABLE (Id int);
INSERT @t VALUES (1), (5);
INSERT Few SELECT Id FROM (DELETE @t OUTPUT deleted.Id) AS x;
SELECT Id FROM @t ORDER BY Id;
DELETE @t WHERE Id = 5;
INSERT Few SELECT Id FROM (DELETE @t OUTPUT deleted.Id) AS x;
SELECT COUNT(*) AS left_over FROM @t;
GO
