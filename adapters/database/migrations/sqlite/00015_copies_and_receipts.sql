-- +goose Up

-- The last answer of each registry that is asked over HTTP, for when it is down.
create table registry_copies (
    registry text   not null,
    key      text   not null,                 -- keyed hash of what was asked
    body     blob   not null,                 -- what came back, encrypted
    fetched  bigint not null,
    primary key (registry, key)
) without rowid;
create index registry_copies_fetched on registry_copies (fetched);

-- Receipts that came before it was written down that their message was sent.
create table early_receipts (
    channel     text   not null,
    provider_id text   not null,
    status      text   not null,
    reason      text   not null,
    received    bigint not null,
    primary key (channel, provider_id)
) without rowid;
