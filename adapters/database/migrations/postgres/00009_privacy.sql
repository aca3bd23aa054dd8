-- +goose Up

-- Who of the offices looked at what of a resident.
create table access_log (
    id       bigint primary key generated always as identity,
    resident text   not null,
    at       bigint not null,
    who      text   not null,                 -- a role, never a name
    what     text   not null
);
create index access_log_resident on access_log (resident, id);
create index access_log_at on access_log (at);

-- The newest message of each day, by which the age of what else is kept of a
-- resident is known when his messages are long erased.
create table retention_days (
    day text   not null primary key,          -- of WITA
    seq bigint not null
);
