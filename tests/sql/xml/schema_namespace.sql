-- The schema that a collection stands for, as text.
create database Spaces
go
use Spaces
go
create xml schema collection dbo.xsc as '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="xs:int"/></xs:schema>'
select xml_schema_namespace(N'dbo', N'xsc') as whole, xml_schema_namespace(N'dbo', N'xsc', N'') as one, xml_schema_namespace(N'dbo', N'xsc', N'urn:none') as none
select name, xml_schema_namespace(schema_name(schema_id), name) as text from sys.xml_schema_collections where schema_id <> 4
go
select xml_schema_namespace(N'dbo', N'nothing')
go
select xml_schema_namespace(N'sys', N'sys')
go
create xml schema collection dbo.big as N'
<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:one" xmlns:o="urn:one" elementFormDefault="qualified">
 <x:simpleType name="code"><x:restriction base="x:string"><x:pattern value="[A-Z]{2}"/><x:pattern value="\d&amp;"/><x:maxLength value="3" fixed="true"/></x:restriction></x:simpleType>
 <x:simpleType name="codes"><x:list itemType="o:code"/></x:simpleType>
 <x:simpleType name="inner"><x:list><x:simpleType><x:restriction base="x:int"><x:minInclusive value="1"/></x:restriction></x:simpleType></x:list></x:simpleType>
 <x:simpleType name="either"><x:union memberTypes="x:int o:code"><x:simpleType><x:restriction base="x:date"/></x:simpleType></x:union></x:simpleType>
 <x:complexType name="base" abstract="true"><x:sequence><x:element name="id" type="x:int"/><x:element name="note" type="x:string" minOccurs="0" maxOccurs="unbounded" nillable="true"/></x:sequence>
  <x:attribute name="k" type="o:code" use="required"/><x:attribute name="d" type="x:int" default="7"/></x:complexType>
 <x:complexType name="more"><x:complexContent><x:extension base="o:base"><x:choice minOccurs="0" maxOccurs="2"><x:element name="l" type="x:boolean"/><x:element ref="o:root"/>
  <x:sequence><x:any namespace="##other" processContents="lax"/></x:sequence></x:choice><x:anyAttribute namespace="##local urn:two" processContents="skip"/></x:extension></x:complexContent></x:complexType>
 <x:complexType name="price"><x:simpleContent><x:extension base="x:decimal"><x:attribute name="unit" fixed="EUR" type="x:string"/></x:extension></x:simpleContent></x:complexType>
 <x:element name="root" type="o:more"/>
 <x:element name="mixed"><x:complexType mixed="true"><x:all><x:element name="p" type="o:price" minOccurs="0"/><x:element name="e" type="o:either" default="5" form="unqualified"/></x:all></x:complexType></x:element>
 <x:element name="any"/>
 <x:attribute name="global" type="x:token"/>
 <x:element name="with"><x:complexType><x:sequence/><x:attribute ref="o:global" use="required"/></x:complexType></x:element>
</x:schema>'
select xml_schema_namespace(N'dbo', N'big') as whole
go
-- It can be given back, and says the same then.
declare @text nvarchar(max) = convert(nvarchar(max), xml_schema_namespace(N'dbo', N'big'))
exec (N'create xml schema collection dbo.again as N''' + @text + N'''')
select case when convert(nvarchar(max), xml_schema_namespace(N'dbo', N'again')) = @text then 'the same' else convert(nvarchar(max), xml_schema_namespace(N'dbo', N'again')) end as result
go
declare @x xml(dbo.again) = N'<o:mixed xmlns:o="urn:one">a <e>2020-01-01</e><o:p>1.50</o:p></o:mixed>'
select @x as value
set @x = N'<o:root xmlns:o="urn:one" k="AB"><o:id>1</o:id></o:root>'
go
-- Two namespaces, one of which names the other's.
create xml schema collection dbo.two as N'<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:b"><x:simpleType name="n"><x:restriction base="x:int"/></x:simpleType></x:schema>
<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a" xmlns:b="urn:b"><x:import namespace="urn:b"/><x:element name="v" type="b:n"/></x:schema>'
select xml_schema_namespace(N'dbo', N'two', N'urn:a') as one
select xml_schema_namespace(N'dbo', N'two') as whole
declare @text nvarchar(max) = convert(nvarchar(max), xml_schema_namespace(N'dbo', N'two'))
exec (N'create xml schema collection dbo.two_again as N''' + @text + N'''')
select case when convert(nvarchar(max), xml_schema_namespace(N'dbo', N'two_again')) = @text then 'the same' end as result
go
