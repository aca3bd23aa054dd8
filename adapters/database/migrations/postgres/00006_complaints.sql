-- +goose Up

-- What residents and other systems complained of.
create table complaints (
    number     text    not null primary key,
    source     text    not null,              -- resident, or the name of another system
    resident   text    not null,              -- keyed hash; empty: unknown even to us
    contact    bytea    not null,              -- how to answer, encrypted; empty: not at all
    body       bytea    not null,              -- text, place, pictures, name, encrypted
    kind       text    not null,
    office     text    not null,
    kecamatan  text    not null,
    desa       text    not null,
    anonymous  boolean not null,
    confidential boolean not null,
    status     text    not null,              -- new, taken, answered, handed, closed
    operator   text    not null default '',   -- who works on it
    unread     boolean not null default false, -- the resident added something
    filed      bigint  not null,
    updated    bigint  not null,              -- when it came into its status
    answered   bigint,                        -- when the office first answered
    reference  text    not null default '',   -- at SP4N-LAPOR!
    answer     bytea    not null default '',  -- newest words of the office, encrypted
    published  text    not null default ''    -- what an operator wrote for everybody
);
create index complaints_filed on complaints (filed, number);
create index complaints_status on complaints (status, filed, number);
create index complaints_office on complaints (office, filed, number);
create index complaints_resident on complaints (resident, filed) where resident <> '';

-- What happened to a complaint, and who did it.
create table complaint_events (
    id        bigint  primary key generated always as identity,
    number    text    not null,
    at        bigint  not null,
    who       text    not null,               -- an operator; empty: the resident
    kind      text    not null,
    body      bytea    not null                -- words, pictures, encrypted; empty: none
);
create index complaint_events_number on complaint_events (number, id);
