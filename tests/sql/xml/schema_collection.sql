-- XML schema collections: what they hold, what columns, variables and parameters of their types take.
CREATE XML SCHEMA COLLECTION Orders AS N'<?xml version="1.0"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:orders" xmlns="urn:orders" elementFormDefault="qualified">
  <xs:simpleType name="Code"><xs:restriction base="xs:string"><xs:pattern value="[A-Z]{2}-\d+"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="State"><xs:restriction base="xs:string"><xs:enumeration value="open"/><xs:enumeration value="sent"/></xs:restriction></xs:simpleType>
  <xs:element name="order"><xs:complexType>
    <xs:sequence>
      <xs:element name="customer" type="xs:string"/>
      <xs:element name="line" maxOccurs="unbounded"><xs:complexType>
        <xs:attribute name="item" type="Code" use="required"/>
        <xs:attribute name="price" type="xs:decimal" default="1.00"/>
      </xs:complexType></xs:element>
      <xs:any namespace="##other" processContents="skip" minOccurs="0"/>
    </xs:sequence>
    <xs:attribute name="state" type="State"/>
  </xs:complexType></xs:element>
</xs:schema>'
GO
SELECT s.name AS [schema], c.name, n.name AS namespace, c.principal_id FROM sys.xml_schema_collections c
JOIN sys.schemas s ON s.schema_id = c.schema_id JOIN sys.xml_schema_namespaces n ON n.xml_collection_id = c.xml_collection_id WHERE c.xml_collection_id > 1
SELECT x.name, x.symbol_space, x.kind_desc, x.derivation_desc, b.name AS base, p.name AS inside FROM sys.xml_schema_components x
LEFT JOIN sys.xml_schema_components b ON b.xml_component_id = x.base_xml_component_id
LEFT JOIN sys.xml_schema_components p ON p.xml_component_id = x.scoping_xml_component_id
WHERE x.xml_collection_id > 1 ORDER BY x.xml_component_id
SELECT c.name, f.facet_id, f.kind_desc, f.value FROM sys.xml_schema_facets f JOIN sys.xml_schema_components c ON c.xml_component_id = f.xml_component_id WHERE c.xml_collection_id > 1
GO
CREATE TABLE Received (id int IDENTITY PRIMARY KEY, body xml(Orders) NULL, one xml(DOCUMENT dbo.Orders) NULL)
SELECT name, TYPE_NAME(system_type_id) AS type, CASE WHEN xml_collection_id > 1 THEN 1 ELSE 0 END AS typed, is_xml_document FROM sys.columns WHERE object_id = OBJECT_ID('Received')
GO
-- Values are stored in canonical form, with defaults.
INSERT Received (body) VALUES ('<order xmlns="urn:orders" state="open"><customer>Ada</customer><line item="AB-1" price="02.50"/><line item="CD-22"/></order>')
SELECT body FROM Received
SELECT l.value('@item', 'varchar(10)') AS item, l.value('@price', 'decimal(9,2)') AS price FROM Received
CROSS APPLY body.nodes('declare default element namespace "urn:orders"; /order/line') AS x(l)
GO
INSERT Received (body) VALUES ('<order xmlns="urn:orders"><line item="AB-1"/></order>')
GO
INSERT Received (body) VALUES ('<order xmlns="urn:orders"><customer>x</customer></order>')
GO
INSERT Received (body) VALUES ('<order xmlns="urn:orders"><customer>x</customer><line item="ab-1"/></order>')
GO
INSERT Received (body) VALUES ('<order xmlns="urn:orders" state="lost"><customer>x</customer><line item="AB-1"/></order>')
GO
INSERT Received (body) VALUES ('<order xmlns="urn:orders"><customer>x</customer><line/></order>')
GO
INSERT Received (body) VALUES ('<order xmlns="urn:orders"><customer>x</customer><line item="AB-1" colour="red"/></order>')
GO
INSERT Received (body) VALUES ('<order xmlns="urn:orders"><customer>x</customer><line item="AB-1"/>tail</order>')
GO
INSERT Received (body) VALUES ('<order/>')
GO
INSERT Received (body) VALUES ('<order xmlns="urn:orders"><customer>x</customer><line item="AB-1"/><o:n xmlns:o="urn:o"/><o:n xmlns:o="urn:o"/></order>')
GO
INSERT Received (one) VALUES ('<order xmlns="urn:orders"><customer>x</customer><line item="AB-1"/></order><order xmlns="urn:orders"><customer>x</customer><line item="AB-1"/></order>')
GO
UPDATE Received SET body.modify('declare namespace o="urn:orders"; replace value of (/o:order/@state)[1] with "gone"')
GO
UPDATE Received SET body.modify('declare namespace o="urn:orders"; delete /o:order/@state')
SELECT body.exist('declare namespace o="urn:orders"; /o:order/@state') AS has_state FROM Received
GO
-- Variables, parameters, table variables and temporary tables.
DECLARE @x xml(Orders) = '<order xmlns="urn:orders"><customer>v</customer><line item="AB-1" price="3.10"/></order>'
SELECT @x AS x
SET @x = '<nothing/>'
GO
DECLARE @x xml(NoSuch)
GO
CREATE PROCEDURE Take @x xml(Orders) AS SELECT @x.value('declare namespace o="urn:orders"; (/o:order/o:customer)[1]', 'varchar(10)') AS customer
GO
EXEC Take '<order xmlns="urn:orders"><customer>p</customer><line item="AB-1"/></order>'
EXEC Take '<order xmlns="urn:orders"/>'
GO
DECLARE @t table (x xml(Orders)); INSERT @t VALUES ('<order xmlns="urn:orders"/>')
GO
CREATE TABLE #t (x xml(Orders)); INSERT #t VALUES ('<order xmlns="urn:orders"/>')
GO
SELECT CAST('<a/>' AS xml(Orders))
GO
-- What columns use stays; further schemas may come.
DROP XML SCHEMA COLLECTION Orders
GO
CREATE XML SCHEMA COLLECTION dbo.Orders AS '<a/>'
GO
CREATE XML SCHEMA COLLECTION Other AS '<a/>'
GO
ALTER XML SCHEMA COLLECTION Orders ADD '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:days" xmlns:o="urn:orders"><xs:element name="day" type="xs:date"/><xs:element name="code" type="o:Code"/></xs:schema>'
INSERT Received (body) VALUES ('<day xmlns="urn:days">2024-02-29+00:00</day><d:code xmlns:d="urn:days">ZZ-9</d:code>')
SELECT body FROM Received WHERE id = (SELECT MAX(id) FROM Received)
GO
INSERT Received (body) VALUES ('<day xmlns="urn:days">2023-02-29</day>')
GO
ALTER XML SCHEMA COLLECTION Orders ADD '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:days"><xs:element name="day" type="xs:date"/></xs:schema>'
GO
ALTER XML SCHEMA COLLECTION Missing ADD '<a/>'
GO
DECLARE @n nvarchar(max); CREATE XML SCHEMA COLLECTION Other AS @n
GO
CREATE XML SCHEMA COLLECTION Other AS '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="b"/></xs:schema>'
GO
CREATE XML SCHEMA COLLECTION Other AS '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="x.xsd"/></xs:schema>'
GO
BEGIN TRANSACTION
CREATE XML SCHEMA COLLECTION Other AS '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"/></xs:schema>'
ROLLBACK
SELECT COUNT(*) AS others FROM sys.xml_schema_collections WHERE name = 'Other'
GO
DROP TABLE Received
DROP PROCEDURE Take
DROP XML SCHEMA COLLECTION Orders
SELECT COUNT(*) AS components FROM sys.xml_schema_components WHERE xml_collection_id > 1
GO
DROP XML SCHEMA COLLECTION Orders
GO
DROP XML SCHEMA COLLECTION sys.sys
GO
