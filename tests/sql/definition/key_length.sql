-- Keys that may become too long, and keys that are.
create table dbo.wide_key (a nvarchar(2000), b varchar(900), c varchar(1700), d char(2000), e int);
go
create index ia on dbo.wide_key (a);
create index ib on dbo.wide_key (b);
create index ic on dbo.wide_key (c);
create index ice on dbo.wide_key (c, e);
go
create index id on dbo.wide_key (d);
go
create clustered index cb on dbo.wide_key (b);
go
drop index cb on dbo.wide_key;
create clustered index cbe on dbo.wide_key (b, e);
go
create table dbo.wide_pk (k varchar(901) not null constraint pk_wide primary key, u nvarchar(900) constraint uq_wide unique);
go
create table dbo.refused_pk (k char(901) not null constraint pk_refused primary key);
go
alter table dbo.wide_key add constraint uq unique (a);
go
select name from sys.indexes where object_id = object_id('dbo.wide_key') order by name;
go
