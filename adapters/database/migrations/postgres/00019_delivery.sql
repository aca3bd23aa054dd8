-- +goose Up

alter table outbox add column urgent   boolean not null default false; -- leaves before what is not
alter table outbox add column ended    bigint;                         -- when it left, was given up or moved
alter table outbox add column segments bigint not null default 0;      -- that it was billed as
alter table outbox add column cost     bigint not null default 0;      -- whole rupiah, by the tariffs of that day

-- Channels that fail for everybody, as each process sees them.
create table outages (
    channel text   not null,
    node    text   not null,
    since   bigint not null,
    code    text   not null,
    seen    bigint not null,                  -- by the process, which may be gone
    primary key (channel, node)
);
