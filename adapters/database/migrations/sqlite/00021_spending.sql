-- +goose Up

-- What our messages cost, by the day (WITA). Every node adds to the same rows.
create table spending (
    day      text   not null,                 -- YYYY-MM-DD
    channel  text   not null,
    kind     text   not null,                 -- ordinary, emergency
    messages bigint not null,
    segments bigint not null,                 -- what is charged for: segments, messages, started minutes
    rupiah   bigint not null,
    primary key (day, channel, kind)
) without rowid;

-- Which alarms about the day's money were given, so that each is given once.
create table budget_alarms (
    day    text   not null,
    level  text   not null,                   -- low, gone
    rupiah bigint not null,                   -- the sum that was passed: a higher budget has another alarm
    at     bigint not null,
    primary key (day, level, rupiah)
) without rowid;

-- A warning of something that is about to happen does not wait for money.
alter table broadcasts add column warning boolean not null default false;
