-- A condition is a statement without rows: @@ROWCOUNT is 0 behind it.
declare @t table(i int)
insert @t values (1), (2), (3)
update @t set i = i
if @@rowcount = 0 print 'none' else if @@rowcount > 1 print 'many' else print 'one'
update @t set i = i
if @@rowcount > 0 select @@rowcount
update @t set i = i
if 1 = 2 print 'n'
select @@rowcount
update @t set i = i
while @@rowcount > 0 begin print concat('in ', @@rowcount) delete top (1) from @t end
select @@rowcount
select 1/0
if @@error <> 0 select @@error
go
