-- +goose Up

-- One row of perizinan.csv, as one load told it, without the applicant's name,
-- which nobody is told. Of the rows for one key the one of the newest visible
-- load holds; the others are swept away later.
create table permits (
    key            text   not null,           -- the same for all ways to write one number
    load           bigint not null,
    serial         text   not null,           -- the part of the number that people remember
    nomor          text   not null,           -- as the office writes it
    jenis_izin     text   not null,
    tanggal_masuk  text   not null,           -- YYYY-MM-DD; empty is unknown
    status         text   not null,           -- as the office writes it
    tanggal_status text   not null,
    keterangan     text   not null,
    retribusi      bigint not null,           -- rupiah; 0 is unknown or none
    telepon        text   not null,           -- E.164
    primary key (key, load)
);
create index permits_serial on permits (serial, tanggal_masuk);
create index permits_telepon on permits (telepon) where telepon <> '';
