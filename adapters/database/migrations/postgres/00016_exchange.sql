-- +goose Up

-- How far each system that gets our incidents has come in the stream of events.
create table exchange_peers (
    name     text   not null primary key,
    cursor   bigint not null,                 -- the last event that it was told or that is not for it
    failures bigint not null default 0,       -- in a row
    next_at  bigint not null                  -- not to be tried before
);

-- What those systems answered.
create table exchange_answers (
    peer     text   not null,
    incident text   not null,                 -- code
    kind     text   not null,                 -- accepted, rejected, completed
    at       bigint not null,
    cause    text   not null default '',
    primary key (peer, incident, kind)
);
create index exchange_answers_incident on exchange_answers (incident, at);

-- Which incident the other systems mean by a shared id.
create table exchange_shared (
    id       text not null primary key,
    incident text not null                    -- code
);
