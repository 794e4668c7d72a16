-- XML DML on variables and columns.
DECLARE @x xml = '<r><i id="1"><n>A</n></i><i id="2"><n>B</n></i></r>'
SET @x.modify('insert <i id="3"/> into (/r)[1]')
SET @x.modify('insert <first/> as first into (/r)[1]')
SET @x.modify('insert attribute note {"new"} into (/r/i[@id=3])[1]')
SET @x.modify('replace value of (/r/i[@id=1]/n/text())[1] with "Z"')
SET @x.modify('replace value of (/r/i/@id)[2] with "9"')
SET @x.modify('delete /r/i[@id=9]/n')
SELECT @x AS x
DECLARE @n int = 7
SET @x.modify('insert <v>{sql:variable("@n")}</v> after (/r/first)[1]')
SELECT @x.query('/r/v') AS v, @x.value('count(/r/i)', 'int') AS items
GO
CREATE TABLE #d (id int PRIMARY KEY, doc xml)
INSERT #d VALUES (1, '<p q="1"/>'), (2, '<p q="2"><c/></p>')
UPDATE #d SET doc.modify('replace value of (/p/@q)[1] with sql:column("id") * 10')
UPDATE #d SET doc.modify('delete /p/c') WHERE id = 2
SELECT id, doc FROM #d ORDER BY id
DROP TABLE #d
GO
DECLARE @x xml = '<r><i/><i/></r>'
SET @x.modify('insert <a/> into /r/i')
GO
DECLARE @x xml = '<r><i/><i/></r>'
SET @x.modify('replace value of /r/i/text() with "x"')
GO
DECLARE @x xml
SET @x.modify('delete /r')
GO
DECLARE @x xml = '<r/>'
SELECT @x.modify('delete /r')
GO
