-- +goose Up

-- What the chat on the regency's site has to show, until the page has seen it
-- and for a while after, so that a page that was reloaded shows it again.
create table webchat_texts (
    id      bigint primary key generated always as identity,
    session text    not null,                 -- hash of the page's secret
    sent    bigint  not null unique,          -- id in the outbox: a text that is sent twice is shown once
    created bigint  not null,
    body    bytea not null                    -- encrypted
);
create index webchat_texts_session on webchat_texts (session, id);
create index webchat_texts_created on webchat_texts (created);
