-- +goose Up

-- What residents asked to be told of.
create table subscriptions (
    id       bigint primary key generated always as identity,
    resident text   not null,
    purpose  text   not null,                 -- permit, rice, pbb_due, news …
    key_hash text   not null,                 -- keyed hash of what it is about
    channel  text   not null,                 -- by which he is told
    body     bytea  not null,                 -- where to, about what, by which words he agreed, encrypted
    mark     text   not null,                 -- what he was told last
    told     bigint not null default 0,       -- how often
    created  bigint not null,
    touched  bigint not null,                 -- told or agreed to last
    due      bigint not null,                 -- not to be looked at before
    stopped  bigint,                          -- null: he wants to be told
    unique (resident, purpose, key_hash)
);
create index subscriptions_due on subscriptions (purpose, due) where stopped is null;
create index subscriptions_audience on subscriptions (purpose, resident) where stopped is null;

-- Who sent STOP: nothing that he did not ask for afterwards goes to him.
create table silences (
    resident text   not null primary key,
    since    bigint not null
);

-- When the next notice of each channel may leave.
create table notice_pace (
    channel text   not null primary key,
    next    bigint not null
);

-- How many notices left, and how many could not.
create table notice_counts (
    day     text   not null,                  -- of WITA
    purpose text   not null,
    channel text   not null,
    outcome text   not null,
    n       bigint not null,
    primary key (day, purpose, channel, outcome)
);

-- Messages of an office to a kecamatan, or to all who want its news.
create table broadcasts (
    id        bigint primary key generated always as identity,
    code      text   not null unique,         -- that confirms it
    office    text   not null,
    kecamatan text   not null,                -- empty: everywhere
    text_id   text   not null,
    text_bug  text   not null,                -- empty: the Indonesian one
    people    bigint not null,                -- by the dry run
    segments  bigint not null,
    cost      bigint not null,                -- rupiah
    created   bigint not null,
    confirmed bigint,
    stopped   bigint,
    finished  bigint,
    cursor    text   not null default '',     -- the resident who was written to last
    sent      bigint not null default 0
);
create index broadcasts_running on broadcasts (id) where confirmed is not null and stopped is null and finished is null;

-- Satisfaction (SKM), without a trace of who said it. A score of 0 counts how
-- often it was asked.
create table survey_scores (
    service text   not null,
    element text   not null,                  -- u1 … u9
    month   text   not null,                  -- YYYY-MM
    score   bigint not null,
    n       bigint not null,
    primary key (service, element, month, score)
);

-- Who was asked when, so that nobody is asked too often.
create table survey_asked (
    resident text   not null primary key,
    at       bigint not null
);

-- Up to which message of the journal answers were looked at.
create table survey_cursor (
    id  bigint not null primary key,
    seq bigint not null
);
