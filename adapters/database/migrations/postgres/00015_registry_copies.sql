-- +goose Up

-- The last answer of each registry that is asked over HTTP, for when it is down.
create table registry_copies (
    registry text   not null,
    key      text   not null,                 -- keyed hash of what was asked
    body     bytea  not null,                 -- what came back, encrypted
    fetched  bigint not null,
    primary key (registry, key)
);
create index registry_copies_fetched on registry_copies (fetched);
