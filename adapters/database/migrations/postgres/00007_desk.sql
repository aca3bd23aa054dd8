-- +goose Up

-- Residents who asked for a person.
create table desk_cases (
    id        bigint primary key generated always as identity,
    resident  text   not null,
    channel   text   not null,                -- by which he is answered
    stage     text   not null,                -- waiting, promised, taken, closed
    reason    text   not null,                -- why he asked: asked, voice, call
    asked     bigint not null,
    heard     bigint not null,                -- when he last said something
    seen      bigint not null default 0,      -- up to when an operator has read
    due       bigint not null,                -- from when he is promised an answer
    until     bigint not null,                -- by when
    moved     bigint not null default 0,      -- how often that was not kept
    calls     bigint not null default 0,      -- that nobody answered
    operator  text   not null default '',     -- account of who has it, or had it last
    who       text   not null default '',     -- his name, as residents are told
    taken     bigint,                         -- when it was first taken
    closed    bigint,
    outcome   text   not null default '',
    notices   bigint not null default 0,      -- how many were posted to the resident
    body      bytea  not null                 -- where to answer, numbers, media, encrypted
);
-- One open case for each resident, and the queues; what is closed is in neither.
create unique index desk_cases_open on desk_cases (resident) where stage <> 'closed';
create index desk_cases_queue on desk_cases (stage, due, id) where stage <> 'closed';
create index desk_cases_resident on desk_cases (resident);
create index desk_cases_taken on desk_cases (taken) where taken is not null;
