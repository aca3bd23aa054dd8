-- +goose Up

-- What is told to other systems: CAP documents. Nothing of a resident stands in one.
create table alerts (
    id          bigint generated always as identity primary key,
    identifier  text   not null unique,
    incident    text   not null,              -- code; empty: a warning
    district    text   not null default '',   -- code of the kecamatan that is warned; empty: the regency
    scope       text   not null,              -- Public, Restricted, Private
    status      text   not null,              -- waiting (for the second person), published, refused
    document    text   not null,              -- CAP 1.2
    drafted     bigint not null,
    drafted_by  text   not null,
    decided     bigint,
    decided_by  text   not null default '',
    published   bigint
);
create index alerts_published on alerts (published) where published is not null;
create index alerts_waiting on alerts (drafted) where status = 'waiting';
create index alerts_incident on alerts (incident, id);
