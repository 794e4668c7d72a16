-- Room bookings: overlaps refused by a trigger, free rooms by anti join, merged intervals, occupancy by day, pricing with nights.
create database Hotel
go
use Hotel
go
set nocount on
create table Room (RoomNo smallint constraint PK_Room primary key, Kind varchar(10) not null, Rate smallmoney not null)
create table Booking (BookingId int identity(1, 1) constraint PK_Booking primary key nonclustered, RoomNo smallint not null constraint FK_Room references Room, Guest nvarchar(30) not null, CheckIn date not null, CheckOut date not null, Nights as datediff(day, CheckIn, CheckOut), constraint CK_Stay check (CheckOut > CheckIn), constraint UQ_Start unique clustered (RoomNo, CheckIn))
insert Room values (101, 'single', 80), (102, 'single', 85), (201, 'double', 120), (301, 'suite', 300)
go
create trigger NoOverlap on Booking after insert, update as
begin
    set nocount on
    if exists (select * from inserted i join Booking b on b.RoomNo = i.RoomNo and b.BookingId <> i.BookingId and b.CheckIn < i.CheckOut and i.CheckIn < b.CheckOut)
    begin
        declare @room int = (select top 1 i.RoomNo from inserted i)
        rollback
        raiserror('Room %d is taken in that time.', 16, 1, @room)
        return
    end
end
go
insert Booking (RoomNo, Guest, CheckIn, CheckOut) values (101, N'Ann', '2024-05-01', '2024-05-04'), (101, N'Ben', '2024-05-04', '2024-05-06'), (201, N'Cem', '2024-04-28', '2024-05-02'), (301, N'Dee', '2024-05-10', '2024-05-12')
go
insert Booking (RoomNo, Guest, CheckIn, CheckOut) values (101, N'Eve', '2024-05-05', '2024-05-07')
go
begin try
    update Booking set CheckOut = '2024-05-05' where Guest = N'Ann'
end try
begin catch
    select error_number() as n, error_message() as m, @@trancount as tc
end catch
go
insert Booking (RoomNo, Guest, CheckIn, CheckOut) values (102, N'Fay', '2024-05-05', '2024-05-05')
go
insert Booking (RoomNo, Guest, CheckIn, CheckOut) values (102, N'Gil', '2024-05-02', '2024-05-05')
select BookingId, RoomNo, Guest, Nights, Nights * (select Rate from Room r where r.RoomNo = b.RoomNo) as price from Booking b order by CheckIn, RoomNo
go
create function FreeRooms (@from date, @to date) returns table as return
    select r.RoomNo, r.Kind from Room r where not exists (select * from Booking b where b.RoomNo = r.RoomNo and b.CheckIn < @to and @from < b.CheckOut)
go
select * from FreeRooms('2024-05-01', '2024-05-03') order by RoomNo
select d.Day_, f.RoomNo from (values (cast('2024-05-04' as date)), ('2024-05-11')) d(Day_) cross apply FreeRooms(d.Day_, dateadd(day, 1, d.Day_)) f where f.Kind <> 'suite' order by d.Day_, f.RoomNo
go
with days as (select cast('2024-05-01' as date) as d union all select dateadd(day, 1, d) from days where d < '2024-05-06')
select d, count(b.BookingId) as taken, cast(100.0 * count(b.BookingId) / (select count(*) from Room) as decimal(5, 1)) as pct, string_agg(cast(b.RoomNo as varchar(5)), ',') within group (order by b.RoomNo) as rooms
from days left join Booking b on b.CheckIn <= d and d < b.CheckOut where d <> '2024-05-06' group by d order by d
go
with s as (select *, case when CheckIn <= max(CheckOut) over (order by CheckIn, CheckOut rows between unbounded preceding and 1 preceding) then 0 else 1 end as starts from Booking),
g as (select *, sum(starts) over (order by CheckIn, CheckOut rows unbounded preceding) as grp from s)
select grp, min(CheckIn) as from_, max(CheckOut) as to_, count(*) as stays from g group by grp order by grp
select RoomNo, Guest, CheckOut, lead(CheckIn) over (partition by RoomNo order by CheckIn) as next_in, datediff(day, CheckOut, lead(CheckIn) over (partition by RoomNo order by CheckIn)) as idle from Booking where RoomNo = 101 order by CheckIn
go
delete Room where RoomNo = 101
go
update Room set RoomNo = 103 where RoomNo = 102
go
