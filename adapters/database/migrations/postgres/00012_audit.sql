-- +goose Up

-- What happened at the command center, in the order of its commits: each event
-- carries a hash over itself and the one before. Ids only, nothing of a resident.
create table audit (
    seq      bigint not null primary key,
    at       bigint not null,
    actor    text   not null,                 -- operator, 'engine', 'resident' …
    kind     text   not null,                 -- 'incident.opened' …
    incident text   not null,                 -- its code; empty: about none
    body     text   not null,
    prev     bytea  not null,                 -- hash of seq - 1
    hash     bytea  not null
);
create index audit_incident on audit (incident, seq) where incident <> '';

-- Where the chain ends. Writers lock this row first, so that the order of seq
-- is the order of commits and a reader that asks for seq > n misses nothing.
create table audit_head (
    id   bigint not null primary key check (id = 1),
    seq  bigint not null,
    hash bytea  not null
);
insert into audit_head values (1, 0, '\x0000000000000000000000000000000000000000000000000000000000000000');

-- +goose StatementBegin
create function audit_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit is append-only';
end
$$;
-- +goose StatementEnd
create trigger audit_no_change before update or delete on audit for each row execute function audit_append_only();
create trigger audit_no_truncate before truncate on audit for each statement execute function audit_append_only();
