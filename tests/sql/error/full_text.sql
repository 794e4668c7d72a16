-- Tables without a full-text index.
create table dbo.doc (id int not null constraint pk_doc primary key, body nvarchar(max), title nvarchar(100));
go
select id from dbo.doc where contains(body, 'word');
go
select id from dbo.doc as d where freetext(d.title, N'some words');
go
select id from dbo.doc where contains(*, 'word');
go
select id from dbo.doc where contains((title, body), '"a" near "b"');
go
select id from dbo.doc where contains(nothing, 'word');
go
select d.id, k.rank from dbo.doc as d join containstable(dbo.doc, body, 'word') as k on k.[key] = d.id;
go
select * from freetexttable(dbo.doc, *, 'word');
go
create fulltext catalog c as default;
go
