-- +goose Up

-- Small whatever the size of the outbox.
create index outbox_urgent on outbox (channel, due) where status = 'queued' and ready and urgent;
create index outbox_failed on outbox (id) where status = 'failed';
