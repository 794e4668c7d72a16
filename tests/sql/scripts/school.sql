-- A school in the manner of course exercises: old-style drops, views WITH CHECK OPTION, functions of each kind, cursors, GOTO, WHILE.
USE master
GO
IF DB_ID('School') IS NOT NULL
BEGIN
    ALTER DATABASE School SET SINGLE_USER WITH ROLLBACK IMMEDIATE
    DROP DATABASE School
END
GO
CREATE DATABASE School
GO
USE School
GO
IF OBJECT_ID('dbo.Enrollment', 'U') IS NOT NULL DROP TABLE dbo.Enrollment;
IF OBJECT_ID('dbo.Course', 'U') IS NOT NULL DROP TABLE dbo.Course;
IF OBJECT_ID('dbo.Student', 'U') IS NOT NULL DROP TABLE dbo.Student;
GO
CREATE TYPE dbo.Grade FROM decimal(3, 1) NULL
GO
CREATE TABLE dbo.Student
(
    StudentId INT IDENTITY(1000, 1) NOT NULL CONSTRAINT PK_Student PRIMARY KEY,
    Name VARCHAR(40) NOT NULL,
    Email VARCHAR(60) NULL CONSTRAINT UQ_Email UNIQUE,
    Born DATE NOT NULL,
    Age AS (DATEDIFF(YEAR, Born, '20240901') - CASE WHEN DATEADD(YEAR, DATEDIFF(YEAR, Born, '20240901'), Born) > '20240901' THEN 1 ELSE 0 END)
);
CREATE TABLE dbo.Course (Code CHAR(6) NOT NULL PRIMARY KEY CHECK (Code LIKE '[A-Z][A-Z][0-9][0-9][0-9][0-9]'), Title NVARCHAR(50) NOT NULL, Credits TINYINT NOT NULL DEFAULT 5, Seats INT NOT NULL DEFAULT (2));
CREATE TABLE dbo.Enrollment
(
    StudentId INT NOT NULL FOREIGN KEY REFERENCES dbo.Student (StudentId) ON DELETE CASCADE ON UPDATE NO ACTION,
    Code CHAR(6) NOT NULL FOREIGN KEY REFERENCES dbo.Course,
    Mark dbo.Grade,
    PRIMARY KEY NONCLUSTERED (StudentId, Code)
);
CREATE CLUSTERED INDEX CX_Enrollment ON dbo.Enrollment (Code);
GO
INSERT INTO Student VALUES ('Ann', 'ann@x.org', '2004-09-01'), ('Ben', NULL, '2003-12-31'), ('Cay', 'cay@x.org', '2005-01-15')
INSERT INTO Student (Name, Born) SELECT 'Dee', '2004-02-29'
GO
INSERT Course (Code, Title) VALUES ('MA1001', N'Algebra'), ('CS2002', N'Databases'), ('PH0300', N'Ångström')
INSERT Course VALUES ('bad', N'x', 1, 1)
INSERT Course VALUES ('ma1002', N'lower case passes', 1, 1)
GO
CREATE TRIGGER dbo.trg_Seats ON dbo.Enrollment AFTER INSERT, UPDATE
AS
BEGIN
    IF @@ROWCOUNT = 0 RETURN
    SET NOCOUNT ON
    IF EXISTS (SELECT 1 FROM dbo.Course c WHERE c.Code IN (SELECT Code FROM inserted) AND c.Seats < (SELECT COUNT(*) FROM dbo.Enrollment e WHERE e.Code = c.Code))
    BEGIN
        ROLLBACK TRANSACTION
        RAISERROR ('No seat is left in that course.', 16, 1)
    END
END
GO
INSERT Enrollment VALUES (1000, 'MA1001', 9.5), (1001, 'MA1001', NULL)
INSERT Enrollment VALUES (1002, 'CS2002', 7.25)
GO
INSERT Enrollment VALUES (1002, 'MA1001', 4)
PRINT 'not reached'
GO
INSERT Enrollment VALUES (1, 'MA1001', 4)
GO
INSERT Enrollment VALUES (1000, 'CS2002', 100)
GO
CREATE VIEW dbo.Adults WITH SCHEMABINDING AS SELECT StudentId, Name, Born FROM dbo.Student WHERE Born < '20040902' WITH CHECK OPTION
GO
UPDATE dbo.Adults SET Born = '20200101' WHERE Name = 'Ben'
GO
UPDATE dbo.Adults SET Name = 'Benn' WHERE Name = 'Ben'
SELECT * FROM Adults ORDER BY 1
ALTER TABLE dbo.Student ALTER COLUMN Born DATETIME NOT NULL
GO
CREATE FUNCTION dbo.Initials (@name varchar(40)) RETURNS varchar(10) WITH RETURNS NULL ON NULL INPUT AS
BEGIN
    DECLARE @i int = 1, @out varchar(10) = ''
    WHILE @i <= LEN(@name)
    BEGIN
        IF @i = 1 OR SUBSTRING(@name, @i - 1, 1) = ' ' SET @out = @out + UPPER(SUBSTRING(@name, @i, 1)) + '.'
        SET @i = @i + 1
        IF LEN(@out) >= 10 BREAK
        CONTINUE
    END
    RETURN @out
END
GO
CREATE FUNCTION dbo.CoursesOf (@id int) RETURNS TABLE AS RETURN (SELECT e.Code, c.Title, e.Mark FROM dbo.Enrollment e JOIN dbo.Course c ON c.Code = e.Code WHERE e.StudentId = @id)
GO
CREATE FUNCTION dbo.Report () RETURNS @r TABLE (Line int IDENTITY PRIMARY KEY, Txt nvarchar(100) NOT NULL) AS
BEGIN
    INSERT @r (Txt) SELECT Name FROM dbo.Student ORDER BY StudentId
    UPDATE @r SET Txt = Txt + N'!' WHERE Line % 2 = 0
    RETURN
END
GO
SELECT Name, dbo.Initials(Name) AS i, dbo.Initials('mary ann smith') AS j, dbo.Initials(NULL) AS k, Age FROM Student ORDER BY Name
SELECT s.Name, c.* FROM Student s CROSS APPLY dbo.CoursesOf(s.StudentId) c ORDER BY s.Name
SELECT s.Name, c.Title FROM Student s OUTER APPLY dbo.CoursesOf(s.StudentId) c WHERE c.Code IS NULL ORDER BY s.Name
SELECT * FROM dbo.Report()
GO
DECLARE @name varchar(40), @born date, @n int = 0
DECLARE c CURSOR LOCAL FAST_FORWARD FOR SELECT Name, Born FROM dbo.Student ORDER BY Born DESC
OPEN c
FETCH NEXT FROM c INTO @name, @born
WHILE @@FETCH_STATUS = 0
BEGIN
    SET @n += 1
    PRINT CAST(@n AS varchar(5)) + '. ' + @name + SPACE(2) + CONVERT(char(10), @born, 103)
    FETCH NEXT FROM c INTO @name, @born
END
CLOSE c
DEALLOCATE c
again:
SET @n -= 1
IF @n > 2 GOTO again
SELECT @n AS n
GO
DECLARE s SCROLL CURSOR FOR SELECT Name FROM dbo.Student ORDER BY StudentId FOR UPDATE OF Name
OPEN s
FETCH LAST FROM s
FETCH ABSOLUTE 2 FROM s
UPDATE dbo.Student SET Name = 'Benjamin' WHERE CURRENT OF s
FETCH PRIOR FROM s
FETCH RELATIVE 1 FROM s
CLOSE s
DEALLOCATE s
FETCH NEXT FROM s
GO
DELETE Student WHERE StudentId = 1000
SELECT COUNT(*) AS left_ FROM Enrollment
DELETE Course WHERE Code = 'CS2002'
GO
TRUNCATE TABLE Course
GO
DROP VIEW dbo.Adults
GO
DROP TABLE Student
GO
DROP FUNCTION dbo.Report, dbo.Initials
DROP VIEW IF EXISTS dbo.NotThere
SELECT name, type FROM sys.objects WHERE is_ms_shipped = 0 AND parent_object_id = 0 ORDER BY name
GO
EXEC sp_rename 'dbo.Student.Email', 'Mail', 'COLUMN'
EXEC sp_rename 'dbo.Student', 'Pupil'
SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'Pupil' ORDER BY ORDINAL_POSITION
GO
