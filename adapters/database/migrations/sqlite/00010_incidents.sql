-- +goose Up

-- What operators work on. Words of residents and where they can be reached
-- stand in incident_reporters and incident_messages, encrypted.
create table incidents (
    id         bigint  not null primary key,  -- 2 * journal.seq of the first message; odd: written by an operator
    code       text    not null,              -- what people call it by
    kind       text    not null,              -- fire, medical, crime, disaster, violence
    status     text    not null,              -- new, acked, dispatched, closed
    test       boolean not null default false, -- a drill: nobody has to go
    reporter   text    not null default '',   -- the resident who reported it first; empty: by telephone
    district   text    not null default '',   -- codes; empty: unknown
    village    text    not null default '',
    source     text    not null default '',   -- how the place is known: text, choice, pin, operate
    lat        double precision,              -- a position that was shared
    lng        double precision,
    accuracy   double precision not null default 0,
    doubt      text    not null default '',   -- of the position: border, outside
    landmark   blob ,                         -- the reporter's words about the place, encrypted
    danger     text    not null default '',   -- are people in danger: yes, no
    priority   bigint  not null default 0,    -- higher comes first
    pranks     bigint  not null default 0,    -- earlier reports of the reporter that were false
    opened     bigint  not null,
    heard      bigint  not null,              -- last word of or to the reporter
    takeback   bigint,                        -- the reporter said that it is over
    acked      bigint,
    acked_by   text    not null default '',
    dispatched bigint,
    closed     bigint,
    outcome    text    not null default '',
    merged     bigint,                        -- into which incident
    forget     boolean not null default false, -- the reporter wants his data erased: when it is closed
    version    bigint  not null default 1,    -- +1 with every act of an operator or a post

    -- The clock of its escalation, by the database's time.
    step       bigint  not null default -1,   -- the tier that was paged last
    loops      bigint  not null default 0,    -- how often the last tier was repeated
    set_at     bigint  not null,              -- when the clock was set
    next_at    bigint                         -- when somebody has to be told next; null: nobody
);
create index incidents_due on incidents (next_at) where next_at is not null;
create index incidents_open on incidents (status, opened) where status <> 'closed';
create index incidents_reporter on incidents (reporter, heard) where reporter <> '';
create index incidents_opened on incidents (opened);
create index incidents_code on incidents (code);

-- Who reported: an incident can have several after a merge.
create table incident_reporters (
    incident bigint  not null,
    resident text    not null,
    channel  text    not null,
    contact  text    not null default '',     -- may be written to: yes, no; empty: as the kind has it
    language text    not null default '',
    body     blob    not null,                -- peer and subject, encrypted; empty: erased
    since    bigint  not null,
    primary key (incident, resident, channel)
) without rowid;

-- What was said about an incident, in its order.
create table incident_messages (
    id       integer primary key autoincrement,
    incident bigint  not null,
    at       bigint  not null,
    author   text    not null,                -- reporter, operator, post, engine
    name     text    not null default '',     -- of the operator or post
    language text    not null default '',
    source   text    not null,                -- what makes it one message: channel and id
    body     blob    not null,                -- words, media, encrypted; empty: erased
    unique (incident, source)
);

-- Posts, offices and people that can be called, and who checked the number.
create table contacts (
    id          integer primary key autoincrement,
    service     text    not null,             -- a kind of incident, or operators, coordinator, head, probe, any
    name        text    not null,
    district    text    not null default '',  -- code of the kecamatan; empty: all
    dial        text    not null default '',  -- as people dial it; empty: none is known
    phone       text    not null default '',  -- E.164; empty: cannot be paged
    line        text    not null default '',  -- mobile, landline, short_code, none
    national    boolean not null default false, -- a short number of the country
    verified_at bigint,                       -- null: by nobody
    verified_by text    not null default '',
    active      boolean not null default true,
    note        text    not null default '',
    unique (service, name, district, dial)
);
