-- +goose Up

-- Who is told when nobody answers. A kind without rows has those of 'default'.
create table policy_steps (
    kind     text   not null,
    step     bigint not null,
    target   text   not null,                 -- post, next_post, operators, coordinator, head, probe
    after_s  bigint not null,                 -- seconds until the next step
    channels text   not null,                 -- in the order of preference: sms,whatsapp
    primary key (kind, step, target)
);
insert into policy_steps (kind, step, target, after_s, channels) values
    ('default', 0, 'post',        60, 'sms,whatsapp,voice'),
    ('default', 1, 'operators',   60, 'whatsapp,sms,voice'),
    ('default', 1, 'post',        60, 'whatsapp,sms,voice'),
    ('default', 2, 'coordinator', 60, 'voice,sms,whatsapp'),
    ('default', 2, 'next_post',   60, 'sms,whatsapp,voice'),
    ('default', 3, 'head',       120, 'voice,sms,whatsapp'),
    ('default', 3, 'coordinator',120, 'sms,whatsapp,voice'),
    ('default', 3, 'operators',  120, 'sms,whatsapp,voice'),
    ('default', 3, 'post',       120, 'sms,whatsapp,voice'),
    ('default', 3, 'next_post',  120, 'sms,whatsapp,voice'),
    ('violence', 0, 'post',       60, 'sms,whatsapp,voice'),
    ('violence', 1, 'post',       60, 'whatsapp,sms,voice'),
    ('violence', 1, 'operators',   60, 'whatsapp,sms,voice'),
    ('violence', 2, 'coordinator',120, 'voice,sms,whatsapp'),
    ('violence', 2, 'operators',  120, 'sms,whatsapp,voice'),
    ('violence', 2, 'post',      120, 'sms,whatsapp,voice'),
    ('test', 0, 'probe',          60, 'sms,whatsapp,voice');

-- Messages that told somebody of an incident.
create table pages (
    id        text    not null primary key,   -- incident:step:loop:target:phone:channel, also the id of the message
    incident  bigint  not null,
    target    text    not null,
    contact   bigint  not null,
    phone     text    not null,
    channel   text    not null,
    rest      text    not null,               -- channels still to try
    reason    text    not null default '',    -- why this contact
    posted    bigint  not null,
    watched   boolean not null default true   -- until it has arrived, or the next channel was taken
);
create index pages_incident on pages (incident, posted);
create index pages_watched on pages (posted) where watched;
create index pages_phone on pages (phone, incident);

-- Who goes, and how far he is.
create table dispatches (
    incident  bigint not null,
    contact   bigint not null,
    sent_by   text   not null,                -- operator; 'post' if it went by itself
    sent      bigint not null,
    accepted  bigint,
    refused   bigint,
    on_scene  bigint,
    done      bigint,
    primary key (incident, contact)
);

-- Browsers of operators. One whose alarm is armed and which was seen lately is
-- somebody who hears it.
create table consoles (
    id       text   not null primary key,
    operator text   not null,
    armed_at bigint,                          -- null: it would not ring
    seen_at  bigint not null
);
create index consoles_seen on consoles (seen_at);
