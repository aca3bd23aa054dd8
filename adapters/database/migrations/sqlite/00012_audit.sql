-- +goose Up

-- What happened at the command center, in the order of its commits: each event
-- carries a hash over itself and the one before. Ids only, nothing of a resident.
create table audit (
    seq      integer primary key,
    at       bigint not null,
    actor    text   not null,                 -- operator, 'engine', 'resident' …
    kind     text   not null,                 -- 'incident.opened' …
    incident text   not null,                 -- its code; empty: about none
    body     text   not null,
    prev     blob   not null,                 -- hash of seq - 1
    hash     blob   not null
);
create index audit_incident on audit (incident, seq) where incident <> '';

-- Where the chain ends. Writers take this row first, so that the order of seq
-- is the order of commits and a reader that asks for seq > n misses nothing.
create table audit_head (
    id   bigint  not null primary key check (id = 1),
    seq  bigint  not null,
    hash blob    not null
);
insert into audit_head values (1, 0, x'0000000000000000000000000000000000000000000000000000000000000000');

-- +goose StatementBegin
create trigger audit_no_update before update on audit begin
    select raise(abort, 'audit is append-only');
end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_no_delete before delete on audit begin
    select raise(abort, 'audit is append-only');
end;
-- +goose StatementEnd
-- "insert or replace" deletes without asking the trigger above.
-- +goose StatementBegin
create trigger audit_no_replace before insert on audit when exists (select 1 from audit where seq = new.seq) begin
    select raise(abort, 'audit is append-only');
end;
-- +goose StatementEnd
