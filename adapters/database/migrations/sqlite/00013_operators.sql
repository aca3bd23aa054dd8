-- +goose Up

-- Who may sign in at the command center. Accounts are never removed, because
-- the audit names them.
create table operators (
    name      text    not null primary key,   -- what is typed at the sign-in
    full_name text    not null,
    roles     text    not null,               -- parted by spaces
    unit      text    not null,               -- the post of an agency; empty: none
    password  text    not null,               -- argon2id, with its parameters
    totp      blob    not null,               -- secret of the second factor, encrypted
    totp_step bigint  not null default 0,     -- of the last code that was used
    disabled  boolean not null default false,
    created   bigint  not null
);

-- Codes on paper, each good once in place of the second factor.
create table operator_recovery (
    operator text   not null,
    hash     text   not null,
    used     bigint,
    primary key (operator, hash)
);

create table operator_sessions (
    hash      text   not null primary key,    -- of the token in the cookie
    operator  text   not null,
    created   bigint not null,
    confirmed bigint not null,                -- when both factors, or the second, were last given
    seen      bigint not null,
    address   text   not null,
    agent     text   not null                 -- the browser
);
create index operator_sessions_operator on operator_sessions (operator);

-- Failed sign-ins, by account, by address and by both.
create table operator_failures (
    key      text   not null primary key,     -- a hash
    failures bigint not null,
    last     bigint not null
);

-- From where an account has signed in: an attack on the account from elsewhere
-- does not keep its owner out.
create table operator_addresses (
    operator text   not null,
    address  text   not null,                 -- a hash
    last     bigint not null,
    primary key (operator, address)
);
