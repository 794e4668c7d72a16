-- Columns with a schema collection: what queries and changes may do because of it.
CREATE XML SCHEMA COLLECTION Survey AS '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:complexType name="Party"><xs:sequence><xs:element name="name" type="xs:string"/></xs:sequence></xs:complexType>
  <xs:complexType name="Person"><xs:complexContent><xs:extension base="Party"><xs:sequence><xs:element name="born" type="xs:date" minOccurs="0"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
  <xs:element name="survey"><xs:complexType mixed="true"><xs:sequence>
    <xs:element name="total" type="xs:decimal"/>
    <xs:element name="by" type="Party" minOccurs="0" maxOccurs="unbounded"/>
    <xs:element name="note" nillable="true" minOccurs="0" type="xs:int"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>'
CREATE TABLE Answers (id int PRIMARY KEY, s xml(Survey), u xml)
GO
INSERT Answers VALUES (1, '<survey>so <total>10.10</total><by><name>Ada</name></by> much</survey>', '<survey><total>1</total></survey>')
INSERT Answers VALUES (2, '<survey><total>3</total><by xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="Person"><name>Bob</name><born>2000-02-29</born></by><note xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/></survey>', NULL)
GO
INSERT Answers VALUES (3, '<survey><total>3</total><by><name>Bob</name><born>2000-02-29</born></by></survey>', NULL)
GO
INSERT Answers VALUES (3, '<survey><total>3</total><note>x</note></survey>', NULL)
GO
-- An element is there once by the schema, so value() needs no [1]; what is there more often tells at run time.
SELECT id, s.value('(/survey)[1]/total', 'decimal(9,2)') AS total FROM Answers ORDER BY id
SELECT x.n.value('name', 'varchar(10)') AS name FROM Answers CROSS APPLY s.nodes('/survey/by') AS x(n)
GO
SELECT u.value('(/survey)[1]/total', 'decimal(9,2)') FROM Answers
GO
UPDATE Answers SET s.modify('replace value of (/survey/total)[1] with 99.90') WHERE id = 1
SELECT s FROM Answers WHERE id = 1
GO
UPDATE Answers SET s.modify('replace value of (/survey/total)[1] with "many"') WHERE id = 1
GO
UPDATE Answers SET u.modify('replace value of (/survey/total)[1] with 99.90') WHERE id = 1
GO
UPDATE Answers SET s.modify('insert <by><name>Eve</name></by> before (/survey/by)[1]') WHERE id = 1
UPDATE Answers SET s.modify('delete /survey/by[1]') WHERE id = 1
SELECT s FROM Answers WHERE id = 1
GO
UPDATE Answers SET s.modify('delete /survey/total') WHERE id = 1
GO
-- Other ways into the column.
MERGE Answers AS t USING (SELECT 5 AS id, '<survey/>' AS s) AS n ON t.id = n.id WHEN NOT MATCHED THEN INSERT (id, s) VALUES (n.id, n.s);
GO
INSERT Answers (id, s) SELECT 6, u FROM Answers WHERE id = 1
INSERT Answers (id, s) EXEC ('SELECT 7, ''<survey><total>007</total></survey>''')
SELECT id, s FROM Answers WHERE id > 5
GO
ALTER TABLE Answers ADD more xml(Survey) NULL
UPDATE Answers SET more = '<survey><total>1</total></survey>' WHERE id = 1
UPDATE Answers SET more = '<survey/>' WHERE id = 1
GO
DROP TABLE Answers
DROP XML SCHEMA COLLECTION Survey
GO
