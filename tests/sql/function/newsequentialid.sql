-- NEWSEQUENTIALID ascends in the order of uniqueidentifier.
set nocount on
create table #s(n int identity primary key, id uniqueidentifier default newsequentialid())
declare @i int = 0
while @i < 600 begin insert #s default values; set @i += 1 end
insert #s(id) select newid() where 1 = 0
select count(*) rows_made, count(distinct id) different from #s
select count(*) out_of_order from #s a join #s b on b.n = a.n + 1 where b.id <= a.id
