-- +goose Up

-- What nobody understood, without personal data, for a person to label.
create table unanswered (
    id         bigint primary key generated always as identity,
    text       text   not null,
    language   text   not null,
    guess      text   not null,
    times      bigint not null,
    first_seen bigint not null,
    label      text   not null default '',   -- an intent, or 'none'
    unique (text, language)
);
create index unanswered_open on unanswered (times, id) where label = '';
