-- +goose Up

-- What residents sent, in the order of arrival.
create table journal (
    seq        bigint  primary key generated always as identity,
    channel    text    not null,
    message_id text    not null,              -- the provider's
    resident   text    not null,
    accepted   bigint  not null,
    body       bytea   not null,              -- the message, encrypted; empty: erased
    answered   bigint,                        -- null: a turn is still to be run
    answer     bytea,                          -- replies that were given in the request, encrypted
    previous   bigint,                        -- the message of this resident answered before this one
    unique (channel, message_id)
);
-- Small whatever the size of the journal: only what waits is in it.
create index journal_pending on journal (resident, seq, accepted) where answered is null;

create table residents (
    id       text   not null primary key,
    version  bigint not null,
    state    bytea  not null,                 -- encrypted
    last_seq bigint not null                  -- newest answered message: head of the list through journal.previous
);

-- What goes out. The unsent messages of one resident on one channel are a
-- list: the first is ready, each knows the next, the last has none.
create table outbox (
    id          bigint  primary key,          -- 64 * journal.seq + position in the answer
    resident    text    not null,
    channel     text    not null,
    body        bytea   not null,              -- where it goes and the text, encrypted; empty: erased
    status      text    not null,
    ready       boolean not null,             -- nothing unsent is before it
    next        bigint,
    due         bigint  not null,             -- not to be claimed before
    attempt     bigint  not null default 0,
    forget      boolean not null default false, -- erase the body as soon as it has left
    created     bigint  not null,
    provider_id text,
    reason      text    not null default ''
);
create index outbox_due on outbox (channel, due) where status = 'queued' and ready;
create unique index outbox_last on outbox (resident, channel) where status = 'queued' and next is null;
create index outbox_receipt on outbox (provider_id, channel) where provider_id is not null;
create index outbox_dead on outbox (id) where status = 'dead';

-- What the secret key of these tables gives away of itself, so that another
-- one is noticed before it spoils anything.
create table secret_key (
    id    bigint not null primary key,
    proof bytea not null
);
