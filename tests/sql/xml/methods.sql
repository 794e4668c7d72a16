declare @x xml = '<root><item id="1" price="2.50"><name>Apple</name><tags><t>red</t><t>sweet</t></tags></item><item id="2"><name>Pear &amp; Co</name></item><note/></root>'
select @x.value('(/root/item/name)[1]','varchar(20)') a, @x.value('(/root/item/@id)[2]','int') b, @x.value('count(/root/item)','int') c, @x.value('(/root/item[@id=2]/name/text())[1]','nvarchar(30)') d, @x.value('(/nothing)[1]','int') e
select @x.query('/root/item/name') a, @x.query('/root/item[1]/tags') b, @x.query('/root/note') c
select @x.exist('/root/item[@id=2]') a, @x.exist('/root/item[@id=3]') b, @x.exist('/root/item[name="Apple" and @price>2]') c
select n.c.value('@id','int') id, n.c.value('name[1]','varchar(20)') nm, n.c.value('@price','decimal(9,2)') p, n.c.query('tags') q, n.c.exist('tags') e, n.c.value('../note[1]','varchar(3)') x from @x.nodes('/root/item') n(c)
GO
declare @x xml = '<root><item id="1" price="2.50"><name>Apple</name><tags><t>red</t><t>sweet</t></tags></item><item id="2"><name>Pear &amp; Co</name></item><note/></root>'
select i.c.value('@id','int') id, t.c.value('.','varchar(10)') tag, t.c.value('../../@id','int') up from @x.nodes('/root/item') i(c) cross apply i.c.nodes('tags/t') t(c)
declare @id int = 2, @nm nvarchar(10)='Apple'
select @x.value('(/root/item[@id=sql:variable("@id")]/name)[1]','varchar(20)'), @x.exist('//item[name=sql:variable("@nm")]')
select v.a, @x.value('(/root/item[@id=sql:column("v.a")]/name)[1]','varchar(20)') n from (values(1),(2),(3)) v(a)
select @x.query('for $i in /root/item where $i/@id > 1 order by $i/name[1] return <r id="{$i/@id}">{string($i/name[1])}</r>')
select @x.query('<all n="{count(//item)}">{ /root/item/name }</all>')
select @x.query('distinct-values(//t)'), @x.query('data(/root/item/@id)'), @x.value('sum(/root/item/@id)','int'), @x.value('string((//t)[2])','varchar(10)'), @x.value('local-name((/*)[1])','varchar(10)'), @x.value('(/root/item/name)[last()]','varchar(20)'), @x.value('concat((//t)[1],"-",(//t)[2])','varchar(20)'), @x.value('if (//item/@id=2) then "y" else "n"','char(1)')
select @x.value('(//@id)[1]','int'), @x.value('max(//@id)','float'), @x.value('avg(//@id)','float'), @x.value('contains((//t)[1],"ed")','bit'), @x.value('not(//zzz)','bit')
GO
declare @x xml = '<a xmlns="urn:d" xmlns:p="urn:p"><p:b q="1">t</p:b><c/></a>'
select @x.value('declare namespace d="urn:d"; declare namespace p="urn:p"; (/d:a/p:b)[1]','varchar(5)'), @x.value('declare default element namespace "urn:d"; count(/a/c)','int'), @x.value('(/*:a/*:b/@q)[1]','int'), @x.query('declare namespace p="urn:p"; //p:b')
;with xmlnamespaces('urn:p' as p, default 'urn:d') select @x.value('(/a/p:b/text())[1]','varchar(5)'), @x.exist('/a/c')
GO
declare @x xml='<a><b>1</b></a>' select @x.value('/a/b','int')
GO
declare @x xml='<a><b>1</b></a>' select @x.value('(/a/b','int')
GO
declare @x xml='<a><b>1</b></a>' select @x.value('(/z:a/b)[1]','int')
GO
declare @x xml='<a><b>x</b></a>' select @x.value('(/a/b)[1]','int')
GO
declare @x xml='<a><b>x</b></a>' select c from @x.nodes('/a') t(c)
GO
declare @x xml='<a><b>x</b></a>' select @x.foo('/a')
GO
declare @x xml = '<l><d>2024-01-05T10:00:00</d><b>true</b><n> 12 </n><f>1.5E3</f></l>'
select @x.value('(/l/d)[1]','datetime'), @x.value('(/l/d)[1]','date'), @x.value('(/l/b)[1]','bit'), @x.value('(/l/n)[1]','int'), @x.value('(/l/f)[1]','float'), @x.value('(/l/d)[1]','datetime2(0)')
select cast('<r><i>a</i><i>b</i></r>' as xml).value('(/r/i)[2]','varchar(5)')
select stuff((select ','+name from (values('x'),('y')) v(name) for xml path(''), type).value('.','nvarchar(max)'),1,1,'') s
select stuff((select ','+name from (values('x<'),('y')) v(name) for xml path('')),1,1,'') s
select cast('<i>' + replace('a,b,c', ',', '</i><i>') + '</i>' as xml) x
select t.c.value('.','varchar(10)') v from (select cast('<i>' + replace('a,b,c', ',', '</i><i>') + '</i>' as xml) x) q cross apply q.x.nodes('/i') t(c)
