-- +goose Up

-- Extracts of offices that were loaded, are being loaded, or were given up.
create table registry_loads (
    id       integer primary key autoincrement,
    registry text    not null,                -- pbb, perizinan, macca
    file     text    not null,                -- its name without folders
    sha256   text    not null default '',
    rows     bigint  not null default 0,
    loaded   bigint  not null default 0,
    refused  bigint  not null default 0,
    warnings bigint  not null default 0,
    started  bigint  not null,
    touched  bigint  not null,                -- last sign of life of the import
    finished bigint,
    sequence bigint                           -- null: under way; 0: given up; else the order in which loads became visible
);
create unique index registry_loads_sequence on registry_loads (registry, sequence) where sequence > 0;

-- One row of pbb.csv, as one load told it. Of the rows for one nop and tahun
-- the one of the newest visible load holds; the others are swept away later.
create table pbb_assessments (
    nop           text   not null,
    tahun         bigint not null,
    load          bigint not null,
    nama_wp       text   not null,
    alamat_op     text   not null,
    kecamatan     text   not null,
    desa          text   not null,
    luas_bumi     bigint not null,            -- m2; here and below 0 is unknown
    luas_bangunan bigint not null,
    njop_bumi     bigint not null,            -- rupiah
    njop_bangunan bigint not null,
    njoptkp       bigint not null,
    pbb_terutang  bigint not null,            -- 0 is a bill of nothing
    jatuh_tempo   text   not null,            -- YYYY-MM-DD; empty is unknown
    tanggal_bayar text   not null,
    jumlah_bayar  bigint not null,
    telepon       text   not null,            -- E.164
    primary key (nop, tahun, load)
) without rowid;
create index pbb_assessments_telepon on pbb_assessments (telepon, nop) where telepon <> '';
