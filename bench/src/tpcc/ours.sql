create database Wholesale
go
use Wholesale
alter database Wholesale set recovery simple
go
create table warehouse(w_id int not null primary key, w_name varchar(10), w_street varchar(20), w_city varchar(20), w_state char(2), w_zip char(9), w_tax decimal(4,4), w_ytd decimal(12,2))
create table district(d_w_id int not null, d_id int not null, d_name varchar(10), d_street varchar(20), d_city varchar(20), d_state char(2), d_zip char(9), d_tax decimal(4,4), d_ytd decimal(12,2), d_next_o_id int, primary key(d_w_id, d_id))
create table customer(c_w_id int not null, c_d_id int not null, c_id int not null, c_first varchar(16), c_last varchar(16), c_street varchar(20), c_city varchar(20), c_phone char(16), c_since datetime2, c_credit char(2), c_credit_lim decimal(12,2), c_discount decimal(4,4), c_balance decimal(12,2), c_ytd_payment decimal(12,2), c_payment_cnt int, c_delivery_cnt int, c_data varchar(500), primary key(c_w_id, c_d_id, c_id))
create table history(h_c_id int, h_c_d_id int, h_c_w_id int, h_d_id int, h_w_id int, h_date datetime2, h_amount decimal(6,2), h_data varchar(24))
create table orders(o_w_id int not null, o_d_id int not null, o_id int not null, o_c_id int, o_entry_d datetime2, o_carrier_id int, o_ol_cnt int, primary key(o_w_id, o_d_id, o_id))
create table new_order(no_w_id int not null, no_d_id int not null, no_o_id int not null, primary key(no_w_id, no_d_id, no_o_id))
create table order_line(ol_w_id int not null, ol_d_id int not null, ol_o_id int not null, ol_number int not null, ol_i_id int, ol_delivery_d datetime2, ol_quantity int, ol_amount decimal(6,2), ol_dist_info char(24), primary key(ol_w_id, ol_d_id, ol_o_id, ol_number))
create table item(i_id int not null primary key, i_im_id int, i_name varchar(24), i_price decimal(5,2), i_data varchar(50))
create table stock(s_w_id int not null, s_i_id int not null, s_quantity int, s_dist char(24), s_ytd int, s_order_cnt int, s_data varchar(50), primary key(s_w_id, s_i_id))
go
insert warehouse select value, 'name', 'street', 'city', 'ST', '123456789', 0.1, 300000 from generate_series(1, 4)
insert district select w.value, d.value, 'name', 'street', 'city', 'ST', '123456789', 0.05, 30000, 1001 from generate_series(1, 4) w cross join generate_series(1, 10) d
insert customer select w.value, d.value, c.value, 'first', concat('last', c.value % 100), 'street', 'city', '0123456789012345', sysdatetime(), 'GC', 50000, 0.1, -10, 10, 1, 0, replicate('x', 300) from generate_series(1, 4) w cross join generate_series(1, 10) d cross join generate_series(1, 1000) c
insert orders select w.value, d.value, o.value, o.value, sysdatetime(), 1, 10 from generate_series(1, 4) w cross join generate_series(1, 10) d cross join generate_series(1, 1000) o
insert new_order select w.value, d.value, o.value from generate_series(1, 4) w cross join generate_series(1, 10) d cross join generate_series(900, 1000) o
insert order_line select w.value, d.value, o.value, l.value, o.value * 7 + l.value, sysdatetime(), 5, 9.99, 'dist-info-dist-info-dist' from generate_series(1, 4) w cross join generate_series(1, 10) d cross join generate_series(1, 1000) o cross join generate_series(1, 10) l
insert item select value, value, concat('item', value), 1 + value % 100, 'data of the item' from generate_series(1, 20000)
insert stock select w.value, i.value, 50, 'dist-info-dist-info-dist', 0, 0, 'data of the stock' from generate_series(1, 4) w cross join generate_series(1, 20000) i
go
create index by_customer on orders(o_w_id, o_d_id, o_c_id, o_id)
create index by_name on customer(c_w_id, c_d_id, c_last)
checkpoint
go
create procedure place_order @w int, @d int, @c int, @seed int as
begin
  set nocount on; set xact_abort on
  declare @o int, @n int = 1, @i int, @q int, @left int, @price decimal(5,2), @tax decimal(4,4), @dtax decimal(4,4), @discount decimal(4,4), @total decimal(12,2) = 0, @info char(24)
  begin transaction
  select @tax = w_tax from warehouse where w_id = @w
  update district set @o = d_next_o_id, @dtax = d_tax, d_next_o_id = d_next_o_id + 1 where d_w_id = @w and d_id = @d
  select @discount = c_discount from customer where c_w_id = @w and c_d_id = @d and c_id = @c
  insert orders values (@w, @d, @o, @c, sysdatetime(), null, 10)
  insert new_order values (@w, @d, @o)
  while @n <= 10
  begin
    set @i = @seed + @n * 137
    set @q = @n
    select @price = i_price from item where i_id = @i
    if @price is null throw 50001, 'there is no such item', 1
    update stock set @info = s_dist, @left = s_quantity, s_quantity = case when s_quantity >= @q + 10 then s_quantity - @q else s_quantity - @q + 91 end, s_ytd = s_ytd + @q, s_order_cnt = s_order_cnt + 1 where s_w_id = @w and s_i_id = @i
    insert order_line values (@w, @d, @o, @n, @i, null, @q, @q * @price, @info)
    set @total = @total + @q * @price
    set @n = @n + 1
  end
  commit
  select @total * (1 - @discount) * (1 + @tax + @dtax) as total
end
go
create procedure pay @w int, @d int, @c int, @seed int as
begin
  set nocount on; set xact_abort on
  declare @amount decimal(6,2) = @seed % 5000 + 1, @wname varchar(10), @dname varchar(10), @credit char(2), @balance decimal(12,2)
  begin transaction
  update warehouse set @wname = w_name, w_ytd = w_ytd + @amount where w_id = @w
  update district set @dname = d_name, d_ytd = d_ytd + @amount where d_w_id = @w and d_id = @d
  update customer set @credit = c_credit, @balance = c_balance = c_balance - @amount, c_ytd_payment = c_ytd_payment + @amount, c_payment_cnt = c_payment_cnt + 1 where c_w_id = @w and c_d_id = @d and c_id = @c
  insert history values (@c, @d, @w, @d, @w, sysdatetime(), @amount, @wname + '    ' + @dname)
  commit
  select @credit as credit, @balance as balance
end
go
create procedure order_status @w int, @d int, @c int, @seed int as
begin
  set nocount on
  declare @o int
  select c_first, c_last, c_balance from customer where c_w_id = @w and c_d_id = @d and c_id = @c
  select top (1) @o = o_id from orders where o_w_id = @w and o_d_id = @d and o_c_id = @c order by o_id desc
  select ol_i_id, ol_quantity, ol_amount, ol_delivery_d from order_line where ol_w_id = @w and ol_d_id = @d and ol_o_id = @o
end
go
create procedure deliver @w int, @d int, @c int, @seed int as
begin
  set nocount on; set xact_abort on
  declare @n int = 1, @o int, @who int, @sum decimal(12,2)
  begin transaction
  while @n <= 10
  begin
    set @o = null
    select top (1) @o = no_o_id from new_order with (updlock) where no_w_id = @w and no_d_id = @n order by no_o_id
    if @o is not null
    begin
      delete new_order where no_w_id = @w and no_d_id = @n and no_o_id = @o
      update orders set @who = o_c_id, o_carrier_id = 7 where o_w_id = @w and o_d_id = @n and o_id = @o
      update order_line set ol_delivery_d = sysdatetime() where ol_w_id = @w and ol_d_id = @n and ol_o_id = @o
      select @sum = sum(ol_amount) from order_line where ol_w_id = @w and ol_d_id = @n and ol_o_id = @o
      update customer set c_balance = c_balance + @sum, c_delivery_cnt = c_delivery_cnt + 1 where c_w_id = @w and c_d_id = @n and c_id = @who
    end
    set @n = @n + 1
  end
  commit
end
go
create procedure stock_level @w int, @d int, @c int, @seed int as
begin
  set nocount on
  declare @next int
  select @next = d_next_o_id from district where d_w_id = @w and d_id = @d
  select count(distinct s_i_id) as low from order_line join stock on s_w_id = @w and s_i_id = ol_i_id where ol_w_id = @w and ol_d_id = @d and ol_o_id >= @next - 20 and ol_o_id < @next and s_quantity < 15
end
