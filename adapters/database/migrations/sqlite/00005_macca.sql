-- +goose Up

-- One row of macca.csv, as one load told it: one member of a household. Of the
-- rows for one nik the one of the newest visible load holds, so that a person
-- belongs to one household only; the others are swept away later.
create table macca_members (
    nik           text   not null,
    load          bigint not null,
    no_kk         text   not null,
    nama          text   not null,            -- here and below empty is unknown
    hubungan      text   not null,            -- as the office writes it; the head is KEPALA KELUARGA
    tanggal_lahir text   not null,            -- YYYY-MM-DD
    kecamatan     text   not null,
    desa          text   not null,
    no_kartu      text   not null,
    status_kartu  text   not null,            -- one of adapters/registry/macca/card.go
    desil         bigint not null,            -- 1 to 10; 0 is unknown
    bantuan       text   not null,            -- names, with ; between
    telepon       text   not null,            -- E.164
    primary key (nik, load)
) without rowid;
create index macca_members_no_kk on macca_members (no_kk);
create index macca_members_telepon on macca_members (telepon, no_kk) where telepon <> '';
