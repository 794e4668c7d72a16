-- A type named without a schema is looked for in the module's own schema, then in dbo.
CREATE SCHEMA own
GO
CREATE TYPE own.ids AS TABLE (id int NOT NULL)
CREATE TYPE own.amount FROM decimal(9, 3)
CREATE TYPE dbo.code FROM varchar(5)
GO
CREATE PROCEDURE own.listed @list ids READONLY, @n amount = 1.5, @c code = 'abcdef' AS
BEGIN
    DECLARE @mine ids
    INSERT @mine SELECT id * 10 FROM @list
    SELECT id, @n AS n, CAST(SQL_VARIANT_PROPERTY(@n, 'Scale') AS int) AS scale, @c AS c FROM @mine
END
GO
CREATE FUNCTION own.doubled(@n amount) RETURNS amount AS
BEGIN
    DECLARE @x amount = @n * 2
    RETURN @x
END
GO
DECLARE @list own.ids
INSERT @list VALUES (1), (2)
EXEC own.listed @list
SELECT own.doubled(1.25) AS doubled
GO
SELECT p.name, TYPE_NAME(p.user_type_id) AS type, p.is_readonly FROM sys.parameters p
WHERE p.object_id IN (OBJECT_ID('own.listed'), OBJECT_ID('own.doubled')) ORDER BY OBJECT_NAME(p.object_id), p.parameter_id
GO
-- Another schema's modules and batches do not see them; the message tells which one it is.
CREATE PROCEDURE dbo.not_listed @n int, @list ids READONLY AS SELECT 1 AS one
GO
DECLARE @a int, @b amount
GO
CREATE TABLE dbo.typed (a int, b int, c amount)
GO
