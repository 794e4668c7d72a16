create table warehouse(w_id int not null primary key, w_name varchar(10), w_street varchar(20), w_city varchar(20), w_state char(2), w_zip char(9), w_tax numeric(4,4), w_ytd numeric(12,2));
create table district(d_w_id int not null, d_id int not null, d_name varchar(10), d_street varchar(20), d_city varchar(20), d_state char(2), d_zip char(9), d_tax numeric(4,4), d_ytd numeric(12,2), d_next_o_id int, primary key(d_w_id, d_id));
create table customer(c_w_id int not null, c_d_id int not null, c_id int not null, c_first varchar(16), c_last varchar(16), c_street varchar(20), c_city varchar(20), c_phone char(16), c_since timestamp, c_credit char(2), c_credit_lim numeric(12,2), c_discount numeric(4,4), c_balance numeric(12,2), c_ytd_payment numeric(12,2), c_payment_cnt int, c_delivery_cnt int, c_data varchar(500), primary key(c_w_id, c_d_id, c_id));
create table history(h_c_id int, h_c_d_id int, h_c_w_id int, h_d_id int, h_w_id int, h_date timestamp, h_amount numeric(6,2), h_data varchar(24));
create table orders(o_w_id int not null, o_d_id int not null, o_id int not null, o_c_id int, o_entry_d timestamp, o_carrier_id int, o_ol_cnt int, primary key(o_w_id, o_d_id, o_id));
create table new_order(no_w_id int not null, no_d_id int not null, no_o_id int not null, primary key(no_w_id, no_d_id, no_o_id));
create table order_line(ol_w_id int not null, ol_d_id int not null, ol_o_id int not null, ol_number int not null, ol_i_id int, ol_delivery_d timestamp, ol_quantity int, ol_amount numeric(6,2), ol_dist_info char(24), primary key(ol_w_id, ol_d_id, ol_o_id, ol_number));
create table item(i_id int not null primary key, i_im_id int, i_name varchar(24), i_price numeric(5,2), i_data varchar(50));
create table stock(s_w_id int not null, s_i_id int not null, s_quantity int, s_dist char(24), s_ytd int, s_order_cnt int, s_data varchar(50), primary key(s_w_id, s_i_id));
insert into warehouse select value, 'name', 'street', 'city', 'ST', '123456789', 0.1, 300000 from generate_series(1, 4) value;
insert into district select w.value, d.value, 'name', 'street', 'city', 'ST', '123456789', 0.05, 30000, 1001 from generate_series(1, 4) w(value) cross join generate_series(1, 10) d(value);
insert into customer select w.value, d.value, c.value, 'first', concat('last', c.value % 100), 'street', 'city', '0123456789012345', localtimestamp, 'GC', 50000, 0.1, -10, 10, 1, 0, repeat('x', 300) from generate_series(1, 4) w(value) cross join generate_series(1, 10) d(value) cross join generate_series(1, 1000) c(value);
insert into orders select w.value, d.value, o.value, o.value, localtimestamp, 1, 10 from generate_series(1, 4) w(value) cross join generate_series(1, 10) d(value) cross join generate_series(1, 1000) o(value);
insert into new_order select w.value, d.value, o.value from generate_series(1, 4) w(value) cross join generate_series(1, 10) d(value) cross join generate_series(900, 1000) o(value);
insert into order_line select w.value, d.value, o.value, l.value, o.value * 7 + l.value, localtimestamp, 5, 9.99, 'dist-info-dist-info-dist' from generate_series(1, 4) w(value) cross join generate_series(1, 10) d(value) cross join generate_series(1, 1000) o(value) cross join generate_series(1, 10) l(value);
insert into item select value, value, concat('item', value), 1 + value % 100, 'data of the item' from generate_series(1, 20000) value;
insert into stock select w.value, i.value, 50, 'dist-info-dist-info-dist', 0, 0, 'data of the stock' from generate_series(1, 4) w(value) cross join generate_series(1, 20000) i(value);
create index by_customer on orders(o_w_id, o_d_id, o_c_id, o_id);
create index by_name on customer(c_w_id, c_d_id, c_last);
analyze;

create function place_order(w int, d int, c int, seed int) returns numeric as $$
declare o int; i int; left_over int; price numeric(5,2); tax numeric(4,4); dtax numeric(4,4); discount numeric(4,4); total numeric(12,2) := 0; info char(24);
begin
  select w_tax into tax from warehouse where w_id = w;
  update district set d_next_o_id = d_next_o_id + 1 where d_w_id = w and d_id = d returning d_next_o_id - 1, d_tax into o, dtax;
  select c_discount into discount from customer where c_w_id = w and c_d_id = d and c_id = c;
  insert into orders values (w, d, o, c, localtimestamp, null, 10);
  insert into new_order values (w, d, o);
  for n in 1..10 loop
    i := seed + n * 137;
    select i_price into price from item where i_id = i;
    if price is null then raise exception 'there is no such item'; end if;
    update stock set s_quantity = case when s_quantity >= n + 10 then s_quantity - n else s_quantity - n + 91 end, s_ytd = s_ytd + n, s_order_cnt = s_order_cnt + 1 where s_w_id = w and s_i_id = i returning s_dist, s_quantity into info, left_over;
    insert into order_line values (w, d, o, n, i, null, n, n * price, info);
    total := total + n * price;
  end loop;
  return total * (1 - discount) * (1 + tax + dtax);
end $$ language plpgsql;
create function pay(w int, d int, c int, seed int, out credit char(2), out balance numeric) as $$
declare amount numeric(6,2) := seed % 5000 + 1; wname varchar(10); dname varchar(10);
begin
  update warehouse set w_ytd = w_ytd + amount where w_id = w returning w_name into wname;
  update district set d_ytd = d_ytd + amount where d_w_id = w and d_id = d returning d_name into dname;
  update customer set c_balance = c_balance - amount, c_ytd_payment = c_ytd_payment + amount, c_payment_cnt = c_payment_cnt + 1 where c_w_id = w and c_d_id = d and c_id = c returning c_credit, c_balance into credit, balance;
  insert into history values (c, d, w, d, w, localtimestamp, amount, wname || '    ' || dname);
end $$ language plpgsql;
create function order_status(w int, d int, c int, seed int) returns setof order_line as $$
declare o int; name varchar(16); balance numeric(12,2);
begin
  select c_last, c_balance into name, balance from customer where c_w_id = w and c_d_id = d and c_id = c;
  select o_id into o from orders where o_w_id = w and o_d_id = d and o_c_id = c order by o_id desc limit 1;
  return query select * from order_line where ol_w_id = w and ol_d_id = d and ol_o_id = o;
end $$ language plpgsql;
create function deliver(w int, d int, c int, seed int) returns void as $$
declare o int; who int; amount numeric(12,2);
begin
  for n in 1..10 loop
    o := null;
    select no_o_id into o from new_order where no_w_id = w and no_d_id = n order by no_o_id limit 1 for update;
    if o is not null then
      delete from new_order where no_w_id = w and no_d_id = n and no_o_id = o;
      update orders set o_carrier_id = 7 where o_w_id = w and o_d_id = n and o_id = o returning o_c_id into who;
      update order_line set ol_delivery_d = localtimestamp where ol_w_id = w and ol_d_id = n and ol_o_id = o;
      select sum(ol_amount) into amount from order_line where ol_w_id = w and ol_d_id = n and ol_o_id = o;
      update customer set c_balance = c_balance + amount, c_delivery_cnt = c_delivery_cnt + 1 where c_w_id = w and c_d_id = n and c_id = who;
    end if;
  end loop;
end $$ language plpgsql;
create function stock_level(w int, d int, c int, seed int) returns bigint as $$
declare upto int; low bigint;
begin
  select d_next_o_id into upto from district where d_w_id = w and d_id = d;
  select count(distinct s_i_id) into low from order_line join stock on s_w_id = w and s_i_id = ol_i_id where ol_w_id = w and ol_d_id = d and ol_o_id >= upto - 20 and ol_o_id < upto and s_quantity < 15;
  return low;
end $$ language plpgsql;
